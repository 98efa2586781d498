"""A process that only records deliveries needs no credentials for SWR, and knows none."""

import json
from pathlib import Path
from typing import Any

import pytest

from swrhook import simulator
from swrhook.config import load
from swrhook.config.model import NoCredentials
from swrhook.errors import BadConfiguration, SwrError
from swrhook.swr.auth.authenticator import NoAuthenticator
from tests.programs import Served
from tests.service.conftest import ENVIRON, SECRET, document

UNSET = {"kind": "password", "user": "u", "domain": "d", "password": "${SWR_PASSWORD_OF_NOBODY}"}


def test_it_records_and_reloads_without_them(
    tmp_path: Path, swr: simulator.RunningSimulator
) -> None:
    served = Served(tmp_path, {**ENVIRON, "SWRHOOK_WORKERS": "0"})
    whole: dict[str, Any] = document(swr)
    whole["swr"]["credentials"] = UNSET
    served.configure(whole)
    try:
        served.start()
        answer = served.deliver("ci", {"image": "team/app:v1"}, Authorization=f"Bearer {SECRET}")
        assert answer.status_code == 202
        assert served.stop() == 0
        (tmp_path / "swrhook.yaml").write_text("{")  # the last good one is used
        served.start()
    finally:
        served.close()


@pytest.mark.parametrize("credentials", [UNSET, {"kind": "pod_identity"}])
def test_other_processes_need_them(
    tmp_path: Path, swr: simulator.RunningSimulator, credentials: dict[str, str]
) -> None:
    whole: dict[str, Any] = document(swr)
    whole["swr"]["credentials"] = credentials
    file = tmp_path / "swrhook.yaml"
    file.write_text(json.dumps(whole))

    recording = load(file, ENVIRON, with_credentials=False)
    assert recording.swr.credentials == NoCredentials()
    with pytest.raises(BadConfiguration, match="is not set"):
        load(file, ENVIRON)


def test_without_credentials_nothing_is_sent() -> None:
    with pytest.raises(SwrError, match="only records deliveries"):
        NoAuthenticator().send("transport", "endpoint", "project", "request")
