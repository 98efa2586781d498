from typing import Any

from tests.web.parts import ADMIN, OPERATE, SECRET, Parts


def show(parts: Parts, path: str) -> dict[str, Any]:
    answer = parts.client().get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.get_json()
    return shown


def test_a_draining_process_is_not_ready_but_accepts_deliveries(parts: Parts) -> None:
    before = show(parts, "drain")
    ready = parts.client().get("/readyz").status_code
    started = parts.client(ADMIN).post("/api/v1/drain")
    again = parts.client(ADMIN).post("/api/v1/drain")
    unready = parts.client().get("/readyz")

    assert (before, ready) == ({"draining": False, "since": None}, 200)
    assert (started.status_code, started.get_json()["draining"]) == (202, True)
    assert started.get_json() == again.get_json() == show(parts, "drain")
    assert (unready.status_code, unready.get_json()["failing"]) == (503, {"drain": "draining"})
    sent = parts.client(SECRET).post("/hooks/ci", json={"image": "team/web:v1"})
    assert (sent.status_code, parts.client().get("/healthz").status_code) == (202, 200)


def test_only_an_admin_can_drain_a_process(parts: Parts) -> None:
    assert parts.client(OPERATE).post("/api/v1/drain").status_code == 403
    assert parts.client().get("/readyz").status_code == 200
