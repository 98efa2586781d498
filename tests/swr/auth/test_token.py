"""The fixed token of the configuration."""

from swrhook.config.model import TokenCredentials
from swrhook.errors import Kind
from tests.swr.clients import NO_TAG, client_of, error_of, show_tag
from tests.swr.loopback import Loopback, Reply


def test_the_token_of_the_configuration_is_sent_unchanged() -> None:
    with Loopback(lambda _: Reply(404, NO_TAG)) as swr:
        client = client_of(swr.url)
        show_tag(client)
        show_tag(client)

    assert {received.headers["X-Auth-Token"] for received in swr.received} == {
        "A-token-given-by-the-configuration"
    }


def test_the_token_of_the_configuration_cannot_be_renewed() -> None:
    with Loopback(lambda _: Reply(401)) as swr:
        error = error_of(lambda: show_tag(client_of(swr.url)))

    assert error.kind is Kind.AUTHENTICATION
    assert len(swr.received) == 1


def test_a_token_with_a_line_break_is_an_error_that_does_not_show_it() -> None:
    with Loopback(lambda _: Reply()) as swr:
        client = client_of(swr.url, credentials=TokenCredentials("hush-hush\n"))
        error = error_of(lambda: show_tag(client))

    assert (error.kind, error.code) == (Kind.AUTHENTICATION, "token")
    assert "hush" not in f"{error} {error.remedy}"
    assert swr.received == []
