"""Alerts in, one true sentence to one technician out. Reads alerts, never readings."""
