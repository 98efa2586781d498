"""The demonstration: a simulator, the service, and senders' deliveries to it."""
