"""Notifications: what they tell, which rules select it, and how it is grouped. No I/O."""
