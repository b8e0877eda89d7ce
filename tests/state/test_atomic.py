"""Files replaced whole: private whatever the umask, never half-written, nothing followed, nothing hung upon."""

from __future__ import annotations

import os
import socket
import stat
import time
from typing import TYPE_CHECKING

import pytest

from aimo_host.state import accounts, atomic, attempts, bell, cache, log, presence, requests, secrets, settings
from tests.gauge.builders import NOW, cache_of, reading
from tests.state.children import in_time, run, said, started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from aimo_host.state.paths import Paths


@pytest.fixture
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: str) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


def modes_below(folder: str) -> dict[str, int]:
    return {
        os.path.join(at, name): mode(os.path.join(at, name))
        for at, folders, files in os.walk(folder)
        for name in [*folders, *files]
    }


def write_everything(paths: Paths) -> None:
    """One of every kind of file that these rooms make."""
    cache.update(paths, lambda _: cache_of(reading()))
    accounts.opaque(paths, "claude", "raw")
    settings.change(paths, {"badge": False})
    secrets.store(paths, "ZAI_API_KEY", "k")
    requests.ask(paths, ["claude"], trigger="cli", named=False, now=NOW)
    attempts.note(paths, "claude/browser/p", lambda _: None, NOW)
    log.write(paths, "a line")


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o277, 0o777], indirect=True, ids=oct)
@pytest.mark.usefixtures("umask")
def test_files_are_0600_and_folders_0700_under_any_umask(paths: Paths) -> None:
    write_everything(paths)
    sign = presence.Presence(paths.presence_dir, {"kind": "host"})
    waiting = bell.Bell(paths.bells_dir, ())
    found = modes_below(paths.home)
    sign.leave()
    waiting.close()
    assert {path: oct(m) for path, m in found.items() if m != (0o700 if os.path.isdir(path) else 0o600)} == {}
    assert len(found) > 12


def test_a_file_that_was_readable_for_others_no_longer_is_once_replaced(paths: Paths) -> None:
    cache.update(paths, lambda _: cache_of(reading()))
    os.chmod(paths.cache, 0o644)
    cache.update(paths, lambda _: cache_of(reading("zai")))
    assert mode(paths.cache) == 0o600


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = str(tmp_path / "a" / "b" / "file")
    atomic.replace(path, b"\x00content")
    assert atomic.read(path) == b"\x00content"


def test_no_file_is_none(tmp_path: Path) -> None:
    assert atomic.read(str(tmp_path / "none")) is None


# Something else in the file's place

PLACES = ["cache", "salt", "settings", "env", "refresh", "attempts", "log"]


@pytest.mark.parametrize("place", PLACES)
def test_a_symlink_in_a_files_place_is_followed_neither_in_reading_nor_in_writing(
    paths: Paths, tmp_path: Path, place: str
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b'{"schema":1,"entries":[],"badge":false}')
    before = outside.read_bytes()
    path = getattr(paths, place)
    atomic.private_folder(os.path.dirname(path))
    os.symlink(outside, path)
    with pytest.raises(OSError):  # noqa: PT011 - ELOOP on Linux, EMLINK elsewhere
        atomic.read(path)
    for write in WRITERS[place]:
        try:
            write(paths)
        except OSError:
            pass  # refusing is as good as replacing the link
    assert outside.read_bytes() == before


WRITERS: dict[str, list[Callable[[Paths], object]]] = {
    "cache": [lambda p: cache.update(p, lambda _: cache_of(reading()))],
    "salt": [lambda p: accounts.opaque(p, "claude", "raw")],
    "settings": [lambda p: settings.change(p, {"badge": True})],
    "env": [lambda p: secrets.store(p, "ZAI_API_KEY", "k")],
    "refresh": [
        lambda p: requests.ask(p, ["claude"], trigger="cli", named=False, now=NOW),
        lambda p: requests.settle(p, "claude", NOW, served=True, now=NOW),
    ],
    "attempts": [lambda p: attempts.note(p, "claude/browser/p", lambda _: None, NOW)],
    "log": [lambda p: log.write(p, "a line")],
}
READERS: list[Callable[[Paths], object]] = [
    cache.read,
    settings.read,
    lambda p: requests.read(p, NOW),
    lambda p: attempts.read(p, NOW),
    lambda p: secrets.load(p, {}, "ZAI_API_KEY"),
]


def _fifo(path: str) -> None:
    os.mkfifo(path)


def _folder(path: str) -> None:
    os.mkdir(path)


def _socket(path: str) -> None:
    here = os.getcwd()
    os.chdir(os.path.dirname(path))  # the whole path may be too long for a socket
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(os.path.basename(path))
    os.chdir(here)


def _garbage(path: str) -> None:
    with open(path, "wb") as file:
        file.write(b"\xff\xfe[[[{")


def _huge(path: str) -> None:
    with open(path, "wb") as file:
        file.truncate(33 * 1024 * 1024)


