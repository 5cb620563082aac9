"""What every test shares: properties are tried the same way on every run and on every machine."""

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "project",
    deadline=None,  # two cores shared with real servers: a slow example is no finding
    derandomize=True,  # a red run is red again on the next machine
    max_examples=100,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],  # "explain" costs minutes on a red test
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("project")
