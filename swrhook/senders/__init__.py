"""Configured senders, and what every sender's request is read with."""
