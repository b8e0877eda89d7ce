"""Each of the doctor's checks on made-up machines, in its good and its bad state."""

from __future__ import annotations

import errno
import grp
import json
import os
import pwd
import re
import socket
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimo_host import __version__
from aimo_host.gauge.model import Answer
from aimo_host.gauge.problems import CODES, Problem
from aimo_host.gauge.times import parse_iso
from aimo_host.routes import FREE, SERVER_SIDE, network
from aimo_host.setup.checks import Case, Finding, browser, environment, files, host, routes, shapes, shim
from aimo_host.shim import serve
from aimo_host.state import atomic, attempts, drift, identity, jsonfile, paths, presence, settings
from tests.setup.machines import CHROME_KEY, again, machine, run_install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aimo_host.setup.system import System

REPOSITORY = Path(__file__).parents[2]
NOW = 1_700_000_000.0
PROFILE = "99999999-0000-4000-8000-00000000000"
PLATFORMS = ["linux", "darwin", "win32"]
MANIFEST = ".config/google-chrome/NativeMessagingHosts/com.aimo.host.json"


def look(check: Callable[[Case], list[Finding]], system: System) -> list[tuple[str, str]]:
    return [(finding.level, finding.text) for finding in check(Case(system, NOW))]


def levels(check: Callable[[Case], list[Finding]], system: System) -> set[str]:
    return {level for level, _ in look(check, system)}


def with_environ(system: System, **more: str) -> System:
    return replace(system, environ={**system.environ, **more})


def write(path: str | Path, content: str) -> None:
    atomic.private_folder(os.path.dirname(path))
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)


def note(system: System, feed: str, code: str | None = None, asked: float = NOW - 60, retry_at: float | None = None) -> None:
    def change(attempt: attempts.Attempt) -> None:
        attempt.asked, attempt.code, attempt.retry_at = asked, code, retry_at

    attempts.note(system.paths, feed, change, NOW)


