from typing import Any

from tests.web.harness import ADMIN, OPERATE, SECRET, WebHarness


def show(harness: WebHarness, path: str) -> dict[str, Any]:
    answer = harness.client().get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.get_json()
    return shown


def test_a_draining_process_is_not_ready_but_accepts_deliveries(harness: WebHarness) -> None:
    harness.own_web()
    before = show(harness, "drain")
    ready = harness.client().get("/readyz").status_code
    started = harness.client(ADMIN).post("/api/v1/drain")
    again = harness.client(ADMIN).post("/api/v1/drain")
    unready = harness.client().get("/readyz")

    assert (before, ready) == ({"draining": False, "since": None}, 200)
    assert (started.status_code, started.get_json()["draining"]) == (202, True)
    assert started.get_json() == again.get_json() == show(harness, "drain")
    assert (unready.status_code, unready.get_json()["failing"]) == (503, {"drain": "draining"})
    sent = harness.client(SECRET).post("/hooks/ci", json={"image": "team/web:v1"})
    assert (sent.status_code, harness.client().get("/healthz").status_code) == (202, 200)


def test_only_an_admin_can_drain_a_process(harness: WebHarness) -> None:
    assert harness.client(OPERATE).post("/api/v1/drain").status_code == 403
    assert harness.client().get("/readyz").status_code == 200
