"""`explain` asks the real service, under gunicorn, about a tag that went the whole way."""

import os
import re
import subprocess
import sys

import requests

from tests.programs import ROOT, TOKEN, Served

SECRET = "a-secret-of-the-senders"


def command(service: Served, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environ = {"PATH": os.environ["PATH"], "SWRHOOK_URL": service.url, "SWRHOOK_TOKEN": TOKEN}
    program = [sys.executable, "-m", "swrhook", *arguments]
    return subprocess.run(
        program, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_a_tag_is_explained_from_its_delivery_to_the_call_that_brought_it(service: Served) -> None:
    service.start()
    answer = requests.post(
        f"{service.url}/hooks/ci",
        json={"image": "team/app:v1"},
        headers={"Authorization": f"Bearer {SECRET}"},
        timeout=10,
    ).json()
    assert command(service, "wait", "team/app:v1", "--timeout", "60").returncode == 0

    result = command(service, "explain", "team/app:v1")

    first = result.stdout.splitlines()[0]
    verified = (
        r"team/app:v1 was replicated: cn-east-3/team was verified at \S+"
        r" by call (\w+), started at \S+, last observed \S+ s ago"
    )
    call = re.fullmatch(verified, first)
    assert call is not None, result.stdout + result.stderr
    assert re.search(rf"call {call[1]} at \S+: accepted", result.stdout)
    assert "answered 200, body []" in result.stdout
    assert "content-type: application/json" in result.stdout
    assert answer["delivery"] in result.stdout
    assert "rule all: matched" in result.stdout

    assert "no delivery has announced this tag" in command(service, "explain", "team/app:v2").stdout
