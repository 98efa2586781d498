"""Reloads: a valid file is used and saved, an invalid one leaves everything as it was."""

import threading
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from swrhook import logs
from swrhook.config import Config
from swrhook.errors import BadConfiguration
from swrhook.ledger.database import Database
from swrhook.ledger.service_tables import configurations
from swrhook.wording.catalogues import Language, translations
from swrhook.wording.message import render
from tests.factories import MINIMAL_CONFIG, everything
from tests.json_lines import json_lines
from tests.service.reloading import Reloading
from tests.waiting import eventually

MORE = MINIMAL_CONFIG.replace(
    "rules:\n", "rules:\n  - {name: more, when: {}, sync: [{TARGET}]}\n"
).replace("{TARGET}", "{region: cn-east-3, namespace: b}")
INVALID = MINIMAL_CONFIG.replace("namespace", "namespcae")


def version_of(content: str) -> str:
    return sha256(content.encode()).hexdigest()[:12]


@pytest.fixture
def reloading(tmp_path: Path, database: Database) -> Any:
    file = tmp_path / "swrhook.yaml"
    file.write_text(MINIMAL_CONFIG)
    reloading = Reloading(file, database)
    logs.configure("json", "INFO")
    yield reloading
    reloading.reloader.stop()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return json_lines(capsys.readouterr().out)


def test_a_changed_file_is_used_saved_and_logged(
    reloading: Reloading, capsys: pytest.CaptureFixture[str]
) -> None:
    before = reloading.start()
    reloading.clock.time += timedelta(hours=1)
    reloading.poll(MORE)
    (after,) = reloading.used

    assert [rule.name for rule in after.rules] == ["more", "all"]
    assert reloading.saved() == version_of(MORE)
    assert reloading.reloader.in_use() == {
        "version": after.version,
        "since": "2026-03-04T06:06:08.000Z",
    }
    loaded, reloaded = lines(capsys)
    assert (loaded["event"], loaded["version"]) == ("configuration.loaded", before.version)
    assert reloaded["event"] == "configuration.reloaded"
    assert (reloaded["version"], reloaded["before"]) == (after.version, before.version)
    assert reloaded["changed"] == {"rules": {"added": ["more"]}}
    assert reloading.metric_values() == {
        "swrhook_configuration_is_current": 1.0,
        f'swrhook_configuration_info{{version="{after.version}"}}': 1.0,
        'swrhook_configuration_reloads_total{outcome="accepted"}': 1.0,
    }


def test_an_invalid_file_changes_nothing_and_is_logged_once_with_every_error(
    reloading: Reloading, capsys: pytest.CaptureFixture[str]
) -> None:
    config = reloading.start()
    reloading.poll(INVALID.replace("iam_endpoint", "iam_endpiont"))
    reloading.poll()
    _, refused = lines(capsys)

    assert reloading.used == []
    assert reloading.saved() == version_of(MINIMAL_CONFIG)
    assert reloading.reloader.in_use() == {
        "version": config.version,
        "since": "2026-03-04T05:06:07.000Z",
    }
    assert reloading.reloader.problem() == (
        f"the file is invalid: the last good configuration, {config.version}, is in use"
    )
    in_chinese = render(reloading.reloader.problem(), translations(Language.CHINESE))
    assert [text in str(in_chinese) for text in ("文件有误", config.version)] == [True, True]
    assert (refused["event"], refused["in_use"]) == ("configuration.refused", config.version)
    for mistake in ("iam_endpoint", "namespace"):
        assert f'did you mean "{mistake}"?' in str(refused["mistakes"])
    assert reloading.metric_values() == {
        "swrhook_configuration_is_current": 0.0,
        f'swrhook_configuration_info{{version="{config.version}"}}': 1.0,
        'swrhook_configuration_reloads_total{outcome="rejected"}': 1.0,
    }


def test_another_error_is_logged_too(
    reloading: Reloading, capsys: pytest.CaptureFixture[str]
) -> None:
    reloading.start()
    reloading.poll(INVALID)
    reloading.poll("swr: [")

    events = [line["event"] for line in lines(capsys)]
    assert events == ["configuration.loaded", *["configuration.refused"] * 2]


@pytest.mark.parametrize("content", [MINIMAL_CONFIG, MORE], ids=["as it was", "otherwise"])
def test_a_corrected_file_is_used(reloading: Reloading, content: str) -> None:
    reloading.start()
    reloading.poll(INVALID)
    reloading.poll(content)

    assert reloading.reloader.problem() is None
    assert reloading.metric_values()["swrhook_configuration_is_current"] == 1.0
    assert reloading.saved() == version_of(content)
    expected = [] if content == MINIMAL_CONFIG else [version_of(content)]
    assert [config.version for config in reloading.used] == expected


