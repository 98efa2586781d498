"""What an error of sync_images means for a sync, by what the source showed before the call."""

from dataclasses import replace

import pytest

from swrhook.errors import Kind, SwrError
from swrhook.worker.call_error import refine_call_error
from tests.syncs.samples import calling

SEEN, UNSEEN = calling(), replace(calling(), called_digest=None)


def not_found(code: str, *failed: str) -> SwrError:
    return SwrError(Kind.NOT_YET, code, "SWR said so", failed_tags=frozenset(failed))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (not_found("SVCSTG.SWR.4040010"), Kind.TRANSIENT),
        (not_found("SVCSTG.SWR.4040048"), Kind.TRANSIENT),
        (not_found("HTTP.404", "v1"), Kind.TRANSIENT),
        (not_found("SVCSTG.SWR.4040058"), Kind.CONFIGURATION),
        (not_found("SVCSTG.SWR.4041061"), Kind.CONFIGURATION),
        (not_found("HTTP.404"), Kind.CONFIGURATION),
    ],
)
def test_a_tag_that_was_seen_is_not_waited_for_at_the_source(error: SwrError, kind: Kind) -> None:
    refined = refine_call_error(error, SEEN, is_possible=None)

    assert refined is not None
    assert (refined.kind, refined.code) == (kind, error.code)
    assert refined.message.endswith("SWR said so")
    assert refined.remedy


@pytest.mark.parametrize("code", ["SVCSTG.SWR.4040010", "HTTP.404"])
def test_a_tag_that_was_not_seen_is_waited_for(code: str) -> None:
    error = not_found(code)

    assert refine_call_error(error, UNSEEN, is_possible=None) is error


def test_an_organization_may_be_that_of_a_source_that_was_not_seen() -> None:
    refined = refine_call_error(not_found("SVCSTG.SWR.4040058"), UNSEEN, is_possible=None)

    assert refined is not None
    assert refined.kind is Kind.NOT_YET
    expected = "no organization team in cn-north-4, or no team in cn-east-3: SWR said so"
    assert refined.message == expected
    assert "create the organization team in cn-east-3" in refined.remedy


def test_no_error_stays_none() -> None:
    assert refine_call_error(None, SEEN, is_possible=None) is None
