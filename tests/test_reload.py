"""The configuration of a running process: taken when it is right, kept as it was when not."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from swrhook import logs
from swrhook.auth import NO_KEYS
from swrhook.config import Config
from swrhook.config.watcher import WatchedFile
from swrhook.errors import BadConfiguration
from swrhook.ledger.database import Database
from swrhook.ledger.kept_state import last_configuration
from swrhook.metrics import Metrics
from swrhook.service.config_reload import ConfigReloader
from tests.config.conftest import SMALL
from tests.factories import FakeClock

START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
MORE = SMALL.replace("rules:\n", "rules:\n  - {name: more, when: {}, sync: [{TARGET}]}\n").replace(
    "{TARGET}", "{region: cn-east-3, namespace: b}"
)
WRONG = SMALL.replace("namespace", "namespcae")


@dataclass
class Reloading:
    """A file, a ledger, and the reload that is tested, looked with by hand."""

    file: Path
    database: Database
    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    between: float = 3600  # and so the thread does nothing
    metrics: Metrics = field(default_factory=Metrics)
    used: list[Config] = field(default_factory=list)
    on_use: Callable[[Config], None] | None = None
    on_resume: Callable[[Config, Config], None] | None = None
    environ: dict[str, str] = field(default_factory=lambda: {"TOKEN": "sesame"})

    def __post_init__(self) -> None:
        watched = WatchedFile(self.file, self.environ, NO_KEYS)
        self.reload = ConfigReloader(
            watched, self.database, self.metrics, self.clock, between=self.between
        )

    def first(self) -> Config:
        """Start with what the file holds; nothing looks but `look`."""
        config = self.reload.load_initial(self.environ, NO_KEYS)
        self.reload.subscribe(self)
        self.reload.start()
        return config

    def use(self, config: Config) -> None:
        (self.on_use or self.used.append)(config)

    def resume(self, before: Config, after: Config) -> None:
        if self.on_resume is not None:
            self.on_resume(before, after)

    def look(self, content: str | None = None) -> None:
        """Change the file, and look until the change must have been found."""
        if content is not None:
            self.file.write_text(content)
            self.clock.advance(1)
        for _ in range(3):
            self.reload.poll()

    def shown(self) -> dict[str, float]:
        lines = self.metrics.text().decode().splitlines()
        pairs = [line.rpartition(" ") for line in lines if line.startswith("swrhook_configuration")]
        return {name: float(value) for name, _, value in pairs if "_created" not in name}

    def kept(self) -> bytes | None:
        with self.database.read() as connection:
            return last_configuration(connection)


@pytest.fixture
def reloading(tmp_path: Path, database: Database) -> Any:
    file = tmp_path / "swrhook.yaml"
    file.write_text(SMALL)
    reloading = Reloading(file, database)
    logs.configure("json", "INFO")
    yield reloading
    reloading.reload.stop()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_changed_file_is_used_kept_and_told(
    reloading: Reloading, capsys: pytest.CaptureFixture[str]
) -> None:
    before = reloading.first()
    reloading.clock.time += timedelta(hours=1)
    reloading.look(MORE)
    (after,) = reloading.used

    assert [rule.name for rule in after.rules] == ["more", "all"]
    assert MORE.encode() == reloading.kept()
    assert {
        "version": after.version,
        "since": "2026-03-04T06:06:08.000Z",
    } == reloading.reload.in_use()
    loaded, reloaded = lines(capsys)
    assert ("configuration.loaded", before.version) == (loaded["event"], loaded["version"])
    assert ("configuration.reloaded", after.version, before.version) == (
        reloaded["event"],
        reloaded["version"],
        reloaded["before"],
    )
    assert reloaded["changed"] == {"rules": {"added": ["more"]}}
    assert {
        "swrhook_configuration_is_current": 1.0,
        f'swrhook_configuration_info{{version="{after.version}"}}': 1.0,
        'swrhook_configuration_reloads_total{outcome="accepted"}': 1.0,
    } == reloading.shown()


def test_a_wrong_file_changes_nothing_and_is_told_once_with_every_mistake(
    reloading: Reloading, capsys: pytest.CaptureFixture[str]
) -> None:
    config = reloading.first()
    reloading.look(WRONG.replace("iam_endpoint", "iam_endpiont"))
    reloading.look()
    _, refused = lines(capsys)

    assert reloading.used == []
    assert SMALL.encode() == reloading.kept()
    assert {"version": config.version, "since": "2026-03-04T05:06:07.000Z"} == (
        reloading.reload.in_use()
    )
    assert f"the file is wrong: the last good one, {config.version}, is in use" == (
        reloading.reload.wrong()
    )
    assert ("configuration.refused", config.version) == (refused["event"], refused["in_use"])
    for mistake in ("iam_endpoint", "namespace"):
        assert f"did you mean «{mistake}»?" in str(refused["mistakes"])
    assert {
        "swrhook_configuration_is_current": 0.0,
        f'swrhook_configuration_info{{version="{config.version}"}}': 1.0,
        'swrhook_configuration_reloads_total{outcome="rejected"}': 1.0,
    } == reloading.shown()


def test_another_mistake_is_told_too(
    reloading: Reloading, capsys: pytest.CaptureFixture[str]
) -> None:
    reloading.first()
    reloading.look(WRONG)
    reloading.look("swr: [")

    assert ["configuration.loaded", *["configuration.refused"] * 2] == [
        line["event"] for line in lines(capsys)
    ]


@pytest.mark.parametrize("content", [SMALL, MORE], ids=["as it was", "otherwise"])
def test_a_file_that_is_right_again_is_in_use(reloading: Reloading, content: str) -> None:
    reloading.first()
    reloading.look(WRONG)
    reloading.look(content)

    assert reloading.reload.wrong() is None
    assert reloading.shown()["swrhook_configuration_is_current"] == 1.0
    assert content.encode() == reloading.kept()
    assert [content.encode()] * (content != SMALL) == [config.text for config in reloading.used]


def test_the_last_good_one_stands_in_at_a_start_until_the_file_is_right(
    reloading: Reloading, capsys: pytest.CaptureFixture[str]
) -> None:
    reloading.first()
    reloading.file.write_text(WRONG)
    later = Reloading(reloading.file, reloading.database)
    stands_in = later.first()
    wrong = later.reload.wrong()
    later.look(MORE)
    later.reload.stop()

    assert SMALL.encode() == stands_in.text
    assert wrong is not None
    assert [MORE.encode()] == [config.text for config in later.used]
    assert later.reload.wrong() is None
    assert [line["event"] for line in lines(capsys)] == [
        "configuration.loaded",
        "configuration.refused",
        "configuration.reloaded",
    ]


def test_a_first_start_with_a_wrong_file_refuses(reloading: Reloading) -> None:
    reloading.file.write_text(WRONG)

    with pytest.raises(BadConfiguration):
        reloading.first()


def test_a_file_with_a_secret_written_into_it_is_used_and_not_kept(reloading: Reloading) -> None:
    reloading.first()
    reloading.look(MORE.replace('"${TOKEN}"', "a-literal-sesame"))

    assert len(reloading.used) == 1
    assert SMALL.encode() == reloading.kept()


def test_a_rotated_secret_is_used_though_the_file_is_the_same(
    tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text("sesame")
    file = tmp_path / "swrhook.yaml"
    file.write_text(SMALL.replace("${TOKEN}", f"${{file:{token}}}"))
    reloading = Reloading(file, database)
    logs.configure("json", "INFO")
    before = reloading.first()
    token.write_text("another-sesame")
    reloading.look()
    reloading.reload.stop()
    (after,) = reloading.used
    output = capsys.readouterr().out

    assert before.version == after.version
    assert before.swr.credentials != after.swr.credentials
    assert '"changed": {"swr": {"changed": ["credentials"]}' in output
    assert "sesame" not in output


def test_what_the_ledger_cannot_keep_is_used_and_kept_later(reloading: Reloading) -> None:
    reloading.first()
    with reloading.database.write() as connection:
        connection.execute(text("ALTER TABLE configurations RENAME TO away"))
    with pytest.raises(Exception, match="configurations"):
        reloading.look(MORE)
    used = [config.text for config in reloading.used]
    with reloading.database.write() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO configurations"))
    reloading.look()

    assert [MORE.encode()] == used == [config.text for config in reloading.used]
    assert reloading.reload.wrong() is None
    assert MORE.encode() == reloading.kept()


def test_what_cannot_be_put_in_use_is_told_and_leaves_the_one_before(reloading: Reloading) -> None:
    def fail(_config: Config) -> None:
        raise OSError

    reloading.on_use = fail
    config = reloading.first()
    with pytest.raises(OSError):  # noqa: PT011  # the thread's loop logs it
        reloading.look(MORE)

    assert config.version == reloading.reload.in_use()["version"]
    assert "cannot be used" in str(reloading.reload.wrong())
    assert reloading.shown()["swrhook_configuration_is_current"] == 0.0


def test_what_had_waited_and_cannot_go_on_leaves_the_new_one_in_use(reloading: Reloading) -> None:
    told = []

    def fail(before: Config, after: Config) -> None:
        told.append((before.text, after.text))
        raise OSError

    reloading.on_resume = fail
    reloading.first()
    with pytest.raises(OSError):  # noqa: PT011  # the thread's loop logs it
        reloading.look(MORE)
    reloading.look()

    assert [(SMALL.encode(), MORE.encode())] == told
    assert reloading.used[-1].version == reloading.reload.in_use()["version"]
    assert reloading.reload.wrong() is None
    assert MORE.encode() == reloading.kept()


def test_the_thread_outlives_what_fails_and_tells_it_once(
    tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "swrhook.yaml"
    file.write_text(SMALL)
    logs.configure("json", "INFO")
    waiting = threading.Event()

    def fail_once(config: Config) -> None:
        if config.text == MORE.encode():
            raise OSError
        waiting.set()

    reloading = Reloading(file, database, between=0.01, on_use=fail_once)
    reloading.first()
    file.write_text(MORE)
    deadline = time.monotonic() + 20
    while reloading.reload.wrong() is None:
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.01)
    file.write_text(MORE + "# and again\n")
    is_used = waiting.wait(20)
    reloading.reload.stop()

    assert is_used
    assert [line["event"] for line in lines(capsys) if line["level"] == "error"] == [
        "reload.failed"
    ]