def at(iso: str) -> str:
    """That moment as `aimo log` prints it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(parse_iso(iso)))


# -- the environment


def test_versions_are_those_of_this_program(home: Path) -> None:
    ((level, text),) = look(environment.versions, machine(home))
    assert (level, text.split(",")[0]) == ("ok", f"aimo {__version__}")


def test_variables_are_named_without_their_values(home: Path) -> None:
    system = with_environ(machine(home), HTTPS_PROXY="http://me:word@proxy:8080", ZAI_API_KEY="word")
    assert ("ok", "Variables set: HTTPS_PROXY, ZAI_API_KEY") in look(environment.variables, system)


BROKEN = [
    *(("HTTPS_PROXY", value) for value in ("ftp://proxy", "http://proxy:port", "http://", "http://[::1", "http://proxy:70000")),
    *(("NO_PROXY", value) for value in ("[::1", "a,b:xx")),
    ("all_proxy", "gopher://x"),
    ("SSL_CERT_FILE", "/nowhere/at/all"),
    ("SSL_CERT_FILE", "/dev/null"),
    ("SSL_CERT_FILE", "/dev/zero"),
    ("SSL_CERT_DIR", "/nowhere/at/all"),
]


@pytest.mark.parametrize(("name", "value"), BROKEN, ids=str)
def test_a_variable_of_no_use_is_named(home: Path, name: str, value: str) -> None:
    found = look(environment.variables, with_environ(machine(home), **{name: value}))
    assert [text.startswith(f"The value of {name} ") for level, text in found if level == "problem"] == [True]


USABLE = ["", "localhost,.corp,10.0.0.0/8,::1,*", "http://proxy:8080", "proxy:8080", "socks5://me:word@proxy"]


@pytest.mark.parametrize("value", USABLE)
def test_a_variable_that_serves_is_no_problem(value: str) -> None:
    name = "NO_PROXY" if "," in value else "HTTPS_PROXY"
    assert network.unusable_variables({name: value}) == []


def test_a_file_of_certificates_is_no_problem(home: Path) -> None:
    import certifi

    assert levels(environment.variables, with_environ(machine(home), SSL_CERT_FILE=certifi.where())) == {"ok"}


KEYS_OF_THE_SHELL = ["AIMO_BITWARDEN_ITEM", "ZAI_API_KEY", "Z_AI_API_KEY", "ZAI_REGION", "OLLAMA_API_KEY"]
OTHERS_OF_THE_SHELL = [*network.VARIABLES, "OLLAMA_HOST", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "AIMO_TOKEN"]


@pytest.mark.parametrize("name", [*KEYS_OF_THE_SHELL, *OTHERS_OF_THE_SHELL])
def test_what_a_browser_may_lack_is_noted_by_name(home: Path, name: str) -> None:
    found = look(environment.of_this_shell, with_environ(machine(home), **{name: "word"}))
    assert found == [("note", f"Set here, but perhaps not for the browser: {name}.")]


def test_all_that_a_browser_may_lack_is_one_note_with_what_to_do(home: Path) -> None:
    system = with_environ(machine(home), ZAI_API_KEY="word", HTTPS_PROXY="word", CODEX_HOME="word")
    (finding,) = environment.of_this_shell(Case(system, NOW))
    remedy = f"Put ZAI_API_KEY into {system.paths.env}. Set HTTPS_PROXY, CODEX_HOME for the whole session."
    assert (finding.text.partition(": ")[2], finding.remedy) == ("ZAI_API_KEY, HTTPS_PROXY, CODEX_HOME.", remedy)


def test_who_set_a_token_hears_which_server_may_lack_it(home: Path) -> None:
    (finding,) = environment.of_this_shell(Case(with_environ(machine(home), AIMO_TOKEN="word"), NOW))
    assert finding.remedy is not None
    assert finding.remedy.endswith(" Without AIMO_TOKEN there, a server that the popup starts has no token.")


#: In the environment, in `.env` -> whether the browser's host goes by something else than this shell.
BOTH = [("word", "ZAI_API_KEY=word\n", False), ("word", "ZAI_API_KEY=other\n", True), ("word", "", True), ("", "", False)]


@pytest.mark.parametrize(("value", "content", "is_noted"), BOTH)
def test_a_key_that_is_in_the_file_of_keys_too_is_not_noted(home: Path, value: str, content: str, is_noted: bool) -> None:
    system = with_environ(machine(home), ZAI_API_KEY=value)
    write(system.paths.env, content)
    assert (look(environment.of_this_shell, system) != []) is is_noted


def test_bitwarden_switched_off_in_this_shell_is_noted(home: Path) -> None:
    assert levels(environment.of_this_shell, with_environ(machine(home), AIMO_BITWARDEN_ITEM="")) == {"note"}


def test_what_the_launcher_carries_and_other_programs_variables_are_not_noted(home: Path) -> None:
    system = with_environ(machine(home), AIMO_HOME="/word", XDG_STATE_HOME="/word", PATH="/word", EDITOR="word")
    assert look(environment.of_this_shell, system) == []


# -- browsers


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_browser_that_install_registered_is_in_order(home: Path, platform: str) -> None:
    system = machine(home, platform)
    run_install(system, "--browser", "chrome")
    assert ("ok", "Google Chrome is registered.") in look(browser.registrations, system)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_browser_that_nobody_registered_is_a_problem(home: Path, platform: str) -> None:
    assert ("problem", "Google Chrome is not registered.") in look(browser.registrations, machine(home, platform))


def test_beside_a_registered_browser_another_is_only_noted(home: Path) -> None:
    system = machine(home)
    run_install(system, "--browser", "chrome")
    (home / ".config/vivaldi/Default").mkdir(parents=True)
    assert ("note", "Vivaldi is not registered.") in look(browser.registrations, system)


def damaged(**changes: Any) -> Callable[[str], str]:
    return lambda body: json.dumps({**json.loads(body), **changes})


DAMAGES = {
    "other program": damaged(path="/theirs"),
    "other extension": damaged(allowed_origins=["chrome-extension://aaaa/"]),
    "no origins": damaged(allowed_origins=None),
    "other name": damaged(name="com.other"),
    "no object": lambda _: "[]",
    "no json": lambda _: "{",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_registration_is_a_problem(home: Path, damage: Callable[[str], str]) -> None:
    system = machine(home)
    run_install(system, "--browser", "chrome")
    (home / MANIFEST).write_text(damage((home / MANIFEST).read_text()))
    level, text = look(browser.registrations, system)[0]
    assert (level, text.startswith("Google Chrome ")) == ("problem", True)


def test_a_registry_key_of_another_program_is_a_problem(home: Path) -> None:
    system = machine(home, "win32")
    run_install(system)
    (home / "theirs.json").write_text('{"path": "C:/theirs"}')
    system.registry[CHROME_KEY + "\\NativeMessagingHosts\\com.aimo.host"] = str(home / "theirs.json")
    assert levels(browser.registrations, system) == {"problem"}


def test_a_registration_without_its_launcher_is_a_problem(home: Path) -> None:
    system = machine(home)
    run_install(system, "--browser", "chrome")
    os.unlink(system.paths.launcher)
    assert look(browser.registrations, system)[0] == ("problem", "Google Chrome is registered for a launcher that is not there.")


def test_a_user_data_dir_that_was_registered_is_looked_at_too(home: Path) -> None:
    system = machine(home)
    run_install(system, "--user-data-dir", str(home / "mine"))
    assert ("ok", f"the browser with --user-data-dir={home / 'mine'} is registered.") in look(browser.registrations, system)


def test_a_user_data_dir_in_a_remedy_is_one_word_of_a_command(home: Path) -> None:
    system = machine(home)
    run_install(system, "--user-data-dir", str(home / "my profile;x"))
    os.unlink(system.paths.launcher)
    remedies = [finding.remedy or "" for finding in browser.registrations(Case(system, NOW))]
    assert [text.endswith("`aimo install --user-data-dir ~/'my profile;x'`.") for text in remedies if ";x" in text] == [True]


def test_a_sandboxed_browser_alone_is_a_problem(home: Path) -> None:
    system = again(home)
    (home / "snap/chromium").mkdir(parents=True)
    assert levels(browser.registrations, system) == {"note", "problem"}


def test_a_machine_without_a_browser_is_only_noted(home: Path) -> None:
    system = again(home)
    assert look(browser.registrations, system) == [("note", "No browser that aimo knows was found.")]


# -- the extension


def test_the_extension_that_install_laid_out_is_in_order(home: Path) -> None:
    system = machine(home)
    run_install(system)
    assert levels(browser.extension, system) == {"ok"}


def test_an_extension_that_is_not_there_is_a_problem(home: Path) -> None:
    assert levels(browser.extension, machine(home)) == {"problem"}


@pytest.mark.parametrize("change", [{"key": "AAAA"}, {"key": None}, {"key": "é"}, {"version": None}, {"version": "?"}], ids=str)
def test_an_extension_that_browsers_would_give_another_id_is_a_problem(home: Path, change: dict[str, Any]) -> None:
    system = machine(home)
    run_install(system)
    path = Path(system.paths.extension, "manifest.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert levels(browser.extension, system) == {"problem"}


@pytest.mark.parametrize("damage", ["gone", "changed", "older"])
def test_an_extension_that_does_not_belong_to_this_version_is_a_problem(home: Path, damage: str) -> None:
    system = machine(home)
    run_install(system)
    path = Path(system.paths.extension, "manifest.json" if damage == "older" else "background/main.js")
    if damage == "gone":
        path.unlink()
    else:
        path.write_text(path.read_text().replace(__version__, "0.0.1") + "\n")
    ((level, text),) = look(browser.extension, system)
    assert (level, "not the one that belongs to" in text) == ("problem", True)


def test_a_profile_that_is_here_is_open_and_one_that_was_is_closed(home: Path) -> None:
    system = machine(home)
    facts = {"kind": "host", "profile": PROFILE + "1", "version": __version__}
    sign = presence.Presence(system.paths.presence_dir, facts)
    note(system, f"zai/browser/{PROFILE}2", "not_signed_in")
    note(system, f"claude/browser/{PROFILE}2", asked=NOW - 3600)
    found = look(browser.profiles, system)
    sign.leave()
    assert found == [
        ("ok", "Browser profile 1: open, not asked yet."),
        ("ok", f"Browser profile 2: closed, last asked {at('2023-11-14T22:12:20Z')}."),
    ]


def test_a_host_of_another_version_is_noted(home: Path) -> None:
    system = machine(home)
    sign = presence.Presence(system.paths.presence_dir, {"kind": "host", "profile": PROFILE + "1", "version": "0.0.1"})
    found = look(browser.profiles, system)
    sign.leave()
    assert [(level, "with host 0.0.1" in text) for level, text in found] == [("note", True)]


@pytest.mark.parametrize(("running", "level"), [(__version__, "ok"), ("0.0.1", "note"), ("not a version", "note")])
def test_an_extension_that_is_not_the_one_laid_out_is_noted(home: Path, running: str, level: str) -> None:
    system = machine(home)
    run_install(system)
    facts = {"kind": "host", "profile": PROFILE + "1", "version": __version__, "extension": running}
    sign = presence.Presence(system.paths.presence_dir, facts)
    ((found, text),) = look(browser.profiles, system)
    sign.leave()
    assert found == level
    assert "not a version" not in text


def test_of_many_profiles_the_newest_are_shown(home: Path) -> None:
    system = machine(home)
    for number in range(8):
        note(system, f"zai/browser/{PROFILE}{number}")
    assert look(browser.profiles, system)[-1] == ("ok", "3 more profiles were here before.")


def test_an_extension_that_no_browser_ever_loaded_is_a_problem(home: Path) -> None:
    assert levels(browser.profiles, machine(home)) == {"problem"}


def test_without_any_browser_nobody_misses_the_extension(home: Path) -> None:
    (home / ".config").mkdir()
    system = again(home)
    assert levels(browser.profiles, system) == {"note"}


# -- the host


@pytest.fixture
def real(home: Path) -> System:
    """A machine with an installed host that really starts."""
    system = replace(machine(home), interpreter=sys.executable, environ={**os.environ, "AIMO_HOME": str(home / "aimo")})
    run_install(system)
    return system


def launcher_that(system: System, *lines: str) -> None:
    Path(system.paths.launcher).write_text("\n".join(["#!/bin/sh", *lines]) + "\n")


def frame(message: object) -> str:
    body = json.dumps(message)
    assert len(body) < 128
    return f"printf '\\{len(body):03o}\\000\\000\\000'; printf '%s' '{body}'"


def test_the_installed_host_answers(real: System) -> None:
    ((level, text),) = look(host.start, real)
    assert (level, text.startswith("The host starts and answers")) == ("ok", True)


def test_starting_it_leaves_nothing_behind(real: System, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(home / "tmp"))
    before = sorted(home.rglob("*"))
    host.start(Case(real, NOW))
    assert sorted(home.rglob("*")) == before


def test_without_a_temporary_folder_the_host_is_not_tried(real: System, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(home / "nowhere"))
    assert look(host.start, real) == [("problem", "The host was not tried: no temporary folder can be made.")]


def test_a_host_that_is_not_installed_is_a_problem(home: Path) -> None:
    assert look(host.start, machine(home)) == [("problem", "The host is not installed: there is no launcher.")]


STARTS = {
    "ends": (["exit 1"], "ends without an answer"),
    "reads and ends": (["head -c 4 >/dev/null"], "ends without an answer"),
    "prints": (["echo Welcome to my shell, dear friend"], "ends without an answer"),
    "half a frame": (["printf '\\377\\000\\000\\000{'"], "ends without an answer"),
    "no json": (["printf '\\002\\000\\000\\000xx'"], "ends without an answer"),
    "no object": ([frame([])], "ends without an answer"),
    "refuses": ([frame({"type": "error", "code": "bad_message"})], "ends without an answer"),
    "older": ([frame({"type": "welcome", "host": "0.0.1"})], "start the host of aimo 0.0.1"),
    "odd": ([frame({"type": "welcome", "host": "a b"})], "start the host of aimo another version"),
}


@pytest.mark.parametrize(("lines", "said"), STARTS.values(), ids=STARTS)
def test_a_host_that_does_not_answer_as_it_should_is_a_problem(real: System, lines: list[str], said: str) -> None:
    launcher_that(real, *lines)
    ((level, text),) = look(host.start, real)
    assert (level, said in text) == ("problem", True)


def test_a_host_that_hangs_is_given_up(real: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "_SECONDS", 0.3)
    launcher_that(real, "sleep 60")
    ((level, text),) = look(host.start, real)
    assert (level, "does not answer within" in text) == ("problem", True)


@pytest.mark.parametrize("kind", ["interpreter gone", "not executable", "folder"])
def test_a_launcher_that_cannot_be_started_is_a_problem(real: System, kind: str) -> None:
    launcher = Path(real.paths.launcher)
    if kind == "interpreter gone":
        launcher.write_text("#!/nowhere/python\n")
    elif kind == "not executable":
        launcher.chmod(0o600)
    else:
        launcher.unlink()
        launcher.mkdir()
    ((level, text),) = look(host.start, real)
    assert (level, text.startswith("The launcher cannot be started")) == ("problem", True)


def test_the_host_gets_none_of_our_keys(real: System, home: Path) -> None:
    keys = dict.fromkeys(("ZAI_API_KEY", "OLLAMA_API_KEY", "AIMO_TOKEN", "BW_SESSION"), "word")
    launcher_that(real, f"env > {home}/seen")
    host.start(Case(with_environ(real, **keys), NOW))
    seen = (home / "seen").read_text()
    assert "AIMO_HOME=" in seen
    assert str(home / "aimo") not in [line.partition("=")[2] for line in seen.splitlines() if line.startswith("AIMO_HOME=")]
    assert "word" not in seen


def test_other_folders_in_the_browser_than_in_the_shell_are_a_problem(real: System, home: Path) -> None:
    write(home / "aimo/bin/x", "")
    moved = replace(real, paths=replace_home(real, home))
    assert ("problem", True) in [(level, "other folders" in text) for level, text in look(host.start, moved)]


def replace_home(system: System, home: Path) -> Any:
    """The paths of a shell whose AIMO_HOME changed since, with the launchers of then."""
    found = paths.find({"AIMO_HOME": str(home / "elsewhere")})
    found.launcher, found.command = system.paths.launcher, system.paths.command
    return found


def test_a_command_that_does_not_run_is_a_problem(real: System) -> None:
    Path(real.paths.command).write_text("#!/bin/sh\necho no\n")
    assert "problem" in levels(host.start, real)


# -- the shim


@pytest.fixture
def serving(home: Path) -> Iterator[Callable[..., System]]:
    """Starts real shims, and stops them."""
    children: list[subprocess.Popen[str]] = []

    def start(**more: str) -> System:
        system = machine(home, environ={"AIMO_PORT": "0"})
        environ = {**os.environ, "AIMO_HOME": system.paths.home, "AIMO_PORT": "0", **more}
        child = subprocess.Popen([sys.executable, "-m", "aimo_host", "serve"], env=environ, stdout=subprocess.PIPE, text=True)
        children.append(child)
        assert child.stdout is not None
        assert child.stdout.readline().startswith("listening")
        return system

    yield start
    for child in children:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def test_a_shim_without_a_token_can_be_read_and_sent_asking_by_any_user(serving: Callable[..., System]) -> None:
    ((level, text),) = look(shim.shim, serving())
    assert (level, "without a token: any user of this machine can read the gauge there and start requests." in text) == (
        "note",
        True,
    )


def test_a_token_closes_the_shim(serving: Callable[..., System]) -> None:
    ((level, text),) = look(shim.shim, serving(AIMO_TOKEN="word"))
    assert (level, "closed by AIMO_TOKEN" in text, "word" in text) == ("ok", True, False)


def test_a_shim_that_does_not_answer_is_a_problem(home: Path) -> None:
    system = machine(home, environ={"AIMO_PORT": "0"})
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    sign = presence.Presence(system.paths.presence_dir, {"kind": "shim", "port": port})
    found = look(shim.shim, system)
    sign.leave()
    assert found == [("problem", f"`aimo serve` runs at http://localhost:{port}/ and does not answer.")]


@pytest.mark.parametrize(("version", "words"), [("0.0.1", "is not the one of aimo"), (__version__, "`aimo serve` does not run")])
def test_a_shim_of_another_version_is_a_problem(home: Path, version: str, words: str) -> None:
    system = machine(home, environ={"AIMO_PORT": "0"})
    sign = presence.Presence(system.paths.presence_dir, {"kind": "shim", "version": version})
    found = look(shim.shim, system)
    sign.leave()
    assert words in found[0][1]


@pytest.mark.parametrize("port", [0, -1, 70000, "80", None, True], ids=str)
def test_a_sign_without_a_port_is_no_shim(home: Path, port: object) -> None:
    system = machine(home, environ={"AIMO_PORT": "0"})
    sign = presence.Presence(system.paths.presence_dir, {"kind": "shim", "port": port})
    found = look(shim.shim, system)
    sign.leave()
    assert found == [("ok", "`aimo serve` does not run; the popup's button for the dashboard starts it too.")]


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")], ids=str)
def test_a_port_that_somebody_else_took_is_noted(home: Path, family: socket.AddressFamily, address: str) -> None:
    with socket.create_server((address, 0), family=family) as other:
        port = other.getsockname()[1]
        found = look(shim.shim, machine(home, environ={"AIMO_PORT": str(port)}))
    assert found == [("note", f"`aimo serve` does not run, and port {port} is taken by another program.")]


def test_without_ipv6_a_port_is_free(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def without(family: int = -1, *_: object) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "no IPv6")
        return make(family)

    make = socket.socket
    monkeypatch.setattr(socket, "socket", without)
    assert levels(shim.shim, machine(home, environ={"AIMO_PORT": "0"})) == {"ok"}


@pytest.mark.parametrize("value", ["http", "-1", "70000", "9" * 5000, "\uff13\uff10"], ids=lambda value: value[:8])
def test_a_port_that_is_none_is_a_problem(home: Path, value: str) -> None:
    assert levels(shim.shim, machine(home, environ={"AIMO_PORT": value})) == {"problem"}


def test_the_usual_port_is_the_shims_own() -> None:
    assert shim.DEFAULT_PORT == serve.DEFAULT_PORT


# -- the providers


def about(system: System, route: str) -> tuple[str, str]:
    (found,) = [found for found in routes.providers(Case(system, NOW)) if found.codes and found.codes["route"] == route]
    return found.level, found.text


def person(home: Path, **more: str) -> System:
    return machine(home, environ={"PATH": "/nowhere", "HOME": str(home), **more})


def test_every_server_side_route_is_told_of(home: Path) -> None:
    told = [found.codes["route"] for found in routes.providers(Case(person(home), NOW)) if found.codes]
    assert [route for names in SERVER_SIDE.values() for route in names if route not in told] == []


def test_a_sentence_has_no_code_name_in_it(home: Path) -> None:
    system = person(home)
    for provider, tried in SERVER_SIDE.items():
        for route in tried:
            note(system, f"{provider}/{route}/-", "sign_in_expired")
    names = [*CODES, *(route for some in (*SERVER_SIDE.values(), *FREE.values()) for route in some)]
    said = " ".join(text for _, text in look(routes.providers, system))
    assert [name for name in names if "_" in name and name in said] == []


def test_where_nothing_is_set_up_nothing_is_a_problem(home: Path) -> None:
    assert "problem" not in levels(routes.providers, person(home))


PRESENT: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "zai_api_key": ({"ZAI_API_KEY": "word"}, {}),
    "ollama_api_key": ({}, {"aimo/config/.env": "OLLAMA_API_KEY=word\n"}),
    "claude_oauth": ({}, {".claude/.credentials.json": '{"claudeAiOauth": {"accessToken": "word"}}'}),
    "codex_auth_json": ({}, {".codex/auth.json": '{"tokens": {"access_token": "word"}}'}),
}


@pytest.mark.parametrize("route", PRESENT)
def test_a_credential_that_exists_is_a_yes_without_its_value(home: Path, route: str) -> None:
    environ, content = PRESENT[route]
    for name, text in content.items():
        write(home / name, text)
    level, text = about(person(home, **environ), route)
    assert (level, ": found" in text, "word" in text) == ("ok", True, False)


@pytest.mark.parametrize("route", PRESENT)
def test_a_credential_that_is_missing_is_a_no(home: Path, route: str) -> None:
    level, text = about(person(home), route)
    assert level == "note"
    assert re.search(": (not in|no) ", text)


@pytest.mark.parametrize(("program", "route"), [("codex", "codex_app_server"), ("bw", "zai_bitwarden")])
def test_a_program_on_the_path_is_found_and_not_started(home: Path, program: str, route: str) -> None:
    write(home / "bin" / program, f"#!/bin/sh\ntouch {home}/started\n")
    (home / "bin" / program).chmod(0o700)
    assert "is on the PATH" in about(person(home, PATH=str(home / "bin")), route)[1]
    assert not (home / "started").exists()


def test_a_vault_that_was_switched_off_is_told_so(home: Path) -> None:
    assert "switched off" in about(person(home, AIMO_BITWARDEN_ITEM=""), "zai_bitwarden")[1]


def test_a_codex_that_keeps_its_token_in_the_keyring_is_told_so(home: Path) -> None:
    write(home / ".codex/config.toml", 'cli_auth_credentials_store = "keyring"\n')
    assert "keyring" in about(person(home), "codex_auth_json")[1]


def test_an_ollama_elsewhere_is_not_asked(home: Path) -> None:
    assert "names another one" in about(person(home, OLLAMA_HOST="http://10.0.0.9"), "ollama_local")[1]


def test_nobody_is_told_that_there_is_an_ollama_before_it_was_asked(home: Path) -> None:
    assert about(person(home), "ollama_local") == ("note", "Ollama, the Ollama on this machine: not tried yet")


def test_an_ollama_that_does_not_run_is_told_so(home: Path) -> None:
    system = person(home)
    note(system, "ollama/ollama_local/-", "unreachable")
    assert "Ollama is not running here" in about(system, "ollama_local")[1]


@pytest.mark.parametrize(("is_open", "step"), [(False, "Open the browser that has the extension."), (True, "See to the network")])
def test_what_a_closed_browser_left_unread_needs_the_browser(home: Path, is_open: bool, step: str) -> None:
    system = person(home)
    note(system, f"codex/browser/{PROFILE}1", "unreachable")
    sign = presence.Presence(system.paths.presence_dir, {"kind": "host" if is_open else "shim", "profile": PROFILE + "1"})
    (found,) = [found for found in routes.providers(Case(system, NOW)) if found.codes and found.codes["code"] == "unreachable"]
    sign.leave()
    assert (found.remedy or "").startswith(step)


@pytest.mark.parametrize("name", ["ZAI_API_KEY", "OLLAMA_API_KEY"])
def test_a_key_that_cannot_be_one_is_a_problem(home: Path, name: str) -> None:
    found = look(routes.keys, person(home, **{name: "wörd"}))
    assert found == [("problem", f"{name} is set, and its value cannot be a key.")]


def test_a_region_that_there_is_not_is_a_problem(home: Path) -> None:
    assert look(routes.keys, person(home, ZAI_REGION="moon")) == [("problem", "ZAI_REGION is neither global nor china.")]


def test_a_last_attempt_that_brought_a_reading_is_in_order(home: Path) -> None:
    system = person(home)
    note(system, "zai/zai_api_key/-")
    assert about(system, "zai_api_key") == ("note", about(system, "zai_api_key")[1])
    assert f"read {at('2023-11-14T22:12:20Z')}" in about(system, "zai_api_key")[1]


@pytest.mark.parametrize("code", ["bad_credential", "unreachable", "unexpected_answer", "browser_check", "internal", "no_plan"])
def test_a_provider_whose_every_way_failed_is_a_problem(home: Path, code: str) -> None:
    system = person(home, ZAI_API_KEY="word")
    note(system, "zai/zai_api_key/-", code)
    level, text = about(system, "zai_api_key")
    said = Problem("zai", code).sentence.rstrip(".")
    assert (level, f"failed {at('2023-11-14T22:12:20Z')}: {said}" in text) == ("problem", True)


@pytest.mark.parametrize("code", ["rate_limited", "provider_down"])
def test_what_passes_by_itself_is_only_noted(home: Path, code: str) -> None:
    system = person(home)
    note(system, "zai/zai_api_key/-", code, retry_at=NOW + 600)
    level, text = about(system, "zai_api_key")
    assert (level, f"rests until {at('2023-11-14T22:23:20Z')}" in text) == ("note", True)


def test_a_failure_beside_a_reading_is_only_noted(home: Path) -> None:
    system = person(home)
    note(system, "codex/codex_auth_json/-", "sign_in_expired")
    note(system, f"codex/browser/{PROFILE}1")
    assert about(system, "codex_auth_json")[0] == "note"


@pytest.mark.parametrize(("mode", "level"), [("auto", "note"), ("on", "problem")])
def test_who_never_signed_in_is_left_in_peace_unless_the_provider_is_wanted(home: Path, mode: str, level: str) -> None:
    system = person(home)
    settings.change(system.paths, {"providers": {"zai": mode}})
    note(system, f"zai/browser/{PROFILE}1", "not_signed_in")
    assert about(system, "browser")[0] == level


def test_a_provider_that_is_switched_off_is_one_line(home: Path) -> None:
    system = person(home)
    settings.change(system.paths, {"providers": {"zai": "off"}})
    assert [text for _, text in look(routes.providers, system) if "Z.ai" in text] == ["Z.ai is switched off."]


def test_a_route_that_tries_seldom_says_until_when_it_rests(home: Path) -> None:
    system = person(home)
    note(system, "claude/claude_oauth/-")
    assert f"rests until {at('2023-11-14T22:17:20Z')}" in about(system, "claude_oauth")[1]


# -- files


def test_files_of_an_installation_are_closed_to_others(home: Path) -> None:
    system = machine(home)
    run_install(system)
    settings.change(system.paths, {"badge": False})
    assert levels(files.permissions, system) == {"ok"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_reach_is_a_problem(home: Path, mode: int) -> None:
    system = machine(home)
    write(system.paths.env, "ZAI_API_KEY=word\n")
    os.chmod(system.paths.env, mode)
    (finding,) = files.permissions(Case(system, NOW))
    assert (finding.level, finding.remedy) == ("problem", "Run: chmod go= ~/aimo/config/.env")


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o500])
def test_a_folder_with_the_wrong_mode_is_a_problem(home: Path, mode: int) -> None:
    system = machine(home)
    write(system.paths.env, "")
    os.chmod(system.paths.env, 0o600)
    os.chmod(system.paths.config_dir, mode)
    found = look(files.permissions, system)
    os.chmod(system.paths.config_dir, 0o700)
    assert {level for level, _ in found} == {"problem"}


def test_a_link_in_a_files_place_is_a_problem_and_is_not_followed(home: Path) -> None:
    system = machine(home)
    write(home / "theirs", "")
    os.makedirs(system.paths.config_dir, 0o700)
    os.symlink(home / "theirs", system.paths.env)
    ((level, text),) = [found for found in look(files.permissions, system) if ".env" in found[1]]
    assert (level, text.startswith("Links stand")) == ("problem", True)


def test_files_of_another_user_are_a_problem(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = machine(home)
    os.makedirs(system.paths.config_dir, 0o700)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    assert "problem" in levels(files.permissions, system)


def below(home: Path, folder: str) -> System:
    """A machine whose AIMO_HOME lies in `folder` of `home`."""
    place = str(home / folder / "aimo")
    return replace(machine(home, environ={"PATH": "/nowhere", "AIMO_HOME": place}), paths=paths.find({"AIMO_HOME": place}))


def lie(monkeypatch: pytest.MonkeyPatch, folder: Path, **about: int) -> None:
    """Let the folder seem to be another user's or another group's, which only root could make it."""

    def seen(path: str, *given: Any, **named: Any) -> os.stat_result:
        found = look_at(path, *given, **named)
        if path != str(folder):
            return found
        return os.stat_result([about.get(name, found[at]) for at, name in enumerate(_FIELDS)])

    look_at = os.stat
    monkeypatch.setattr(os, "stat", seen)


_FIELDS = ("mode", "ino", "dev", "nlink", "uid", "gid", "size", "atime", "mtime", "ctime")
OURS, THEIRS, ROOT = os.getuid(), 4_000_000, 0
#: Mode, owner and group of a folder above ours -> what is said of it.
ABOVE = [
    (0o777, OURS, THEIRS, "Any user may exchange"),
    (0o707, OURS, ROOT, "Any user may exchange"),
    (0o1777, OURS, THEIRS, None),
    (0o2775, OURS, THEIRS, "A group of users may exchange"),
    (0o1775, OURS, THEIRS, None),
    (0o2755, OURS, THEIRS, None),
    (0o775, OURS, ROOT, None),
    (0o700, THEIRS, ROOT, "is another user, who may exchange"),
    (0o1755, THEIRS, ROOT, "is another user, who may exchange"),
    (0o755, ROOT, ROOT, None),
]


@pytest.mark.parametrize(("mode", "uid", "gid", "said"), ABOVE, ids=lambda one: oct(one) if type(one) is int else one)
def test_a_folder_above_in_which_somebody_else_may_exchange_ours_is_a_problem(
    home: Path, monkeypatch: pytest.MonkeyPatch, mode: int, uid: int, gid: int, said: str | None
) -> None:
    (home / "open").mkdir()
    lie(monkeypatch, home / "open", mode=stat.S_IFDIR | mode, uid=uid, gid=gid)
    found = [(level, said is not None and said in text) for level, text in look(files.permissions, below(home, "open"))]
    assert found == [("ok", False) if said is None else ("problem", True)]


@pytest.mark.parametrize(("name", "members", "level"), [("me", [], "ok"), ("me", ["you"], "problem"), ("us", ["me"], "problem")])
def test_a_group_that_a_user_has_alone_is_no_way_in(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, members: list[str], level: str
) -> None:
    (home / "open").mkdir()
    lie(monkeypatch, home / "open", mode=stat.S_IFDIR | 0o775, gid=THEIRS)
    monkeypatch.setattr(pwd, "getpwuid", lambda _: pwd.struct_passwd(("me", "x", OURS, THEIRS, "", "", "")))
    monkeypatch.setattr(grp, "getgrgid", lambda number: grp.struct_group((name, "x", number, members)))
    assert levels(files.permissions, below(home, "open")) == {level}


def test_what_a_link_on_the_way_leads_to_counts_as_well(home: Path) -> None:
    (home / "open/inner").mkdir(parents=True)
    (home / "open").chmod(0o777)
    (home / "link").symlink_to(home / "open/inner")
    assert look(files.permissions, below(home, "link")) == [
        ("problem", f"Any user may exchange aimo's folders in: {home / 'open'}.")
    ]


def test_an_aimo_home_that_anybody_may_change_is_a_problem(home: Path) -> None:
    (home / "open/aimo").mkdir(parents=True)
    (home / "open/aimo").chmod(0o777)
    assert look(files.permissions, below(home, "open")) == [
        ("problem", f"Any user may exchange aimo's folders in: {home / 'open/aimo'}.")
    ]


def test_what_else_a_person_keeps_in_aimo_home_is_not_looked_at(home: Path) -> None:
    system = below(home, "mine")
    write(home / "mine/aimo/Documents/my-letter.txt", "")
    (home / "mine/aimo/Documents/my-letter.txt").chmod(0o644)
    write(home / "mine/aimo/old.bad-1", "")
    assert (levels(files.permissions, system), levels(files.readable, system)) == ({"ok"}, {"ok"})


def test_on_windows_modes_say_nothing(home: Path) -> None:
    assert levels(files.permissions, machine(home, "win32")) == {"note"}


def test_an_environment_is_pips_business(home: Path) -> None:
    system = machine(home)
    write(os.path.join(system.paths.data_dir, "env-0.1.0", "open"), "")
    os.chmod(os.path.join(system.paths.data_dir, "env-0.1.0", "open"), 0o644)
    assert levels(files.permissions, system) == {"ok"}


@pytest.mark.parametrize("name", ["cache", "settings", "refresh", "attempts"])
@pytest.mark.parametrize("content", ["", "[]", "{", "\x00"], ids=repr)
def test_a_file_that_cannot_be_read_is_a_problem(home: Path, name: str, content: str) -> None:
    system = machine(home)
    write(getattr(system.paths, name), content)
    assert look(files.readable, system) == [("problem", f"{getattr(system.paths, name)} cannot be read.")]


def test_evidence_of_damage_is_noted(home: Path) -> None:
    system = machine(home)
    write(system.paths.cache + ".bad-1", "{")
    assert levels(files.readable, system) == {"note"}


def test_files_that_can_be_read_are_in_order(home: Path) -> None:
    assert levels(files.readable, machine(home)) == {"ok"}


def test_a_file_of_keys_is_in_order(home: Path) -> None:
    system = machine(home)
    write(system.paths.env, "# schlüssel\nZAI_API_KEY=word\n")
    assert levels(files.readable, system) == {"ok"}


@pytest.mark.parametrize("kind", ["folder", "link", "too large"])
def test_a_file_of_keys_that_cannot_be_read_is_a_problem(home: Path, kind: str) -> None:
    system = machine(home)
    write(home / "theirs", "")
    os.makedirs(system.paths.config_dir, 0o700)
    if kind == "folder":
        os.mkdir(system.paths.env)
    elif kind == "link":
        os.symlink(home / "theirs", system.paths.env)
    else:
        write(system.paths.env, "")
        os.truncate(system.paths.env, 33 * 1024 * 1024)
    assert look(files.readable, system) == [("problem", f"{system.paths.env} cannot be read, so no key in it is used.")]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_of_keys_in_another_encoding_is_a_problem(home: Path, encoding: str) -> None:
    system = machine(home)
    write(system.paths.env, "")
    Path(system.paths.env).write_bytes("ZAI_API_KEY=word\n".encode(encoding))
    ((level, text),) = look(files.readable, system)
    assert (level, "is UTF-16" in text, "word" in text) == ("problem", True, False)


@pytest.mark.parametrize("is_there", [False, True])
def test_a_stray_env_in_a_clone_is_a_problem(home: Path, is_there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    clone = home / "clone"
    for folder in ("aimo_host", "extension"):
        (clone / folder).mkdir(parents=True)
    write(clone / "install.py", "")
    if is_there:
        write(clone / ".env", "ZAI_API_KEY=word\n")
    monkeypatch.chdir(clone)
    said = [text for _, text in look(files.stray_env, machine(home)) if str(clone) in text]
    assert said == ([f"{clone / '.env'} lies in a clone, where aimo does not read it."] if is_there else [])


def test_who_stands_in_a_folder_that_was_removed_is_examined_all_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "gone").mkdir()
    monkeypatch.chdir(home / "gone")
    (home / "gone").rmdir()
    assert [text for _, text in look(files.stray_env, machine(home)) if str(home) in text] == []


def test_an_env_elsewhere_is_nobodys_business(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(home / "project/.env", "")
    monkeypatch.chdir(home / "project")
    assert [text for _, text in look(files.stray_env, machine(home)) if str(home) in text] == []


# -- shapes


def test_no_misunderstood_answer_is_in_order(home: Path) -> None:
    assert levels(shapes.shapes, machine(home)) == {"ok"}


def test_a_misunderstood_answer_is_a_problem_with_its_shape(home: Path) -> None:
    system = machine(home)
    drift.write(system.paths, "zai.quota", Answer(200, '{"limits": [{"amount": 3}]}'), NOW - 60)
    (finding,) = shapes.shapes(Case(system, NOW))
    assert (finding.level, json.loads(finding.detail or "")["shape"]) == ("problem", {"limits": [{"amount": "number"}]})


def test_an_answer_that_was_understood_since_is_only_noted(home: Path) -> None:
    system = machine(home)
    drift.write(system.paths, "zai.quota", Answer(200, "{}"), NOW - 3600)
    note(system, f"zai/browser/{PROFILE}1")
    assert levels(shapes.shapes, system) == {"note"}


def test_a_reading_from_before_says_nothing_of_a_later_answer(home: Path) -> None:
    system = machine(home)
    note(system, f"zai/browser/{PROFILE}1", asked=NOW - 3600)
    drift.write(system.paths, "zai.quota", Answer(200, "{}"), NOW - 60)
    assert levels(shapes.shapes, system) == {"problem"}


def test_a_reading_of_another_provider_says_nothing_of_this_one(home: Path) -> None:
    system = machine(home)
    drift.write(system.paths, "zai.quota", Answer(200, "{}"), NOW - 3600)
    note(system, f"claude/browser/{PROFILE}1")
    assert levels(shapes.shapes, system) == {"problem"}


@pytest.mark.parametrize("name", ["CANARY me@example.test", "claude.usage"])
def test_a_report_that_somebody_else_wrote_is_not_repeated(home: Path, name: str) -> None:
    system = machine(home)
    forged = dict.fromkeys(("at", "source", "status", "content_type", "length", "shape", "CANARY"), "CANARY me@example.test")
    jsonfile.save(os.path.join(system.paths.drift_dir, f"{name}.json"), forged)
    assert "CANARY" not in repr(shapes.shapes(Case(system, NOW)))


def test_the_shape_of_every_source_that_is_asked_is_shown() -> None:
    asking = [path.read_text() for room in ("providers", "routes") for path in (REPOSITORY / "aimo_host" / room).glob("*.py")]
    names = re.findall(r'(?:Ask\(|context, "\w+", |context.asked\("\w+", )"([\w.]+)"', "".join(asking))
    assert set(names) == shapes.SOURCES


# -- whatever the files hold

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["asked", "code", "retry_at", "handled", "path", "allowed_origins", "name", "version", "key", "at", "source"]
)
RECORD = st.dictionaries(KEYS, JSON | st.just(identity.ORIGIN), max_size=6)


@given(RECORD, st.sampled_from(["claude/browser/x", "zai/zai_bitwarden/-", "codex", "", "a/b/c/d"]))
def test_no_file_content_makes_a_check_fail(record: dict[str, Any], feed: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        system = machine(Path(folder))
        jsonfile.save(system.paths.attempts, {"attempts": {feed: record}}, durable=False)
        jsonfile.save(os.path.join(system.paths.drift_dir, "claude.usage.json"), record, durable=False)
        jsonfile.save(os.path.join(system.paths.extension, "manifest.json"), record, durable=False)
        named = {"path": system.paths.launcher, **record}
        jsonfile.save(os.path.join(folder, MANIFEST), named, durable=False)
        for check in (
            browser.registrations,
            browser.extension,
            browser.profiles,
            routes.providers,
            shapes.shapes,
            files.readable,
        ):
            assert check(Case(system, NOW)), check
