"""A file changes in each way that editors, ConfigMaps and secret stores change files."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from swrhook.auth import NO_KEYS
from swrhook.config.watcher import WatchedFile
from swrhook.errors import BadConfiguration

# A change is reported at the second poll. A third poll shows that it is reported only once.
POLLS = 3


@pytest.fixture
def file(tmp_path: Path, small: str) -> Path:
    """A file in a mounted ConfigMap, with a secret: `..data` is a link to the current folder."""
    mount(
        tmp_path,
        "1",
        small.replace("${TOKEN}", f"${{file:{tmp_path}/token}}"),
        "sesame-sesame-sesame",
    )
    (tmp_path / "swrhook.yaml").symlink_to("..data/swrhook.yaml")
    (tmp_path / "token").symlink_to("..data/token")
    return tmp_path / "swrhook.yaml"


@pytest.fixture
def watched(file: Path) -> WatchedFile:
    watched = WatchedFile(file, {}, NO_KEYS)
    watched.read()
    return watched


def mount(folder: Path, version: str, text: str, token: str) -> None:
    """Mount a version as Kubernetes does: a new folder, and a link renamed over `..data`."""
    version_folder = folder / f"..{version}"
    version_folder.mkdir()
    (version_folder / "swrhook.yaml").write_text(text)
    (version_folder / "token").write_text(token)
    (folder / "..new").symlink_to(version_folder.name)
    (folder / "..new").rename(folder / "..data")


def replace(file: Path, content: bytes) -> None:
    """Replace a file as editors do: write a new file and rename it."""
    beside = file.with_name("beside")
    beside.write_bytes(content)
    beside.replace(file)


def poll(watched: WatchedFile) -> list[bool]:
    return [watched.has_changed() for _ in range(POLLS)]


def in_place(file: Path) -> None:
    file.write_text(file.read_text() + "# more\n")


def same_length_in_place(file: Path) -> None:
    """Change one letter and reset the modification time: only the ctime shows the change."""
    status = file.stat()
    file.write_text(file.read_text().replace("name: all", "name: any"))
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def by_rename(file: Path) -> None:
    replace(file, file.read_bytes() + b"# more\n")


def by_mount(file: Path) -> None:
    mount(file.parent, "2", file.read_text() + "# more\n", "sesame-sesame-sesame")


def of_the_secret_by_mount(file: Path) -> None:
    mount(file.parent, "2", file.read_text(), "another-token-of-24-letters")


def of_the_secret_in_place(file: Path) -> None:
    (file.parent / "token").write_text("another-token-of-24-letters")


def by_removal(file: Path) -> None:
    file.unlink()


def of_the_secret_by_removal(file: Path) -> None:
    (file.parent / "token").unlink()


def to_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def to_a_pipe(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


def to_a_circle_of_links(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.name)


def to_something_huge(file: Path) -> None:
    os.truncate(file, 1 << 40)


RIGHT = [
    in_place,
    same_length_in_place,
    by_rename,
    by_mount,
    of_the_secret_by_mount,
    of_the_secret_in_place,
]
WRONG = [
    by_removal,
    of_the_secret_by_removal,
    to_a_folder,
    to_a_pipe,
    to_a_circle_of_links,
    to_something_huge,
]


@pytest.mark.parametrize("change", RIGHT + WRONG)
def test_a_change_is_reported_once_it_is_stable(
    file: Path, watched: WatchedFile, change: Callable[[Path], None]
) -> None:
    before = poll(watched)
    change(file)

    assert before == [False] * POLLS
    assert poll(watched) == [False, True, False]


@pytest.mark.parametrize("change", RIGHT)
def test_a_changed_file_is_read(
    file: Path, watched: WatchedFile, change: Callable[[Path], None]
) -> None:
    before = watched.read()
    change(file)
    after = watched.read()

    assert (before.version, before.fingerprints) != (after.version, after.fingerprints)
    assert poll(watched) == [False] * POLLS


@pytest.mark.parametrize("change", WRONG)
def test_a_file_that_becomes_readable_is_a_change(
    file: Path, watched: WatchedFile, change: Callable[[Path], None]
) -> None:
    text = file.read_bytes()
    change(file)
    with pytest.raises(BadConfiguration, match=r"cannot be read|larger than"):
        watched.read()
    while_unreadable = poll(watched)
    if file.is_dir():
        file.rmdir()
    replace(file, text)
    (file.parent / "token").unlink(missing_ok=True)
    (file.parent / "token").write_text("sesame-sesame-sesame")

    assert while_unreadable == [False] * POLLS
    assert poll(watched) == [False, True, False]


def test_a_briefly_missing_file_has_not_changed(file: Path, watched: WatchedFile) -> None:
    text = file.read_bytes()
    file.unlink()
    gone = watched.has_changed()
    replace(file, text)

    assert [gone, *poll(watched)] == [False] * (1 + POLLS)


def test_a_half_written_file_is_not_reported(file: Path, watched: WatchedFile) -> None:
    polls = []
    for _ in range(3):
        in_place(file)
        polls.append(watched.has_changed())

    assert polls == [False] * 3
    assert watched.has_changed()


def test_a_touched_file_has_not_changed(file: Path, watched: WatchedFile) -> None:
    poll(watched)
    replace(file, file.read_bytes())

    assert poll(watched) == [False] * POLLS


def test_a_secret_that_was_missing_at_start_is_watched(file: Path) -> None:
    token = file.parent / "token"
    token.unlink()
    watched = WatchedFile(file, {}, NO_KEYS)
    with pytest.raises(BadConfiguration):
        watched.read()
    token.write_text("sesame-sesame-sesame")

    assert poll(watched) == [False, True, False]


def test_a_secret_that_is_too_long_is_read_once(file: Path) -> None:
    (file.parent / "token").write_text("x" * 100_000)
    watched = WatchedFile(file, {}, NO_KEYS)
    with pytest.raises(BadConfiguration, match="too long"):
        watched.read()

    assert poll(watched) == [False, False, False]


def test_an_impossible_path_is_no_change(file: Path, small: str) -> None:
    file.write_text(small.replace("${TOKEN}", "${file:/a\\0b}"))
    watched = WatchedFile(file, {}, NO_KEYS)
    with pytest.raises(BadConfiguration):
        watched.read()

    assert poll(watched) == [False] * POLLS
