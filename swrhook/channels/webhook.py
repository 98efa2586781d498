"""Deliver to a machine: a CloudEvent, signed by Standard Webhooks."""

import re
from datetime import datetime
from http import HTTPStatus

import requests

from swrhook.answer_deadline import DeadlineAdapter
from swrhook.channels.ports import NotDelivered
from swrhook.config.model import WebhookChannel
from swrhook.notifications.cloudevents import CONTENT_TYPE, sign, to_body
from swrhook.notifications.model import Notification

# Seconds to connect, and to wait for the answer.
TIMEOUTS = (5.0, 15.0)
_SECONDS = re.compile(r"[0-9]{1,5}", re.ASCII)


class WebhookPost:
    """Posts to the URL of the configuration, and follows no redirect to another one."""

    def __init__(self, channel: WebhookChannel, certificates: str | None) -> None:
        self._channel = channel
        self._certificates = certificates

    def deliver(self, message: Notification, url: str | None, now: datetime) -> None:
        """Post a message. Raises NotDelivered unless the answer is a 2xx."""
        body = to_body(message, url)
        headers = {
            "Content-Type": CONTENT_TYPE,
            "User-Agent": "swrhook",
            **sign(message.id, body, self._channel.key, now),
        }
        try:
            with (
                _session() as session,
                session.post(
                    self._channel.url,
                    data=body,
                    headers=headers,
                    timeout=TIMEOUTS,
                    allow_redirects=False,
                    verify=self._certificates or True,
                    stream=True,  # the answer's body is not read, however long it is
                ) as response,
            ):
                status, retry_after = response.status_code, response.headers.get("Retry-After", "")
        except requests.Timeout:
            raise NotDelivered("no answer in time") from None
        except requests.RequestException as exc:
            # The error's text may contain the URL, which may hold a secret.
            raise NotDelivered(f"cannot be reached: {type(exc).__name__}") from None
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            wait = float(retry_after) if _SECONDS.fullmatch(retry_after) else None
            raise NotDelivered(f"answered with status {status}", wait)


def _session() -> requests.Session:
    session = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, DeadlineAdapter(TIMEOUTS[1]))
    return session
