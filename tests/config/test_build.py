"""Who swrhook is in the cloud: keys of the file, of the server, of the pod."""

import pytest

from swrhook.config.build import POD_TOKEN_FILE_VARIABLE, POD_URL_VARIABLE
from swrhook.config.model import AgencyCredentials, Credentials, KeyCredentials, PodCredentials
from tests.config.conftest import Mistakes, Read

GIVEN = '{kind: token, token: "${TOKEN}"}'


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            '{kind: aksk, access_key: AK, secret_key: "${TOKEN}"}',
            KeyCredentials("AK", "sesame"),
        ),
        (
            '{kind: aksk, access_key: AK, secret_key: "${TOKEN}", security_token: "${LONG}"}',
            KeyCredentials("AK", "sesame", "M" * 32 * 1024),
        ),
        ("{kind: ecs_agency}", AgencyCredentials()),
        (
            "{kind: pod_identity}",
            PodCredentials("http://169.254.170.23/v1/credentials", "/run/token"),
        ),
    ],
    ids=["aksk", "temporary", "ecs_agency", "pod_identity"],
)
def test_every_kind_is_read(
    written: str, expected: Credentials, small: str, read: Read, environ: dict[str, str]
) -> None:
    environ |= {
        "LONG": "M" * 32 * 1024,
        POD_URL_VARIABLE: "http://169.254.170.23/v1/credentials",
        POD_TOKEN_FILE_VARIABLE: "/run/token",
    }

    assert expected == read(small.replace(GIVEN, written)).swr.credentials


@pytest.mark.parametrize(
    "url",
    [
        "https://pod-identity.example.com/v1",
        "http://127.0.0.1:9100/_machine/pod",
        "http://10.247.0.9/v1",
        "http://[fd00::23]/v1",
        "http://localhost/v1",
    ],
)
def test_a_pod_may_be_told_of_an_address_nearby(
    url: str, small: str, read: Read, environ: dict[str, str]
) -> None:
    environ |= {POD_URL_VARIABLE: url, POD_TOKEN_FILE_VARIABLE: "/run/token"}

    assert PodCredentials(url, "/run/token") == (
        read(small.replace(GIVEN, "{kind: pod_identity}")).swr.credentials
    )


@pytest.mark.parametrize(
    "url",
    [
        "http://pod-identity.example.com/v1",
        "http://8.8.8.8/v1",
        "https://user:hush@example.com/v1",
        "ftp://127.0.0.1/v1",
        "https:///v1",
        "http://[",
        "https://example.com:0/",
        "https://example.com/ hush",
        "https://example.com/#hush",
    ],
)
def test_the_pods_token_is_shown_to_nobody_on_the_way(
    url: str, small: str, mistakes: Mistakes, environ: dict[str, str]
) -> None:
    environ |= {POD_URL_VARIABLE: url, POD_TOKEN_FILE_VARIABLE: "/run/token"}

    [found] = mistakes(small.replace(GIVEN, "{kind: pod_identity}"))

    assert found.startswith(
        f"f:3:23: swr.credentials.kind: the environment variable {POD_URL_VARIABLE} must"
    )
    assert "hush" not in found


def test_no_secret_of_a_key_is_in_the_representation(
    small: str, read: Read, environ: dict[str, str]
) -> None:
    environ |= {"SK": "hush-key", "ST": "hush-token"}
    written = '{kind: aksk, access_key: AK, secret_key: "${SK}", security_token: "${ST}"}'

    assert "hush" not in repr(read(small.replace(GIVEN, written)))
