from collections.abc import Iterator
from pathlib import Path

import pytest

from swrhook.sender_keys import HttpsSettings
from tests.sender_keys.loopback import Loopback


@pytest.fixture
def loopback(tmp_path: Path) -> Iterator[Loopback]:
    running = Loopback(tmp_path)
    yield running
    running.close()


@pytest.fixture
def settings(loopback: Loopback) -> HttpsSettings:
    """Return settings that reach the loopback server; no check is disabled."""
    return HttpsSettings(lambda _url: {"https": loopback.proxy}, str(loopback.authority))
