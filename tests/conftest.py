"""What every test shares: properties are tried the same way on every run and on every machine."""

import pytest
from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "project",
    deadline=None,  # two cores shared with real servers: a slow example is no finding
    derandomize=True,  # a red run is red again on the next machine
    max_examples=100,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],  # "explain" costs minutes on a red test
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("project")


def pytest_configure(config: pytest.Config) -> None:
    """Warnings are errors; these come from a library's own import of another and mend with its next release."""
    # pysnmp 7.1 with pysmi 1.6, which the simulator brings along.
    config.addinivalue_line(
        "filterwarnings", r"ignore:\w+ is deprecated. Please use \w+ instead:DeprecationWarning:pysnmp"
    )
