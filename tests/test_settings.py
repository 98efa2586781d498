from dataclasses import fields
from pathlib import Path

import pytest

from swrhook.errors import BadConfiguration
from swrhook.settings import SETTINGS, Settings, check_processes, check_worker


def mistakes(environ: dict[str, str]) -> list[str]:
    with pytest.raises(BadConfiguration) as caught:
        Settings.from_environ(environ)
    return str(caught.value).splitlines()


@pytest.mark.parametrize("environ", [{}, {setting.name: "" for setting in SETTINGS}])
def test_an_empty_environment_gives_the_defaults(environ: dict[str, str]) -> None:
    assert Settings() == Settings.from_environ(environ)


def test_every_variable_is_read() -> None:
    environ = {
        "SWRHOOK_CONFIG": "/etc/swrhook.yaml",
        "SWRHOOK_DATABASE_URL": "postgresql+psycopg://swrhook:sesame@db/swrhook",
        "SWRHOOK_WORKERS": "0",
        "SWRHOOK_BIND": "[::]:80",
        "SWRHOOK_METRICS_BIND": "0.0.0.0:9090",
        "SWRHOOK_LOG_FORMAT": "console",
        "SWRHOOK_LOG_LEVEL": "debug",
    }

    assert Settings(
        config=Path("/etc/swrhook.yaml"),
        database_url="postgresql+psycopg://swrhook:sesame@db/swrhook",
        workers=0,
        bind="[::]:80",
        metrics_bind="0.0.0.0:9090",
        log_format="console",
        log_level="DEBUG",
    ) == Settings.from_environ(environ)


def test_all_mistakes_are_reported_at_once_without_a_password() -> None:
    assert mistakes(
        {
            "SWRHOOK_DATABASE_URL": "postgres://swrhook:sesame@db/swrhook",
            "SWRHOOK_WORKERS": "-1",
            "SWRHOOK_BIND": "8080",
            "SWRHOOK_METRICS_BIND": "0.0.0.0:65536",
            "SWRHOOK_LOG_FORMAT": "text",
            "SWRHOOK_LOG_LEVEL": "verbose",
            "SWRHOOK_LOGLEVEL": "INFO",
        }
    ) == [
        (
            "environment: SWRHOOK_BIND must be an address and a port, like 127.0.0.1:8080 or"
            " [::1]:8080"
        ),
        "environment: SWRHOOK_DATABASE_URL must begin with sqlite:/// or postgresql+psycopg://",
        "environment: SWRHOOK_LOGLEVEL is not a setting: did you mean SWRHOOK_LOG_LEVEL?",
        "environment: SWRHOOK_LOG_FORMAT must be one of json, console",
        "environment: SWRHOOK_LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
        (
            "environment: SWRHOOK_METRICS_BIND must be an address and a port, like 127.0.0.1:8080"
            " or [::1]:8080"
        ),
        "environment: SWRHOOK_WORKERS must be a whole number from 0 to 1000",
    ]


@pytest.mark.parametrize("workers", ["1001", "9999999", "four", "1.5", "٣", " 1"])
def test_workers_must_be_a_number(workers: str) -> None:
    assert mistakes({"SWRHOOK_WORKERS": workers}) == [
        "environment: SWRHOOK_WORKERS must be a whole number from 0 to 1000"
    ]


@pytest.mark.parametrize("url", ["sqlite:///", "sqlite:///:memory:"])
def test_a_ledger_in_memory_is_refused(url: str) -> None:
    (mistake,) = mistakes({"SWRHOOK_DATABASE_URL": url})

    assert "must name a file" in mistake


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("SWRHOOK_WORKER", "SWRHOOK_WORKERS"),
        ("SWRHOOK_BINDS", "SWRHOOK_BIND"),
        ("SWRHOOK_DATABASE", "SWRHOOK_DATABASE_URL"),
        ("SWRHOOK_LOG_FROMAT", "SWRHOOK_LOG_FORMAT"),
    ],
)
def test_a_misspelt_setting_is_a_mistake(name: str, setting: str) -> None:
    assert [f"environment: {name} is not a setting: did you mean {setting}?"] == mistakes(
        {name: "x"}
    )


@pytest.mark.parametrize(
    "name",
    [
        "SWRHOOK_URL",
        "SWRHOOK_TOKEN",
        "SWRHOOK_OPS_TOKEN",
        "SWRHOOK_SERVICE_HOST",
        "SWRHOOK_PORT",
        "SWRHOOK_PORT_8080_TCP_ADDR",
        "SWRHOOK_METRICS_SERVICE_PORT",
        "SWRHOOK_METRICS_PORT",
        "WORKERS",
    ],
)
def test_other_variables_are_ignored(name: str) -> None:
    assert Settings() == Settings.from_environ({name: "x"})


def test_the_table_matches_the_settings() -> None:
    assert [field.name for field in fields(Settings)] == [s.attribute for s in SETTINGS]


def test_the_database_url_is_not_shown() -> None:
    assert "sesame" not in repr(Settings(database_url="postgresql+psycopg://u:sesame@db/x"))


def test_a_worker_process_needs_postgresql_and_threads() -> None:
    with pytest.raises(BadConfiguration) as caught:
        check_worker(Settings(workers=0))

    assert str(caught.value) == (
        "environment: SWRHOOK_DATABASE_URL is SQLite, which serves one process: `worker` needs "
        "PostgreSQL\n"
        "environment: SWRHOOK_WORKERS is 0: a worker process would have nothing to do"
    )
    check_worker(Settings(database_url="postgresql+psycopg://db/swrhook"))


def test_several_web_processes_need_postgresql() -> None:
    with pytest.raises(BadConfiguration, match="asks for 2 processes, but SQLite serves one"):
        check_processes(Settings(), 2)

    check_processes(Settings(), 1)
    check_processes(Settings(database_url="postgresql+psycopg://db/swrhook"), 2)
