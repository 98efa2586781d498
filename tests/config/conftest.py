"""Fixtures that read a configuration."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from swrhook.config import Config, parse
from swrhook.errors import BadConfiguration
from tests.factories import MINIMAL_CONFIG

EXAMPLE = Path(__file__).parents[2] / "swrhook.example.yaml"
ENVIRON = {
    name: f"{name.lower().replace('_', '-')}-sesame"
    for name in (
        "SWR_PASSWORD",
        "SWRHOOK_READ_TOKEN",
        "SWRHOOK_OPS_TOKEN",
        "HARBOR_SECRET",
        "OLD_REGISTRY_SECRET",
        "REGISTRY_SECRET",
        "CI_SECRET",
    )
}
BEARER = '{scheme: bearer, secrets: ["${TOKEN}"]}'

Read = Callable[[str | bytes], Config]
Mistakes = Callable[[str | bytes], list[str]]


@pytest.fixture
def example() -> str:
    return EXAMPLE.read_text(encoding="utf-8")


@pytest.fixture
def environ() -> dict[str, str]:
    return {**ENVIRON, "TOKEN": "sesame-sesame-sesame"}


@pytest.fixture
def files() -> dict[str, str]:
    return {}


@pytest.fixture
def small() -> str:
    return MINIMAL_CONFIG


@pytest.fixture
def read(environ: Mapping[str, str], files: Mapping[str, str]) -> Read:
    def read_file(path: str) -> str:
        if path not in files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return files[path]

    def parse_text(text: str | bytes) -> Config:
        content = text.encode() if isinstance(text, str) else text
        return parse(content, file="f", environ=environ, read_file=read_file)

    return parse_text


@pytest.fixture
def mistakes(read: Read) -> Mistakes:
    def lines(text: str | bytes) -> list[str]:
        with pytest.raises(BadConfiguration) as caught:
            read(text)
        return str(caught.value).splitlines()

    return lines


@pytest.fixture
def with_auth(small: str) -> Callable[[str], str]:
    """Return the minimal file with another `auth` of its sender."""
    return lambda auth: small.replace(BEARER, auth)


@pytest.fixture
def configured(with_auth: Callable[[str], str], environ: dict[str, str]) -> Callable[..., Config]:
    """Parse the minimal file with another `auth` of its sender."""

    def parse_auth(auth: str, **more: Any) -> Config:
        content = with_auth(auth).encode()
        return parse(content, file="f", environ=environ, read_file=lambda _path: "", **more)

    return parse_auth
