from collections.abc import Callable, Iterator

import pytest
import requests

from swrhook.simulator import RunningSimulator, start
from swrhook.simulator.recorded_answers import RecordedAnswers
from swrhook.swr.recordings import IAM, Exchange

WEST = "cn-north-4"
REGIONS = "/v2/manage/regions"
Ask = Callable[[str], requests.Response]


def recorded(path: str, status: int = 200, body: str = "") -> Exchange:
    return Exchange(WEST, "GET", path, status, {}, body)


@pytest.fixture
def ask() -> Iterator[Ask]:
    exchanges = [
        Exchange(WEST, "GET", REGIONS, 404, {"via": "proxy", "date": "then"}, "<html>"),
        Exchange(WEST, "GET", "/v2/manage/namespaces/org-1", 200, {}, {"name": "org-1", "auth": 1}),
    ]
    with start([WEST], recorded=exchanges) as sim:
        yield asker(sim)


def asker(sim: RunningSimulator) -> Ask:
    user = {"name": "demo", "password": "demo", "domain": {"name": "demo"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    auth = {"identity": identity, "scope": {"project": {"name": WEST}}}
    login = requests.post(f"{sim.iam_url}/v3/auth/tokens", json={"auth": auth}, timeout=10)
    headers = {"X-Auth-Token": login.headers["X-Subject-Token"]}
    return lambda path: requests.get(sim.endpoints[WEST] + path, headers=headers, timeout=10)


def test_a_recorded_answer_is_given_with_its_status_headers_and_body(ask: Ask) -> None:
    response = ask(REGIONS)

    assert (response.status_code, response.text, response.headers["Via"]) == (
        404,
        "<html>",
        "proxy",
    )
    assert response.headers["Date"] != "then"
    assert ask("/v2/manage/namespaces/org-1").json() == {"name": "org-1", "auth": 1}


def test_what_was_not_recorded_is_answered_as_usual(ask: Ask) -> None:
    assert ask("/v2/manage/namespaces/group").json()["auth"] == 7


def test_a_recorded_answer_needs_a_valid_token(ask: Ask) -> None:
    url = ask(REGIONS).url

    assert requests.get(url, timeout=10).status_code == 401


def test_answers_to_one_request_come_in_order_and_the_last_one_stays() -> None:
    answers = RecordedAnswers([recorded("/a", 503), recorded("/a", 200)])
    taken = [answers.take(WEST, "GET", "/a") for _ in range(3)]

    assert [one.status for one in taken if one] == [503, 200, 200]
    assert answers.take("cn-east-3", "GET", "/a") is None
    assert answers.take(WEST, "POST", "/a") is None


def test_the_encoding_of_a_request_does_not_matter() -> None:
    answers = RecordedAnswers([recorded("/repos/a$b?filter=limit::1%7Coffset::0&x=1")])

    assert answers.take(WEST, "GET", "/repos/a%24b?x=1&filter=limit%3A%3A1|offset::0") is not None
    assert answers.take(WEST, "GET", "/repos/a$b?x=1") is None


def test_successful_logins_are_not_replayed() -> None:
    answers = RecordedAnswers(
        [
            Exchange(IAM, "POST", "/v3/auth/tokens", 201),
            Exchange(IAM, "GET", "/v3/projects?name=x", 403),
        ]
    )

    assert answers.take(IAM, "POST", "/v3/auth/tokens") is None
    assert answers.take(IAM, "GET", "/v3/projects?name=x") is not None
