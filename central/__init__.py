"""The centre of the country: ingest, registry, notification, simulation. Imports telemetry only."""
