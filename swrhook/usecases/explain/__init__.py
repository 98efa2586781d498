"""Explain why a tag was or was not replicated, from the present rules and the ledger."""
