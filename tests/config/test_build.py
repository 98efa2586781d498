"""Credentials for SWR: from the file, from the server, from the pod."""

import pytest

from swrhook.config.build import POD_TOKEN_FILE_VARIABLE, POD_URL_VARIABLE
from swrhook.config.model import AgencyCredentials, Credentials, KeyCredentials, PodCredentials
from tests.config.conftest import Mistakes, Read

CREDENTIALS = '{kind: token, token: "${TOKEN}"}'


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            '{kind: aksk, access_key: AK, secret_key: "${TOKEN}"}',
            KeyCredentials("AK", "sesame-sesame-sesame"),
        ),
        (
            '{kind: aksk, access_key: AK, secret_key: "${TOKEN}", security_token: "${LONG}"}',
            KeyCredentials("AK", "sesame-sesame-sesame", "M" * 32 * 1024),
        ),
        ("{kind: ecs_agency}", AgencyCredentials()),
        (
            "{kind: pod_identity}",
            PodCredentials("http://169.254.170.23/v1/credentials", "/run/token"),
        ),
    ],
    ids=["aksk", "temporary", "ecs_agency", "pod_identity"],
)
def test_every_kind_of_credentials_is_read(
    written: str, expected: Credentials, small: str, read: Read, environ: dict[str, str]
) -> None:
    environ |= {
        "LONG": "M" * 32 * 1024,
        POD_URL_VARIABLE: "http://169.254.170.23/v1/credentials",
        POD_TOKEN_FILE_VARIABLE: "/run/token",
    }

    assert read(small.replace(CREDENTIALS, written)).swr.credentials == expected


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
def test_a_pods_token_may_go_to_a_private_address(
    url: str, small: str, read: Read, environ: dict[str, str]
) -> None:
    environ |= {POD_URL_VARIABLE: url, POD_TOKEN_FILE_VARIABLE: "/run/token"}

    assert PodCredentials(url, "/run/token") == (
        read(small.replace(CREDENTIALS, "{kind: pod_identity}")).swr.credentials
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
def test_a_pods_token_never_goes_unencrypted_to_the_internet(
    url: str, small: str, mistakes: Mistakes, environ: dict[str, str]
) -> None:
    environ |= {POD_URL_VARIABLE: url, POD_TOKEN_FILE_VARIABLE: "/run/token"}

    [mistake] = mistakes(small.replace(CREDENTIALS, "{kind: pod_identity}"))

    assert mistake.startswith(
        f"f:3:23: swr.credentials.kind: the environment variable {POD_URL_VARIABLE} must"
    )
    assert "hush" not in mistake


def test_the_repr_of_credentials_has_no_secret(
    small: str, read: Read, environ: dict[str, str]
) -> None:
    environ |= {"SK": "hush-key", "ST": "hush-token"}
    written = '{kind: aksk, access_key: AK, secret_key: "${SK}", security_token: "${ST}"}'

    assert "hush" not in repr(read(small.replace(CREDENTIALS, written)))
