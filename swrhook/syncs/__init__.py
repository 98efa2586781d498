"""The life of a sync: states, decisions, schedules; pure."""
