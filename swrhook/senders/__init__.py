"""Configured senders, and the code that reads every sender's requests."""
