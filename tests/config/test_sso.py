"""The section `sso`: what is refused, and that its secret stays secret."""

import pytest

from swrhook.config import Config, parse
from swrhook.errors import BadConfiguration
from tests.factories import MINIMAL_CONFIG

SECTION = """\
sso:
  issuer: https://id.example.com/realms/main
  client_id: swrhook
  client_secret: "${SECRET}"
  url: https://swrhook.example.com/
  groups: [{name: ops, role: operate, namespaces: team-a}]
"""
SECRET = "a-secret-of-the-client"


def load(section: str) -> Config:
    environ = {"TOKEN": "open-sesame-sesame", "SECRET": SECRET}
    text = (MINIMAL_CONFIG + section).encode()
    return parse(text, file="f", environ=environ, read_file=lambda _path: "")


def test_it_is_read_and_its_secret_shown_nowhere() -> None:
    config = load(SECTION)
    assert config.sso is not None
    assert (config.sso.url, config.sso.client_secret) == ("https://swrhook.example.com", SECRET)
    assert SECRET not in repr(config) + config.text.decode()
    assert list(load(SECTION.replace("${SECRET}", SECRET)).literal_secrets) == ["sso.client_secret"]


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("issuer: https:", "issuer: http:", "sso.issuer: must be an address like https://host"),
        ("role: operate", "role: ask", "sso.groups[0].role"),
        ("namespaces: team-a", "namespaces: a, namespaces_claim: b", "not both"),
        ("[{", "[{name: ops, role: read}, {", "sso.groups[1].name: is the same as sso.groups[0]'s"),
        ("[{name: ops, role: operate, namespaces: team-a}]", "[]", "sso.groups: is an empty list"),
        (
            "  issuer:",
            "  session: 25h\n  issuer:",
            "sso.session: must be at least 1m and at most 24h",
        ),
    ],
)
def test_a_mistake_is_named(right: str, wrong: str, message: str) -> None:
    with pytest.raises(BadConfiguration) as mistakes:
        load(SECTION.replace(right, wrong))

    assert message in str(mistakes.value)
