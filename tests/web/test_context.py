from dataclasses import replace

from swrhook.config.model import Access
from swrhook.web.context import RequestConfig
from tests.web.harness import WebHarness


def test_a_request_keeps_one_configuration_to_its_end(harness: WebHarness) -> None:
    config = RequestConfig(harness)
    before = harness.config
    after = replace(before, access=Access())
    with harness.web.test_request_context():
        first = config.current()
        harness.config = after
        second = config.current()
    with harness.web.test_request_context():
        third = config.current()

    assert [before, before, after] == [first, second, third]
    assert after is config.current()  # outside of any request too
