"""Read-only queries: what the API, the dashboard, the metrics and the CLI show of the ledger."""
