"""The shared words: readings, events, the catalogue of metrics, the wire format, the errors.

Imports nothing of ours; collectors, the agent and the central side all speak it.
"""
