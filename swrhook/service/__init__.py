"""Parts of a running process that are neither web nor worker: reload, retention, monitoring."""
