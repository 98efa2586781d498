"""Every failure is one message on stderr and an exit code, and never shows the token."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask, Response, redirect

from swrhook import cli
from tests.cli.conftest import Run
from tests.programs import free_port
from tests.web.harness import CONFIG

JSON = "application/json"
TOKENS = "it must be a token under access.tokens in the server's configuration"
TOKEN = "a-token-that-nobody-may-see"
ADVICE = "start the service there, or set SWRHOOK_URL"


def failure(result: Result) -> tuple[int, str]:
    """Return the exit code and the last line on stderr; assert that stdout is empty."""
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit)
    assert TOKEN not in result.output
    return result.exit_code, result.stderr.splitlines()[-1]


def test_a_server_that_is_not_running_is_reported(run: Run) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    message = f"Error: {url}: cannot be reached: Connection refused; {ADVICE}"
    assert failure(run("syncs", SWRHOOK_URL=url)) == (1, message)


def test_a_password_in_the_address_is_not_printed(run: Run) -> None:
    message = f"Error: http://127.0.0.1:1/x: cannot be reached: Connection refused; {ADVICE}"

    address = "http://user:password@127.0.0.1:1/x"
    assert failure(run("syncs", SWRHOOK_URL=address)) == (1, message)


def test_a_missing_token_is_reported(run: Run, url: str) -> None:
    message = f"Error: {url}: SWRHOOK_TOKEN is not set: {TOKENS} (401)"

    assert failure(run("syncs", SWRHOOK_TOKEN=None)) == (1, message)


def test_a_wrong_token_is_reported(run: Run, url: str) -> None:
    message = f"Error: {url}: SWRHOOK_TOKEN is not accepted: {TOKENS} (401)"

    assert failure(run("syncs", SWRHOOK_TOKEN=TOKEN)) == (1, message)


@pytest.mark.parametrize("token", [f"{TOKEN}\nX-Other: header", f"{TOKEN}\u00e9", f"{TOKEN}\x01"])
def test_a_token_with_other_than_visible_ascii_is_refused(run: Run, token: str) -> None:
    message = "Error: SWRHOOK_TOKEN must be visible ASCII characters on one line"

    assert failure(run("syncs", SWRHOOK_TOKEN=token)) == (2, message)


@pytest.mark.parametrize(
    "options",
    [
        ["--state", "lost"],
        ["--limit", "0"],
        ["--limit", "1001"],
        ["--limit", "x"],
        ["--nonsense"],
        ["--since", "yesterday"],
        ["--image", "web"],
        ["--cursor", "x"],
        ["extra"],
    ],
)
def test_wrong_usage_exits_with_2(run: Run, options: list[str]) -> None:
    status, message = failure(run("syncs", *options))

    assert status == 2
    assert message.startswith("Error: ")


@pytest.mark.parametrize(
    "address", ["127.0.0.1:8080", "http://", "http://[::1", "http://127.0.0.1:port", "ftp://host"]
)
def test_an_invalid_address_is_refused(run: Run, address: str) -> None:
    message = "Error: SWRHOOK_URL must be an address like http://127.0.0.1:8080"

    assert failure(run("syncs", SWRHOOK_URL=address)) == (2, message)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Response("<html>", 502), "BAD GATEWAY (502)"),
        (Response("<html>", 200), "the answer is not a list: is this the address of swrhook?"),
        (
            Response("[]", 200, content_type="application/json"),
            "the answer is not a list: is this the address of swrhook?",
        ),
        (
            Response('{"items": 1}', 200, content_type="application/json"),
            "the answer is not a list: is this the address of swrhook?",
        ),
        (
            Response("{", 200, content_type="application/json"),
            "the request failed: JSONDecodeError",
        ),
        (
            Response('{"detail": "closed"}', 503, content_type="application/problem+json"),
            "closed (503)",
        ),
        (
            Response(
                '{"detail": "\\u001b[2J\\u009b31mclosed"}',
                503,
                content_type="application/problem+json",
            ),
            "?[2J?31mclosed (503)",
        ),
        (
            redirect("https://a.example/"),
            "redirects to https://a.example/: set SWRHOOK_URL to the final address (302)",
        ),
    ],
)
def test_an_unexpected_response_is_reported(
    run: Run, serve: Callable[[Flask], str], answer: Response, expected: str
) -> None:
    other = Flask("other")
    other.add_url_rule("/api/v1/syncs", view_func=lambda: answer)
    url = serve(other)

    assert (1, f"Error: {url}: {expected}") == failure(
        run("syncs", SWRHOOK_URL=url, SWRHOOK_TOKEN=TOKEN)
    )


# Every command that asks a server, some in more than one way.
COMMANDS = (
    "syncs",
    "syncs --all",
    "show x",
    "deliveries",
    "senders",
    "explain a/b:1",
    "whatif {file}",
    "rules pending",
    "rules accept --yes",
    "rules accept --yes --file {file}",
    "wait a/b:1",
    "available a/b:1",
    "order a/b:1",
    "order a/b:1 --from cn-north-4 --wait",
    "retry x",
    "retry --state missing --yes",
    "cancel x",
    "replay x",
    "replay --outcome ignored --yes",
    "pause",
    "pause --region cn-east-3",
    "resume --region cn-east-3",
    "backfill a/b --yes",
    "backfill list",
    "backfill show x",
    "backfill show x --tags",
    "backfill resume x --yes",
    "backfill cancel x",
    "reconcile a/b",
    "reconcile show x",
    "coverage",
    "coverage --gaps",
    "repairs",
    "repairs x",
    "repairs x --watch",
    "notify list",
    "notify test",
    "notify test ops",
    "audit",
)
# Answers of a server that is not swrhook, or not of this version.
ANSWERS = (
    "{}",
    "[]",
    '{"items": [{}], "next": null}',
    '{"items": [1], "next": null}',
    '{"items": [{"id": null, "name": 1, "outcomes": [], "created_at": "never"}], "next": null}',
    '{"syncs": [{}], "state": "done", "plan": [], "sync": 1, "steps": {}, "discovery": 1}',
)


@pytest.mark.parametrize("answer", ANSWERS)
def test_no_command_shows_a_traceback_for_an_answer_that_it_cannot_read(
    run: Run, serve: Callable[[Flask], str], answer: str, tmp_path: Path
) -> None:
    file = tmp_path / "swrhook.yaml"
    file.write_text(CONFIG)
    other = Flask("other")
    other.before_request(lambda: Response(answer, mimetype=JSON))
    url = serve(other)
    wrong = {}
    for command in COMMANDS:
        for json in ([], ["--json"]) if "accept" not in command else ([],):
            result = run(*command.format(file=file).split(), *json, SWRHOOK_URL=url)
            is_word = result.exception is None or isinstance(result.exception, SystemExit)
            if not is_word or (result.exit_code and "Error: " not in result.stderr):
                wrong[command] = repr(result.exception), result.stderr

    assert wrong == {}


def test_without_a_server_every_command_says_so(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "swrhook.yaml"
    file.write_text(CONFIG)
    for command in COMMANDS:
        status, message = failure(
            run(*command.format(file=file).split(), SWRHOOK_URL="http://127.0.0.1:1")
        )

        assert status == (2 if command.startswith("available") else 1), command
        assert message.startswith("Error: http://127.0.0.1:1: cannot be reached: "), command


def test_every_command_that_asks_a_server_is_tried() -> None:
    assert {command.split()[0] for command in COMMANDS} == set(cli.COMMANDS) - cli.LOCAL


def test_an_answer_that_cannot_be_read_is_named(run: Run, serve: Callable[[Flask], str]) -> None:
    other = Flask("other")
    other.add_url_rule("/api/v1/coverage", view_func=lambda: Response("{}", mimetype=JSON))

    status, message = failure(run("coverage", SWRHOOK_URL=serve(other)))

    expected = (
        "Error: the server's answer is not as expected (KeyError('items')): is this the address of"
        " swrhook, and is it of this version?"
    )
    assert (status, message) == (1, expected)
