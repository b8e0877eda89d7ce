"""Anything in the place of any file of ours, folders that nobody may write, a full disk: real processes answer all the same.

The command line, the host and the shim are run on a home that was in order until somebody damaged it. Root, who may write
anywhere, runs them without the right to overrule permissions.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host.gauge.model import Answer
from aimo_host.state import accounts, attempts, cache, drift, jsonfile, ledger, log, requests, secrets, settings
from tests import kept
from tests.browser.stage import Shim
from tests.host.peer import COMMAND, PROVIDERS, REPOSITORY, Peer, environment, healthy
from tests.reliability import figures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aimo_host.state.paths import Paths

FILES = ("cache", "salt", "settings", "env", "refresh", "attempts", "ledger", "log", "drift")
#: What a writer keeps as evidence before it makes the file anew.
SET_ASIDE = ("cache", "salt", "settings", "refresh", "attempts")
BYTES = {
    "any bytes": os.urandom(3000),
    "nothing": b"",
    "zeros": bytes(4096),
    "half a file": b'{"schema": 1, "entries": [{"provider": "cla',
    "brackets": b"[" * 100_000,
    "other shapes": b'{"schema":[],"entries":{"a":[1]},"_feeds":[[]],"attempts":[7],"wanted":5,"settled":"x","providers":[]}',
    "numbers": b'{"schema":1e999,"entries":[{"provider":"zai","headroom_pct":1e400}],"settled":{"claude":1e308},"badge":NaN}',
}
PLACES: dict[str, Callable[[str], object]] = {
    "a folder": lambda path: os.makedirs(os.path.join(path, "with", "something")),
    "a link to nowhere": lambda path: os.symlink("/nonexistent/aimo", path),
    "a pipe": os.mkfifo,
}
DAMAGES = (*BYTES, *PLACES)
#: Everything at once always; each file by itself in a deep run.
DAMAGED: list[tuple[tuple[str, ...], str]]
DAMAGED = [(FILES, damage) for damage in (DAMAGES if figures.IS_DEEP else ("any bytes", "a folder"))]
if figures.IS_DEEP:
    DAMAGED += [((name,), damage) for name in FILES for damage in DAMAGES]

#: Whose reading is there before anything is damaged.
KEPT = "a1"
COMMANDS = (("--cached", "--json"), ("--cached",), ("line",), ("log",), ("pick", "--max-age", "86400"), ("paths",))


class Home:
    """A person's files of ours, in order, and the processes that use them. `prefix` starts each of them."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.prefix: tuple[str, ...] = ()
        self.environ = environment(AIMO_HOME=paths.home)
        now = time.time()
        accounts.opaque(paths, "claude", "somebody")
        kept.keep("claude", kept.week(50.0), account=KEPT)
        settings.change(paths, {"badge": False})
        secrets.store(paths, "OLLAMA_API_KEY", "made.up")
        requests.settle(paths, "claude", now, served=True, now=now)
        attempts.note(paths, "claude/browser/a1", lambda _: None, now)
        asked = {"provider": "zai", "route": "browser", "source": "zai.quota", "trigger": "cli", "status": 200}
        ledger.write(paths, asked, at=now, milliseconds=7)
        log.write(paths, "a line")
        drift.write(paths, "zai.quota", Answer(body="{}"), now)

    def place(self, name: str) -> str:
        return os.path.join(self.paths.drift_dir, "zai.quota.json") if name == "drift" else str(getattr(self.paths, name))

    def damage(self, name: str, damage: str) -> None:
        os.unlink(self.place(name))
        if damage in PLACES:
            PLACES[damage](self.place(name))
        else:
            with open(self.place(name), "wb") as file:
                file.write(BYTES[damage])

    def evidence(self, name: str) -> list[str]:
        folder, base = os.path.split(self.place(name))
        return [one for one in os.listdir(folder) if one.startswith(f"{base}.bad-")]

    # -- the processes, each to its end

    def commands(self) -> None:
        """Every command ends by itself, with an exit code of the table and no traceback."""
        running = [(words, self._start(*words)) for words in COMMANDS]
        for words, child in running:
            out, said = child.communicate(b"{}", timeout=60)
            assert b"Traceback" not in said + out, (words, said.decode())
            assert b"Please report it" not in said, (words, said.decode())
            assert child.returncode in {0, 1, 3, 4}, (words, child.returncode, said.decode())
            if words == ("--cached", "--json"):
                assert [entry["provider"] for entry in json.loads(out)] == PROVIDERS
            if words == ("line",):
                assert (child.returncode, out.strip() != b"") == (0, True)

    def host(self, *, keeps: bool) -> None:
        """A host welcomes, takes wishes, and ends well; it tells the readings, if it `keeps` what it reads."""
        with Peer(healthy, environ=self.environ, command=(*self.prefix, *COMMAND)) as peer:
            assert len(peer.hello()["snapshot"]["entries"]) >= len(PROVIDERS)
            peer.send({"type": "refresh", "id": "r", "trigger": "popup"})
            peer.send({"type": "settings", "changed": {"language": "ja"}})
            peer.send({"type": "secret", "name": "ZAI_API_KEY", "value": ""})
            peer.send({"type": "no such thing", "id": "mark"})
            peer.expect("error", lambda message: message.get("id") == "mark")
            for provider in PROVIDERS if keeps else ():
                peer.expect("entry", lambda m, p=provider: _is_read(m["entry"], p))  # type: ignore[misc]
            peer.hang_up()
            assert peer.exit_code() == 0, peer.stderr

    def shim(self) -> None:
        """A shim answers everybody, also who wants a refresh, and ends when it is interrupted."""
        child = self._start("serve", "--port", "0")
        assert child.stdout is not None
        line = child.stdout.readline().decode().strip()
        try:
            url = line.rpartition(" ")[2].replace("localhost", "127.0.0.1")
            for method, path in (("GET", "/api/usage?cached=1"), ("POST", "/api/refresh"), ("GET", "/api/usage?cached=1")):
                reply = Shim(url, child.pid).get(path, method, within=30)
                assert (reply.status, {entry["provider"] for entry in reply.json}) == (200, set(PROVIDERS))
        finally:
            child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
        assert (child.returncode, b"Traceback" in said) == (130, False), said.decode()

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        command = [*self.prefix, sys.executable, "-m", "aimo_host", *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, env=self.environ, cwd=REPOSITORY, stdin=pipe, stdout=pipe, stderr=pipe)


