"""Each error tells its caller what to do, by a closed word."""

import pytest

from telemetry import errors
from telemetry.catalogue import COLLECT_REASONS
from telemetry.errors import CentreError, CollectError, ConfigError, Rejected


@pytest.mark.parametrize("kind", CollectError.__subclasses__(), ids=lambda kind: kind.__name__)
def test_the_reason_of_a_failed_collection_is_one_that_the_catalogue_counts(kind: type[CollectError]) -> None:
    assert kind("text").reason in COLLECT_REASONS


def test_a_config_error_names_file_path_problem_and_what_is_allowed() -> None:
    text = str(ConfigError("agent.toml", "$.centre", "'x' is no id", "an id such as PK-PB-00042"))
    assert text == "agent.toml: $.centre: 'x' is no id; allowed: an id such as PK-PB-00042"


def test_a_rejection_carries_its_own_reason() -> None:
    assert (Rejected("x").reason, Rejected("x", reason="old").reason) == ("malformed", "old")


def test_every_error_of_ours_stands_in_the_drawn_tree() -> None:
    kinds = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, CentreError)]
    assert errors.__doc__ is not None
    assert all(kind.__name__ in errors.__doc__ for kind in kinds)
