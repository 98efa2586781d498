"""The entry for gunicorn: `gunicorn wsgi:app` starts the service from the environment."""

from swrhook.wsgi import app, application

__all__ = ["app", "application"]
