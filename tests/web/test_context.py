from dataclasses import replace

from swrhook.config.model import Access
from swrhook.web.context import RequestConfig
from tests.web.parts import Parts


def test_a_request_keeps_one_configuration_to_its_end(parts: Parts) -> None:
    config = RequestConfig(parts)
    before = parts.config
    after = replace(before, access=Access())
    with parts.web.test_request_context():
        first = config.current()
        parts.config = after
        second = config.current()
    with parts.web.test_request_context():
        third = config.current()

    assert [before, before, after] == [first, second, third]
    assert after is config.current()  # outside of any request too
