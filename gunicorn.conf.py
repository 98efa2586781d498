"""gunicorn's settings in this folder: `gunicorn wsgi:app` finds them here."""

from swrhook.gunicorn_settings import *  # noqa: F403  # gunicorn reads the names that it knows