def _is_read(entry: dict[str, Any], provider: str) -> bool:
    """Whether it is a reading of the provider that was not there before."""
    return bool(entry["provider"] == provider and entry["ok"] and entry["account"] != KEPT)


@pytest.fixture
def ordered() -> Iterator[Home]:
    """A home in order, which can be removed again afterwards whatever became of its permissions."""
    home = Home(kept.places())
    yield home
    for folder, _, _ in os.walk(home.paths.home):
        os.chmod(folder, 0o700)


def _all_answer(home: Home, record: Callable[..., None], what: str, *, keeps: bool) -> None:
    """The processes do their part; what happened is recorded either way."""
    try:
        home.commands()
        home.host(keeps=keeps)
        home.shim()
    except BaseException:
        record("damage", f"a crash with {what}", is_reached=False)
        raise
    record("damage", "one kind of damage survived", is_reached=True)


def _called(case: tuple[tuple[str, ...], str]) -> str:
    names, damage = case
    return f"{damage} as {'every file' if names == FILES else names[0]}"


@pytest.mark.parametrize(("names", "damage"), DAMAGED, ids=map(_called, DAMAGED))
def test_whatever_lies_in_a_file_s_place_everybody_answers_and_what_is_read_next_is_kept(
    ordered: Home, record_figure: Callable[..., None], names: tuple[str, ...], damage: str
) -> None:
    for name in names:
        ordered.damage(name, damage)
    _all_answer(ordered, record_figure, f"{damage} as {', '.join(names)}", keeps=True)
    read = {entry["provider"] for entry in cache.read(ordered.paths)["entries"] if entry["ok"]}
    assert read == set(PROVIDERS)
    assert all(len(ordered.evidence(name)) <= 3 for name in FILES)
    asked = requests.read(ordered.paths, time.time())
    assert all(asked.latest(provider) > 0 for provider in PROVIDERS)


def _read_only(home: Home) -> None:
    for folder, _, names in os.walk(home.paths.home):
        for name in names:
            os.chmod(os.path.join(folder, name), 0o400)
        os.chmod(folder, 0o500)
    if os.geteuid() == 0:
        rights = "-dac_override,-dac_read_search,-fowner"
        home.prefix = ("setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}")


def _no_more_than(blocks: int) -> Callable[[Home], None]:
    """As on a full disk, no file may grow beyond so many blocks of 512 bytes."""

    def limit(home: Home) -> None:
        # Python keeps the first half of what it compiled, and would run that ever after.
        home.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        home.prefix = ("sh", "-c", f'ulimit -f {blocks}; exec "$0" "$@"')

    return limit


def _a_file_instead_of(name: str) -> Callable[[Home], None]:
    def replace(home: Home) -> None:
        folder = str(getattr(home.paths, name))
        shutil.rmtree(folder)
        with open(folder, "w", encoding="utf-8") as file:
            file.write("not a folder")

    return replace


UNWRITABLE: dict[str, Callable[[Home], None]] = {
    "folders that may not be written": _read_only,
    "a disk that takes 512 bytes": _no_more_than(1),
    "a file instead of the state folder": _a_file_instead_of("state_dir"),
}
if figures.IS_DEEP:
    UNWRITABLE |= {
        "a disk that takes nothing": _no_more_than(0),
        "a disk that takes 1 KiB": _no_more_than(2),
        "a disk that takes 4 KiB": _no_more_than(8),
        "a file instead of the cache folder": _a_file_instead_of("cache_dir"),
        "a file instead of the settings folder": _a_file_instead_of("config_dir"),
        "a file instead of everything": _a_file_instead_of("home"),
    }


@pytest.mark.parametrize("trouble", UNWRITABLE)
def test_where_nothing_can_be_written_everybody_answers_and_what_was_read_stays(
    ordered: Home, record_figure: Callable[..., None], trouble: str
) -> None:
    UNWRITABLE[trouble](ordered)
    _all_answer(ordered, record_figure, trouble, keeps=False)
    if os.path.isfile(ordered.paths.cache):
        found = jsonfile.load(ordered.paths.cache) or {}
        assert [window["used_pct"] for entry in found["entries"][:1] for window in entry["windows"]] == [50.0]
