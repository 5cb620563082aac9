"""Real parts on loopback without Docker: broker, stores, alerting, from Debian's packages.

Used by deploy/central/run-local, the tests and the benches. Each part gets its own directory and
free port and is ended by its own pid.
"""
