"""The centre agent: measures, keeps, sends, shows. Knows no vendor, no OID, no sensor brand."""

VERSION = "0.1.0"
