from collections.abc import Callable
from typing import Any

import pytest
import requests

from swrhook.simulator import RunningSimulator

Control = Callable[..., requests.Response]
RULE = {"region": "cn-east-3", "namespace": "team"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"keep": 2}, ["v2", "v3"]),
        ({"max_age": 60}, ["v3"]),
        ({"keep": 0, "repository": "other"}, ["v1", "v2", "v3"]),
    ],
)
def test_retention_deletes_tags_by_number_or_age(
    sim: RunningSimulator,
    control: Control,
    advance: Callable[[float], None],
    rule: dict[str, Any],
    expected: list[str],
) -> None:
    for tag in ("v1", "v2", "v3"):
        advance(60)
        sim.state.seed("cn-east-3", "team", "shop", tag)
        sim.state.seed("cn-north-4", "team", "shop", tag)
    control("PUT", "/retention", RULE | rule)
    advance(30)

    tags = [tag["tag"] for tag in control("GET", "/tags?region=cn-east-3").json()]

    assert tags == expected
    assert len(control("GET", "/tags?region=cn-north-4").json()) == 3


def test_a_copy_is_deleted_when_retention_no_longer_keeps_it(
    sim: RunningSimulator, control: Control, advance: Callable[[float], None]
) -> None:
    control("PUT", "/retention", RULE | {"keep": 1})
    sim.state.seed("cn-east-3", "team", "shop", "v1")
    assert sim.state.digest("cn-east-3", "team", "shop", "v1") is not None
    advance(1)
    sim.state.seed("cn-east-3", "team", "shop", "v2")
    advance(1)

    assert sim.state.digest("cn-east-3", "team", "shop", "v1") is None
    control("DELETE", "/retention")
    assert control("GET", "/retention").json() == []


def test_a_rule_without_a_limit_is_refused(control: Control) -> None:
    answer = control("POST", "/retention", RULE)

    assert (answer.status_code, answer.json()["error"]) == (
        400,
        "0: It needs keep or max_age.",
    )
