"""A file that changes: in each way that editors, ConfigMaps and vaults change files."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from swrhook.auth import NO_KEYS
from swrhook.config.watcher import WatchedFile
from swrhook.errors import BadConfiguration

# A change has to be found at the second look; one more shows that it is found only once.
LOOKS = 3


@pytest.fixture
def file(tmp_path: Path, small: str) -> Path:
    """A file in a mounted ConfigMap, with a secret: `..data` leads to the folder in force."""
    mount(tmp_path, "1", small.replace("${TOKEN}", f"${{file:{tmp_path}/token}}"), "sesame")
    (tmp_path / "swrhook.yaml").symlink_to("..data/swrhook.yaml")
    (tmp_path / "token").symlink_to("..data/token")
    return tmp_path / "swrhook.yaml"


@pytest.fixture
def watched(file: Path) -> WatchedFile:
    watched = WatchedFile(file, {}, NO_KEYS)
    watched.read()
    return watched


def mount(folder: Path, version: str, text: str, token: str) -> None:
    """Put a version in force as Kubernetes does: a new folder, a link renamed over `..data`."""
    made = folder / f"..{version}"
    made.mkdir()
    (made / "swrhook.yaml").write_text(text)
    (made / "token").write_text(token)
    (folder / "..new").symlink_to(made.name)
    (folder / "..new").rename(folder / "..data")


def replace(file: Path, content: bytes) -> None:
    """Write a file as editors do: beside it, and renamed over it."""
    beside = file.with_name("beside")
    beside.write_bytes(content)
    beside.replace(file)


def looks(watched: WatchedFile) -> list[bool]:
    return [watched.has_changed() for _ in range(LOOKS)]


def in_place(file: Path) -> None:
    file.write_text(file.read_text() + "# more\n")


def same_length_in_place(file: Path) -> None:
    """Change one letter, and put the time back: only the inode's own time tells."""
    found = file.stat()
    file.write_text(file.read_text().replace("name: all", "name: any"))
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))


def by_rename(file: Path) -> None:
    replace(file, file.read_bytes() + b"# more\n")


def by_mount(file: Path) -> None:
    mount(file.parent, "2", file.read_text() + "# more\n", "sesame")


def of_the_secret_by_mount(file: Path) -> None:
    mount(file.parent, "2", file.read_text(), "another")


def of_the_secret_in_place(file: Path) -> None:
    (file.parent / "token").write_text("another")


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
def test_a_change_is_found_once_it_stands_still(
    file: Path, watched: WatchedFile, change: Callable[[Path], None]
) -> None:
    before = looks(watched)
    change(file)

    assert before == [False] * LOOKS
    assert looks(watched) == [False, True, False]


@pytest.mark.parametrize("change", RIGHT)
def test_what_was_changed_is_read(
    file: Path, watched: WatchedFile, change: Callable[[Path], None]
) -> None:
    before = watched.read()
    change(file)
    after = watched.read()

    assert (before.version, before.marks) != (after.version, after.marks)
    assert looks(watched) == [False] * LOOKS


@pytest.mark.parametrize("change", WRONG)
def test_what_cannot_be_read_is_told_once_and_found_again_when_it_is_back(
    file: Path, watched: WatchedFile, change: Callable[[Path], None]
) -> None:
    text = file.read_bytes()
    change(file)
    with pytest.raises(BadConfiguration, match=r"cannot be read|larger than"):
        watched.read()
    wrong = looks(watched)
    if file.is_dir():
        file.rmdir()
    replace(file, text)
    (file.parent / "token").unlink(missing_ok=True)
    (file.parent / "token").write_text("sesame")

    assert wrong == [False] * LOOKS
    assert looks(watched) == [False, True, False]


def test_a_file_that_is_gone_for_a_moment_has_not_changed(file: Path, watched: WatchedFile) -> None:
    text = file.read_bytes()
    file.unlink()
    gone = watched.has_changed()
    replace(file, text)

    assert [gone, *looks(watched)] == [False] * (1 + LOOKS)


def test_a_file_that_is_being_written_is_waited_for(file: Path, watched: WatchedFile) -> None:
    found = []
    for _ in range(3):
        in_place(file)
        found.append(watched.has_changed())

    assert found == [False] * 3
    assert watched.has_changed()


def test_a_file_that_is_only_touched_has_not_changed(file: Path, watched: WatchedFile) -> None:
    looks(watched)
    replace(file, file.read_bytes())

    assert looks(watched) == [False] * LOOKS


def test_a_secret_that_was_missing_at_the_start_is_waited_for(file: Path) -> None:
    token = file.parent / "token"
    token.unlink()
    watched = WatchedFile(file, {}, NO_KEYS)
    with pytest.raises(BadConfiguration):
        watched.read()
    token.write_text("sesame")

    assert looks(watched) == [False, True, False]


def test_a_path_that_no_file_can_have_changes_nothing(file: Path, small: str) -> None:
    file.write_text(small.replace("${TOKEN}", "${file:/a\\0b}"))
    watched = WatchedFile(file, {}, NO_KEYS)
    with pytest.raises(BadConfiguration):
        watched.read()

    assert looks(watched) == [False] * LOOKS
