"""The SDK warns on import that boards of version 2 exist; Grafana reads both, and warnings are errors here."""

import importlib
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    importlib.import_module("deploy.central.grafana.boards.common")
