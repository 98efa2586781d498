"""The demonstration: simulator, service, senders, and what became of each tag."""
