"""A whole centre without hardware, root or network. Every device is simulated and says so.

The agent itself is the real one: it reads the card over real SNMP, the seats over real MQTT and the
line by real probes, on loopback.
"""
