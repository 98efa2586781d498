"""A job that waits for its image while the service ends."""

import threading

import requests

from tests.programs import TOKEN, Served
from tests.service.conftest import SECRET


def test_a_wait_does_not_hold_up_the_end_of_the_service(service: Served) -> None:
    service.start()
    bearer = {"Authorization": f"Bearer {SECRET}"}
    body = {"image": "team/app:never"}
    requests.post(f"{service.url}/hooks/ci", json=body, headers=bearer, timeout=20)
    answers: list[int] = []

    def wait() -> None:
        url = f"{service.url}/api/v1/wait?image=team/app:never&timeout=300"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answers.append(requests.get(url, headers=headers, timeout=60).status_code)

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join(0.5)
    ended = service.stop()
    thread.join(60)

    assert (ended, answers) == (0, [408])
