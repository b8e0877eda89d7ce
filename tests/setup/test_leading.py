"""The last steps of an installation: what a person at a terminal is led through, and what everybody else is told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from aimo_host.setup import leading
from aimo_host.setup.system import System
from aimo_host.state import attempts, bell, paths, presence
from tests.browser.processes import context_switches, until
from tests.host.peer import PROFILE, REPOSITORY, Peer, environment, healthy
from tests.setup.machines import machine
from tests.setup.terminal import CTRL_C, Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.host.peer import Message

INSTALL = [sys.executable, "-m", "aimo_host", "install"]
WAITING = "Waiting for the extension (Ctrl-C: later) ..."
THERE = "The extension is there."
IDLE_SECONDS = 0.3


@pytest.fixture
def chrome(home: Path) -> Path:
    """A home with a browser in it."""
    (home / ".config/google-chrome/Default").mkdir(parents=True)
    return home


def installing(**environ: str) -> Terminal:
    return Terminal(INSTALL, environment(**environ), REPOSITORY)


def unattended(**environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        INSTALL, env=environment(**environ), cwd=REPOSITORY, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def note_a_profile() -> None:
    """Some browser was asked for something, long ago."""

    def change(attempt: attempts.Attempt) -> None:
        attempt.asked, attempt.code = 1_700_000_000.0, None

    attempts.note(paths.find(os.environ), f"codex/browser/{PROFILE}", change, now=time.time())


@pytest.mark.usefixtures("chrome")
def test_a_person_is_led_to_the_extension_and_sees_the_rows_land() -> None:
    with installing() as terminal:
        terminal.reads(WAITING)
        assert THERE not in terminal.text
        with Peer() as browser:
            browser.hello()
            assert terminal.exit_code() == 0
    seen = terminal.text.partition(WAITING)[2]
    assert THERE in seen
    for name in ("Claude", "Codex", "Z.ai", "Ollama"):
        assert name in seen
    assert "47 %" in seen
    assert "no browser with aimo" not in seen


def without_claude(source: str, params: dict[str, str]) -> Message | None:
    """A browser that holds Claude's usage back."""
    return None if source == "claude.usage" else healthy(source, params)


@pytest.mark.usefixtures("chrome")
def test_a_row_is_there_while_another_is_still_awaited() -> None:
    with installing() as terminal:
        terminal.reads(WAITING)
        with Peer(without_claude) as browser:
            browser.hello()
            held = browser.expect("ask", lambda m: m["source"] == "claude.usage")
            terminal.reads("16 %")
            assert "Claude  asking ..." in terminal.text
            assert "47 %" not in terminal.text
            browser.send({"type": "answer", "id": held["id"], **(healthy("claude.usage") or {})})
            assert terminal.exit_code() == 0
    assert "47 %" in terminal.text


def test_the_two_steps_are_two_lines_with_the_folder_and_the_switch(chrome: Path) -> None:
    with installing() as terminal:
        terminal.reads(WAITING)
    steps = [line.strip() for line in terminal.text.splitlines() if line.startswith(("  1.", "  2."))]
    folder = chrome.parent / "aimo/data/extension"
    assert steps == [
        '1. Open chrome://extensions, switch on "Developer mode" and leave it on.',
        f'2. Press "Load unpacked" and choose {folder}',
    ]
    assert (folder / "manifest.json").exists()


@pytest.mark.usefixtures("chrome")
def test_ctrl_c_while_it_waits_is_an_installation_all_the_same() -> None:
    with installing() as terminal:
        terminal.reads(WAITING)
        terminal.press(CTRL_C)
        assert terminal.exit_code() == 0
    assert "Later, then." in terminal.text
    assert "Traceback" not in terminal.text


@pytest.mark.usefixtures("chrome")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_who_ends_it_while_it_waits_is_not_taken_for_the_person(number: signal.Signals) -> None:
    with installing() as terminal:
        terminal.reads(WAITING)
        terminal.process.send_signal(number)
        assert terminal.exit_code() == 128 + number
    assert terminal.text.endswith(f"{WAITING}\n")


@pytest.mark.usefixtures("chrome")
def test_waiting_wakes_nobody_up() -> None:
    with installing() as terminal:
        terminal.reads(WAITING)
        until(lambda: is_still(terminal.process.pid), "it sleeps for good")


def is_still(pid: int) -> bool:
    before = context_switches(pid)
    time.sleep(IDLE_SECONDS)
    return context_switches(pid) == before


@pytest.mark.usefixtures("chrome")
def test_where_the_extension_is_there_already_nobody_is_told_how_to_load_it() -> None:
    unattended()
    with Peer() as browser:
        browser.hello()
        with installing() as terminal:
            assert terminal.exit_code() == 0
    assert THERE in terminal.text
    assert "Load unpacked" not in terminal.text


def test_an_extension_whose_host_made_way_for_the_new_one_is_waited_for_a_moment(capsys: pytest.CaptureFixture[str]) -> None:
    system = System.of(os.environ)
    signs: list[presence.Presence] = []

    def come_back() -> None:
        signs.append(presence.Presence(system.paths.presence_dir, {"kind": "host"}))
        bell.ring(system.paths.bells_dir)

    threading.Timer(0.1, come_back).start()
    assert leading.lead_on(system, attended=True, was_connected=True)
    assert capsys.readouterr().out == f"{THERE}\n"
    signs[0].leave()


@pytest.mark.usefixtures("chrome")
def test_an_extension_that_does_not_come_back_is_looked_for_like_any_other(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leading, "_COMES_BACK_SECONDS", 0.01)
    assert leading.lead_on(System.of(os.environ), attended=False, was_connected=True)
    assert "Load unpacked" in capsys.readouterr().out


