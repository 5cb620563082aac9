"""What every panel has: a title and a description for people, a unit, words beside colours, "unknown".

A panel is a builder of grafana-foundation-sdk 0.0.21 plus its size; `board` places the panels from left
to right and mends what that version of the SDK gets wrong: panel ids that are absent or 0, and links
with a `placement` that Grafana knows for dashboards of version 2 only.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from grafana_foundation_sdk.builders import bargauge, dashboard, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import common as options
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as choices
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models import prometheus as query_model

FLEET_UID, CENTRE_UID = "erz-fleet", "erz-centre"
STORE = choices.DataSourceRef(type_val="prometheus", uid="${datasource}")
UNKNOWN = "unknown"
GRID = 24
GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#8e8e8e"
SPOKEN = {GREY: "grey"}
"""Colours that Grafana knows by number only, as people call them."""
CENTRE_LINK = f"/d/{CENTRE_UID}?var-centre=${{__data.fields.centre}}&${{__url_time_range}}"


class Step(NamedTuple):
    """From `start` on (None: from the bottom) the colour means the word."""

    start: float | None
    colour: str
    word: str


class Line(NamedTuple):
    """A query and what its lines are called."""

    expr: str
    legend: str


class Word(NamedTuple):
    """What a code of a state series means."""

    code: int
    text: str
    colour: str


class Panel(NamedTuple):
    """A builder and its size on a grid of 24 columns."""

    builder: Any
    width: int
    height: int


# ── panels ─────────────────────────────────────────────────────────────────────────────────────
def heading(title: str) -> Panel:
    """A line over the panels that follow."""
    return Panel(dashboard.Row(title), GRID, 1)


def tile(
    title: str,
    description: str,
    expr: str,
    unit: str,
    steps: Sequence[Step],
    *,
    width: int = 4,
    decimals: int | None = None,
) -> Panel:
    """One present number, coloured by steps."""
    builder = _described(stat.Panel(), title, _with_steps(description, steps, unit), unit).thresholds(
        _thresholds(steps)
    )
    if decimals is not None:
        builder.decimals(decimals)
    return Panel(_one_value(builder).with_target(_now(expr)), width, 4)


def word_tile(title: str, description: str, line: Line, words: Sequence[Word], *, width: int = 4) -> Panel:
    """The present state as a word; several if there are several devices."""
    builder = _described(stat.Panel(), title, description, "none").mappings(_mappings(words)).thresholds(_plain(GREY))
    mode = choices.BigValueTextMode.VALUE_AND_NAME if "{{" in line.legend else choices.BigValueTextMode.VALUE
    return Panel(_one_value(builder).text_mode(mode).with_target(_now(line.expr, line.legend)), width, 4)


def graph(
    title: str,
    description: str,
    lines: Sequence[Line],
    unit: str,
    *,
    steps: Sequence[Step] = (),
    stacked: bool = False,
    top: float | None = None,
    width: int = 12,
) -> Panel:
    """Lines over time from 0 (or from the data where steps say what is normal), named in the legend."""
    builder = _described(timeseries.Panel(), title, _with_steps(description, steps, unit), unit)
    builder.legend(options.VizLegendOptions().show_legend(True))
    builder.tooltip(
        options.VizTooltipOptions().mode(choices.TooltipDisplayMode.MULTI).sort(choices.SortOrder.DESCENDING)
    )
    builder.thresholds(_thresholds(steps or [Step(None, GREEN, "")]))
    if steps:
        builder.thresholds_style(options.GraphThresholdsStyleConfig().mode(choices.GraphThresholdsStyleMode.DASHED))
    else:
        builder.min(0)
    if top is not None:
        builder.max(top)
    if stacked:
        builder.stacking(options.StackingConfig().mode(choices.StackingMode.NORMAL)).fill_opacity(30)
    for ref, line in zip(_refs(), lines, strict=False):
        builder.with_target(_query(ref, line.expr, line.legend).range())
    return Panel(builder, width, 8)


def timeline(title: str, description: str, lines: Sequence[Line], words: Sequence[Word], *, height: int = 7) -> Panel:
    """One band a device, each stretch a word; a hole is "unknown"."""
    builder = _described(statetimeline.Panel(), title, description, "none").mappings(_mappings(words))
    builder.thresholds(_plain(GREY)).show_value(choices.VisibilityMode.ALWAYS).merge_values(True).row_height(0.8)
    for ref, line in zip(_refs(), lines, strict=False):
        builder.with_target(_query(ref, line.expr, line.legend).range())
    return Panel(builder, GRID, height)


def bars(
    title: str,
    description: str,
    line: Line,
    unit: str,
    steps: Sequence[Step],
    *,
    width: int = 12,
    top: float | None = None,
) -> Panel:
    """Present values side by side, each with its name and number."""
    builder = (
        _described(bargauge.Panel(), title, _with_steps(description, steps, unit), unit)
        .thresholds(_thresholds(steps))
        .min(0)
    )
    if top is not None:
        builder.max(top)
    builder.display_mode(choices.BarGaugeDisplayMode.BASIC).orientation(choices.VizOrientation.HORIZONTAL)
    builder.reduce_options(_last()).with_target(_now(line.expr, line.legend))
    return Panel(builder, width, 10)


class Column(NamedTuple):
    """A column of a table: its heading, query, unit and, for states, words."""

    heading: str
    expr: str
    unit: str
    words: Sequence[Word] = ()


def centre_table(
    title: str, description: str, labels: dict[str, str], columns: Sequence[Column], *, none: str
) -> Panel:
    """One row a centre, which opens its board: labels of the first query (label -> heading), then a column a query."""
    builder = _described(table.Panel(), title, description, "none").no_value(none).thresholds(_plain(GREY))
    names = {"centre": "centre", **labels}
    for ref, column in zip(_refs(), columns, strict=False):
        value = f"Value #{ref}"
        names[value] = column.heading
        builder.with_target(_now(column.expr, ref=ref).format(query_model.PromQueryFormat.TABLE))
        builder.override_by_name(column.heading, [model.DynamicConfigValue("unit", column.unit), *_cell(column.words)])
    builder.override_by_name("centre", [_setting("links", [{"title": "Open the centre", "url": CENTRE_LINK}])])
    builder.with_transformation(_transform("joinByField", {"byField": "centre", "mode": "outer"}))
    builder.with_transformation(_transform("filterFieldsByName", {"include": {"names": list(names)}}))
    order = {name: position for position, name in enumerate(names)}
    builder.with_transformation(_transform("organize", {"indexByName": order, "renameByName": names}))
    builder.sort_by([options.TableSortByFieldState().display_name(columns[0].heading).desc(True)])
    return Panel(builder, GRID, 12)


def label_table(
    title: str, description: str, labels: dict[str, str], exprs: Sequence[str], *, width: int = 12
) -> Panel:
    """What info series say in their labels (label -> heading), a row a device."""
    builder = _described(table.Panel(), title, description, "none").thresholds(_plain(GREY))
    for ref, expr in zip(_refs(), exprs, strict=False):
        builder.with_target(_now(expr, ref=ref).format(query_model.PromQueryFormat.TABLE))
    builder.with_transformation(_transform("merge", {}))
    builder.with_transformation(_transform("filterFieldsByName", {"include": {"names": list(labels)}}))
    order = {name: position for position, name in enumerate(labels)}
    builder.with_transformation(_transform("organize", {"indexByName": order, "renameByName": labels}))
    return Panel(builder, width, 8)


# ── the board ──────────────────────────────────────────────────────────────────────────────────
def board(
    uid: str,
    title: str,
    description: str,
    panels: Iterable[Panel],
    *,
    variables: Sequence[Builder[model.VariableModel]] = (),
    links: dict[str, str],
    since: str = "now-6h",
) -> dict[str, Any]:
    """The JSON of a dashboard, its panels placed from left to right. links: title -> URL."""
    builder = dashboard.Dashboard(title).uid(uid).description(description).tags(["e-rozgar"]).readonly()
    builder.time(since, "now").refresh("1m").tooltip(model.DashboardCursorSync.CROSSHAIR)
    builder.with_variable(dashboard.DatasourceVariable("datasource").label("Store").type("prometheus"))
    for variable in variables:
        builder.with_variable(variable)
    for text, url in links.items():
        builder.link(dashboard.DashboardLink(text).type(model.DashboardLinkType.LINK).url(url).keep_time(True))
    for panel, position in _placed(panels):
        panel.builder.grid_pos(position)
        (builder.with_row if isinstance(panel.builder, dashboard.Row) else builder.with_panel)(panel.builder)
    made: dict[str, Any] = json.loads(json.dumps(builder.build(), cls=JSONEncoder))
    return _mended(made)


def centre_variable() -> Builder[model.VariableModel]:
    """Which centre; every one that was ever heard of."""
    return (
        dashboard.QueryVariable("centre")
        .label("Centre")
        .datasource(STORE)
        .query("label_values(centre_last_seen_timestamp_seconds, centre)")
        .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(model.VariableSort.ALPHABETICAL_ASC)
    )


def _placed(panels: Iterable[Panel]) -> Iterable[tuple[Panel, model.GridPos]]:
    x = y = tallest = 0
    for panel in panels:
        if x + panel.width > GRID:
            x, y, tallest = 0, y + tallest, 0
        yield panel, model.GridPos(h=panel.height, w=panel.width, x=x, y=y)
        x, tallest = x + panel.width, max(tallest, panel.height)


def _mended(made: dict[str, Any]) -> dict[str, Any]:
    for number, panel in enumerate(made["panels"], 1):
        panel["id"] = number
    for link in made["links"]:
        link.pop("placement", None)
    return made


# ── parts of a panel ───────────────────────────────────────────────────────────────────────────
def _described(builder: Any, title: str, description: str, unit: str) -> Any:
    return builder.title(title).description(description).unit(unit).datasource(STORE).no_value(UNKNOWN)


def _one_value(builder: Any) -> Any:
    return builder.graph_mode(choices.BigValueGraphMode.NONE).reduce_options(_last())


def _last() -> Any:
    return options.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _refs() -> Iterable[str]:
    return iter("ABCDEFGHIJKLMNOP")


def _query(ref: str, expr: str, legend: str = "") -> Any:
    return prometheus.Dataquery().ref_id(ref).datasource(STORE).expr(expr).legend_format(legend)


def _now(expr: str, legend: str = "", *, ref: str = "A") -> Any:
    return _query(ref, expr, legend).instant()


def _thresholds(steps: Sequence[Step]) -> Any:
    return (
        dashboard.ThresholdsConfig()
        .mode(model.ThresholdsMode.ABSOLUTE)
        .steps([model.Threshold(step.start, step.colour) for step in steps])
    )


def _plain(colour: str) -> Any:
    return _thresholds([Step(None, colour, "")])


def _mappings(words: Sequence[Word]) -> list[Any]:
    results = {str(one.code): model.ValueMappingResult(one.text, one.colour, index=at) for at, one in enumerate(words)}
    return [model.ValueMap(results)]


def _cell(words: Sequence[Word]) -> list[model.DynamicConfigValue]:
    if not words:
        return []
    mapping = [{"type": "value", "options": {str(one.code): {"text": one.text, "color": one.colour} for one in words}}]
    return [_setting("mappings", mapping), _setting("custom.cellOptions", {"type": "color-text"})]


def _setting(name: str, value: object) -> model.DynamicConfigValue:
    return model.DynamicConfigValue(name, value)


def _transform(name: str, settings: dict[str, object]) -> model.DataTransformerConfig:
    return model.DataTransformerConfig(name, options=settings)


def _with_steps(description: str, steps: Sequence[Step], unit: str) -> str:
    """The description and what the colours mean, so that nobody needs to tell them apart."""
    if not steps:
        return description
    starts = ["" if step.start is None else f" from {_readable(step.start, unit)}" for step in steps]
    meanings = [
        f"{SPOKEN.get(step.colour, step.colour)}{start}: {step.word}" for step, start in zip(steps, starts, strict=True)
    ]
    return f"{description} Colours: {'; '.join(meanings)}."


def _readable(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value:.0%}"
    if unit == "s" and value >= 60:
        return f"{value / 60:g} min" if value < 7200 else f"{value / 3600:g} h"
    return f"{value:g}" + {"volt": " V", "s": " s"}.get(unit, "")
