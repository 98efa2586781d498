"""Turns push events into verified image tags in other SWR regions."""