def test_the_last_good_configuration_has_no_comments(reloading: Reloading) -> None:
    content = f"{MINIMAL_CONFIG}# the password was sesame-1234 before\n"
    reloading.file.write_text(content)
    reloading.start()
    reloading.file.write_text(INVALID)
    last_good = Reloading(reloading.file, reloading.database).start()
    stored = everything(reloading.database, configurations)

    assert [b"sesame-1234" in row["body"] for row in stored] == [False]
    assert last_good.version == version_of(content)


def test_a_start_with_an_invalid_file_uses_the_last_good_configuration(
    reloading: Reloading, capsys: pytest.CaptureFixture[str]
) -> None:
    reloading.start()
    reloading.file.write_text(INVALID)
    later = Reloading(reloading.file, reloading.database)
    last_good = later.start()
    problem = later.reloader.problem()
    later.poll(MORE)
    later.reloader.stop()

    assert last_good.version == version_of(MINIMAL_CONFIG)
    assert problem is not None
    assert [config.version for config in later.used] == [version_of(MORE)]
    assert later.reloader.problem() is None
    assert [line["event"] for line in lines(capsys)] == [
        "configuration.loaded",
        "configuration.refused",
        "configuration.reloaded",
    ]


def test_a_first_start_with_an_invalid_file_is_refused(reloading: Reloading) -> None:
    reloading.file.write_text(INVALID)

    with pytest.raises(BadConfiguration):
        reloading.start()


def test_a_file_that_contains_a_secret_is_used_and_not_saved(reloading: Reloading) -> None:
    reloading.start()
    reloading.poll(MORE.replace('"${TOKEN}"', "a-literal-sesame"))

    assert len(reloading.used) == 1
    assert reloading.saved() == version_of(MINIMAL_CONFIG)


def test_a_rotated_secret_is_used_though_the_configuration_file_is_the_same(
    tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "token"
    token.write_text("open-sesame-sesame")
    file = tmp_path / "swrhook.yaml"
    file.write_text(MINIMAL_CONFIG.replace("${TOKEN}", f"${{file:{token}}}"))
    reloading = Reloading(file, database)
    logs.configure("json", "INFO")
    before = reloading.start()
    token.write_text("another-open-sesame")
    reloading.poll()
    reloading.reloader.stop()
    (after,) = reloading.used
    output = capsys.readouterr().out

    assert after.version == before.version
    assert after.swr.credentials != before.swr.credentials
    assert '"changed": {"swr": {"changed": ["credentials"]}' in output
    assert "sesame" not in output


def test_a_configuration_that_cannot_be_saved_now_is_used_and_saved_later(
    reloading: Reloading,
) -> None:
    reloading.start()
    with reloading.database.write() as connection:
        connection.execute(text("ALTER TABLE configurations RENAME TO away"))
    with pytest.raises(Exception, match="configurations"):
        reloading.poll(MORE)
    used = [config.version for config in reloading.used]
    with reloading.database.write() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO configurations"))
    reloading.poll()

    assert used == [config.version for config in reloading.used] == [version_of(MORE)]
    assert reloading.reloader.problem() is None
    assert reloading.saved() == version_of(MORE)


def test_a_configuration_that_cannot_be_used_is_reported_and_the_earlier_one_stays(
    reloading: Reloading,
) -> None:
    def fail(_config: Config) -> None:
        raise OSError

    reloading.on_use = fail
    config = reloading.start()
    with pytest.raises(OSError):  # noqa: PT011  # the thread's loop logs it
        reloading.poll(MORE)

    assert reloading.reloader.in_use()["version"] == config.version
    assert "cannot be used" in str(reloading.reloader.problem())
    assert reloading.metric_values()["swrhook_configuration_is_current"] == 0.0


def test_a_configuration_stays_in_use_if_held_work_cannot_be_resumed(reloading: Reloading) -> None:
    resumed = []

    def fail(before: Config, after: Config) -> None:
        resumed.append((before.version, after.version))
        raise OSError

    reloading.on_resume = fail
    reloading.start()
    with pytest.raises(OSError):  # noqa: PT011  # the thread's loop logs it
        reloading.poll(MORE)
    reloading.poll()

    assert resumed == [(version_of(MINIMAL_CONFIG), version_of(MORE))]
    assert reloading.reloader.in_use()["version"] == reloading.used[-1].version
    assert reloading.reloader.problem() is None
    assert reloading.saved() == version_of(MORE)


def test_the_thread_continues_after_a_failure_and_logs_it_once(
    tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "swrhook.yaml"
    file.write_text(MINIMAL_CONFIG)
    logs.configure("json", "INFO")
    is_reloaded = threading.Event()

    def fail_once(config: Config) -> None:
        if config.version == version_of(MORE):
            raise OSError
        is_reloaded.set()

    reloading = Reloading(file, database, between=0.01, on_use=fail_once)
    reloading.start()
    file.write_text(MORE)
    assert eventually(lambda: reloading.reloader.problem() is not None)
    file.write_text(MORE + "# and again\n")
    is_used = is_reloaded.wait(20)
    reloading.reloader.stop()

    assert is_used
    assert [line["event"] for line in lines(capsys) if line["level"] == "error"] == [
        "reload.failed"
    ]
