"""Turns push events into verified image tags in other SWR regions."""

__version__ = "0.1.0"