@pytest.mark.parametrize("put", [_fifo, _folder, _socket, _garbage, _huge])
@pytest.mark.parametrize("place", PLACES)
def test_whatever_stands_in_a_files_place_nothing_hangs_or_crashes(paths: Paths, place: str, put: Callable[[str], None]) -> None:
    path = getattr(paths, place)
    atomic.private_folder(os.path.dirname(path))
    put(path)
    for read in READERS:
        in_time(lambda read=read: read(paths))  # type: ignore[misc]
    for write in WRITERS[place]:
        try:
            in_time(lambda write=write: write(paths))  # type: ignore[misc]
        except OSError:
            pass  # the documented way to say that it cannot be written


def test_a_folder_in_a_files_place_costs_no_descriptor(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
    for _ in range(20):
        with pytest.raises(OSError):  # noqa: PT011 - the claim is what is left open
            atomic.read(str(tmp_path))
    after = os.listdir("/proc/self/fd") if before else []
    assert len(after) == len(before)


def test_a_file_in_a_folders_place_is_an_error_and_stays(tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(OSError):  # noqa: PT011 - ENOTDIR or EEXIST
        atomic.replace(str(tmp_path / "folder" / "file"), b"")
    assert (tmp_path / "folder").read_text() == "a file"


def test_another_programs_file_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"x")
    os.symlink(tmp_path / "real", tmp_path / "link")
    assert atomic.read(str(tmp_path / "link"), follow=True) == b"x"


# A writer that does not get to the end


def test_a_full_disk_leaves_the_old_file_and_no_litter(paths: Paths) -> None:
    atomic.replace(paths.cache, b"old")
    code = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    atomic.replace(paths.cache, b"x" * 5000)
except OSError as error:
    say("refused")
"""
    assert run(code) == ["refused"]
    assert atomic.read(paths.cache) == b"old"
    assert os.listdir(paths.cache_dir) == ["usage.json"]


def test_a_killed_writer_leaves_the_old_file_or_the_new_one(paths: Paths) -> None:
    code = """
say("ready")
while True:
    for letter in b"ab":
        atomic.replace(paths.cache, bytes([letter]) * 300_000)
"""
    for delay in (0.0, 0.003, 0.006, 0.011, 0.017):
        with started(code) as child:
            assert said(child) == "ready"
            time.sleep(delay)  # not for anything to happen: to be killed at different moments
            child.kill()
            child.wait()
        content = atomic.read(paths.cache)
        assert content is None or (len(content) == 300_000 and len(set(content)) == 1)


def test_what_killed_writers_left_is_swept_once_it_is_old(tmp_path: Path) -> None:
    for name in ("old.part", "young.part", "old.json"):
        (tmp_path / name).write_text("")
        os.utime(tmp_path / name, (NOW, NOW - (0 if name.startswith("young") else 100)))
    os.utime(tmp_path, (NOW, NOW))
    atomic.sweep(str(tmp_path), older_than=60)
    assert sorted(os.listdir(tmp_path)) == ["old.json", "young.part"]


def test_a_file_that_is_being_written_is_not_swept_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new.part").write_text("")
    monkeypatch.setattr(time, "time", lambda: NOW + 10 * 365 * 86400)
    atomic.sweep(str(tmp_path), older_than=60)
    assert os.listdir(tmp_path) == ["new.part"]


def test_sweeping_a_folder_that_is_not_there_is_nothing(tmp_path: Path) -> None:
    atomic.sweep(str(tmp_path / "none"), older_than=0)


def test_sweeping_passes_over_what_another_has_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "listdir", lambda _: ["gone.part"])
    atomic.sweep(str(tmp_path), older_than=0)


# Evidence


def test_the_newest_three_corrupt_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for content in "abcde":
        path.write_text(content)
        atomic.set_aside(str(path), keep=3)
    assert {name: (tmp_path / name).read_text() for name in os.listdir(tmp_path)} == {
        "file.bad-1": "e",
        "file.bad-2": "d",
        "file.bad-3": "c",
    }


def test_folders_are_kept_as_evidence_like_files(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for _ in range(5):
        path.mkdir()
        (path / "inside").write_text("x")
        atomic.set_aside(str(path), keep=3)
    assert sorted(os.listdir(tmp_path)) == ["file.bad-1", "file.bad-2", "file.bad-3"]


# Appending


def test_lines_are_appended_and_the_length_is_told(tmp_path: Path) -> None:
    path = str(tmp_path / "folder" / "log")
    assert [atomic.append(path, b"12"), atomic.append(path, b"345")] == [2, 5]
    assert atomic.read(path) == b"12345"


# Folders


def test_a_folder_that_another_process_made_first_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = os.mkdir

    def come_second(path: str, mode: int) -> None:
        make(path, mode)
        raise FileExistsError(path)

    monkeypatch.setattr(os, "mkdir", come_second)
    atomic.private_folder(str(tmp_path / "a" / "b"))
    assert mode(str(tmp_path / "a" / "b")) == 0o700
