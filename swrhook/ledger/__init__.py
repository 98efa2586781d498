"""The durable record: all SQL of the service."""
