"""The life of a sync: its states, the decisions on it and its schedules. No I/O."""
