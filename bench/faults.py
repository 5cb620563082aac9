"""How long the agent takes to blame the right part of the line, on a line of four hops in network namespaces.

Each part is cut twice: once so that its neighbour says so, once so that packets vanish. The agent runs with
its defaults; nothing knows of the cuts but this script. Needs root. Exit code 0 if every verdict was right
within 180 s, 1 if not; the aim is 60 s.
"""

import argparse
import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.measure.line import Watch
from stage.hops import FAULTS, NAME_SERVER, PAGE, Hops
from stage.process import Missing

BAR_SECONDS, AIM_SECONDS = 180.0, 60.0


def main() -> int:
    options = _options()
    try:
        with tempfile.TemporaryDirectory(prefix="bench-faults-") as scratch, ExitStack() as stack:
            hops = stack.enter_context(Hops())
            watch = stack.enter_context(Watch(hops, _config(options), Path(scratch)))
            if watch.until(lambda line: line["fault"] == "none" and "access" in line["targets"], BAR_SECONDS) is None:
                print(f"the line never became well: {json.dumps(watch.last)}", file=sys.stderr)
                return 1
            rows = [_cut(hops, watch, fault, silent=silent) for silent in (False, True) for fault in options.faults]
    except Missing as problem:
        print(problem, file=sys.stderr)
        return 1
    right = [row for row in rows if row["seconds"] is not None]
    slowest = max((row["seconds"] for row in right), default=None)
    met = len(right) == len(rows)
    print(f"{len(right)} of {len(rows)} verdicts right within {BAR_SECONDS:.0f} s: bar {'met' if met else 'NOT met'}.")
    aim = sum(row["seconds"] <= AIM_SECONDS for row in right)
    print(f"{aim} of {len(rows)} within {AIM_SECONDS:.0f} s, the slowest after {_words(slowest)}.")
    print(json.dumps({"bench": "faults", "met": met, "within_60_s": aim, "slowest_seconds": slowest, "rows": rows}))
    return 0 if met else 1


def _cut(hops: Hops, watch: Watch, fault: str, *, silent: bool) -> dict[str, Any]:
    watch.forget()
    hops.cut(fault, silent=silent)
    took = watch.wait(fault, BAR_SECONDS)
    others = sorted(str(one) for one in watch.seen - {fault, "none"})
    evidence = watch.last.get("evidence", {})
    watch.forget()
    hops.mend()
    mended = watch.wait("none", BAR_SECONDS)
    how = "silent" if silent else "told"
    print(
        f"{fault:<9}{how:<8}blamed after {_words(took):>8}   well again after {_words(mended):>8}"
        f"   on the way: {', '.join(others) or '-'}",
        flush=True,
    )
    print(f"    {json.dumps(evidence)}", flush=True)
    return {"fault": fault, "silent": silent, "seconds": took, "mended_seconds": mended, "on_the_way": others}


def _words(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f} s"


def _config(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "resolvers": [NAME_SERVER],
        "probe_seconds": options.probe_seconds,
        "metered": options.metered,
        "throughput": {"server": f"http://{PAGE}", "hold_after_start_seconds": 1e9},
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("scripts/bench faults", description="The fault split on four hops.")
    parser.add_argument("--probe-seconds", type=float, default=5.0, help="the default is the agent's")
    parser.add_argument("--metered", action="store_true", help="the profile of a line that is paid by the byte")
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=FAULTS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
