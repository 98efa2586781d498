"""The real service, paused and resumed: nothing is called meanwhile, and everything afterwards."""

import time

import requests

from swrhook import simulator
from tests.programs import TOKEN, Served
from tests.service.conftest import TARGET


def change(service: Served, action: str, **body: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{service.url}/api/v1/{action}"
    assert requests.post(url, json=body, headers=headers, timeout=10).status_code == 202


def metrics(service: Served) -> str:
    """Return the metrics once they show what is paused, some seconds later."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    deadline = time.monotonic() + 10
    while True:
        text = requests.get(f"{service.url}/metrics", headers=headers, timeout=10).text
        if "swrhook_paused{" in text or time.monotonic() > deadline:
            return text
        time.sleep(0.1)


def test_what_is_pushed_during_a_pause_goes_on_after_it(
    service: Served, swr: simulator.RunningSimulator
) -> None:
    service.start()
    change(service, "pause", region=TARGET)
    change(service, "pause", rule="all", reason="in doubt")
    for tag in ("v0", "v1", "v2"):
        assert service.deliver("ci", {"image": f"team/app:{tag}"}).status_code == 202
    change(service, "resume", region=TARGET)
    assert 'swrhook_paused{kind="rule",name="all"} 1.0' in metrics(service)
    ready = requests.get(f"{service.url}/readyz", timeout=10)
    assert (ready.status_code, ready.json()["notes"]) == (200, {"pauses": "paused: 1 rule"})
    waiting = service.syncs()
    calls_before = swr.state.calls(path="sync_images")

    change(service, "resume", rule="all")
    ended = service.wait_until_ended(3)

    assert {sync["reason"] for sync in waiting} == {
        "rule all is paused until it is resumed: in doubt"
    }
    assert calls_before == []
    assert {sync["state"] for sync in ended} == {"verified"}
