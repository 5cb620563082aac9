"""MQTT in, a Prometheus-compatible store and a database out, and an ack when both are durable."""