@pytest.mark.usefixtures("chrome")
def test_who_has_loaded_it_before_is_not_kept_waiting() -> None:
    note_a_profile()
    with installing() as terminal:
        assert terminal.exit_code() == 0
    assert WAITING not in terminal.text
    assert "Open the browser" in terminal.text


def test_without_a_browser_nobody_waits_for_one(home: Path) -> None:
    with installing(PATH="/nowhere", HOME=str(home)) as terminal:
        assert terminal.exit_code() == 0
    assert "Load unpacked" not in terminal.text
    assert "No browser was registered" in terminal.text


@pytest.mark.usefixtures("chrome")
def test_away_from_a_terminal_nobody_waits_and_the_steps_are_there_to_read() -> None:
    done = unattended()
    assert done.returncode == 0, done.stderr
    assert WAITING not in done.stdout
    assert "Load unpacked" in done.stdout


@pytest.mark.usefixtures("chrome")
def test_the_last_line_says_what_is_next_until_a_browser_was_there() -> None:
    where = paths.find(os.environ)
    words = f"Next: load the extension, the folder {where.extension}; `aimo doctor` says what is missing."
    assert unattended().stdout.splitlines()[-1] == words
    note_a_profile()
    assert words not in unattended().stdout


@pytest.mark.usefixtures("chrome")
def test_a_dry_run_at_a_terminal_leads_nobody_on() -> None:
    with Terminal([*INSTALL, "--dry-run"], environment(), REPOSITORY) as terminal:
        assert terminal.exit_code() == 0
    assert "Load unpacked" not in terminal.text


def test_patience_ends() -> None:
    assert leading.wait(paths.find(os.environ), 0.0) is False


def test_ctrl_c_just_before_it_sleeps_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGINT, lambda *_: None)  # its exception came to nothing

    def is_here(_where: paths.Paths) -> bool:
        signal.raise_signal(signal.SIGINT)
        return False

    monkeypatch.setattr(leading, "is_here", is_here)
    try:
        with pytest.raises(KeyboardInterrupt):
            leading.wait(paths.find(os.environ), 1.0)
    finally:
        signal.signal(signal.SIGINT, before)


# -- the window on the folder


def program(folder: Path, text: str) -> str:
    """A stand-in for xdg-open; the PATH that finds it and no other."""
    folder.mkdir()
    (folder / "xdg-open").write_text(text)
    (folder / "xdg-open").chmod(0o755)
    return str(folder)


def test_the_extensions_folder_is_opened_where_there_is_a_screen(chrome: Path) -> None:
    opened = chrome / "opened"
    path = program(chrome / "bin", f'#!/bin/sh\necho "$@" >"{opened}.part"; /bin/mv "{opened}.part" "{opened}"\n')
    with installing(PATH=path, DISPLAY=":0") as terminal:
        terminal.reads("its folder is open now:")
        until(opened.exists, "the window")
    assert opened.read_text().strip() == str(chrome.parent / "aimo/data/extension")


@pytest.fixture
def seen_by_the_opener(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The environment of the program that opens folders, where every variable of ours and of the desktop is set."""
    started: list[subprocess.Popen[str]] = []
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda *given, **named: started.append(start(*given, **named)))
    path = program(home / "bin", f'#!/bin/sh\n/usr/bin/env >"{home}/seen"\n')
    ours = dict.fromkeys(("ZAI_API_KEY", "OLLAMA_API_KEY", "AIMO_TOKEN", "BW_SESSION"), "word")
    for name, value in {"PATH": path, **dict.fromkeys(leading._DESKTOP, "desk"), **ours}.items():
        monkeypatch.setenv(name, value)
    assert leading.open_folder(machine(home, environ=os.environ), str(home))
    assert started[0].wait() == 0
    return (home / "seen").read_text().splitlines()


def test_what_opens_the_folder_gets_none_of_our_keys(seen_by_the_opener: list[str]) -> None:
    assert [line for line in seen_by_the_opener if "word" in line] == []


def test_what_opens_the_folder_knows_its_screen_and_its_desktop(seen_by_the_opener: list[str]) -> None:
    given = {line.removesuffix("=desk") for line in seen_by_the_opener if line.endswith("=desk")}
    assert given == set(leading._DESKTOP)


@pytest.mark.parametrize(
    "text", ["#!/bin/sh\nexit 3\n", "#!/nowhere/sh\n", "\x7fELF"], ids=["fails", "no interpreter", "rubbish"]
)
def test_a_window_that_does_not_open_is_no_failure(chrome: Path, text: str) -> None:
    with installing(PATH=program(chrome / "bin", text), DISPLAY=":0") as terminal:
        terminal.reads(WAITING)
        terminal.press(CTRL_C)
        assert terminal.exit_code() == 0


#: System, variables -> the program that opens folders there.
WINDOWS = [
    ("linux", {"DISPLAY": ":0"}, "xdg-open"),
    ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, "xdg-open"),
    ("linux", {}, None),
    *(("linux", {"DISPLAY": ":10", name: "x"}, None) for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")),
    ("darwin", {}, "/usr/bin/open"),
    ("darwin", {"SSH_TTY": "/dev/ttys001"}, None),
    ("win32", {"SYSTEMROOT": "C:\\Windows"}, "explorer.exe"),
]


@pytest.mark.parametrize(("platform", "environ", "opener"), WINDOWS, ids=str)
def test_a_window_is_opened_only_where_the_person_sits(
    home: Path, platform: str, environ: dict[str, str], opener: str | None
) -> None:
    system = replace(machine(home, platform), environ=environ)
    assert str(leading._window(system)).endswith(str(opener))
