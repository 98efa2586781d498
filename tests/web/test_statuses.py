"""Every refusal has its answer."""

from collections.abc import Iterator

import pytest

from swrhook.errors import KeysUnavailable, Refused, Unauthenticated, Unconfirmed
from swrhook.web.problems import STATUSES, refusal


def below(kind: type[Refused]) -> Iterator[type[Refused]]:
    for inner in kind.__subclasses__():
        yield inner
        yield from below(inner)


def test_every_kind_of_refusal_has_a_status_and_a_code_of_its_own() -> None:
    kinds = list(below(Refused))

    assert set(kinds) == set(STATUSES)
    assert len(kinds) == len({kind.code for kind in kinds} - {Refused.code})


@pytest.mark.parametrize("kind", [KeysUnavailable, Unconfirmed])
def test_what_may_be_better_soon_is_503_and_says_when(kind: type[Refused]) -> None:
    answer = refusal(kind("issuer.example.com: no answer in time"))

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_what_is_not_authentic_stays_401() -> None:
    answer = refusal(Unauthenticated("the token is not genuine"))

    assert (answer.status_code, answer.headers.get("Retry-After")) == (401, None)
