"""Read-only queries: what API, dashboard, metrics and CLI show of the ledger."""
