"""gunicorn's entry: `gunicorn wsgi:app` reads the environment and starts the service."""

from app import start_service

service = start_service()
app = application = service.web
