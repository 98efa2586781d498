"""Parts of a running process beside web and worker: reload, retention, monitoring, health."""
