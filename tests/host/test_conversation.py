"""The host over real pipes: who may start it, what it says first, and what each message of the extension does."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host import __version__
from tests.host.peer import COMMAND, ORIGIN, PROVIDERS, REPOSITORY, Peer, environment, framed, healthy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def peer() -> Iterator[Peer]:
    with Peer() as running:
        yield running


@pytest.fixture
def known(peer: Peer) -> Peer:
    """A peer that has introduced itself."""
    peer.hello()
    return peer


# -- who may start it


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("",),
        ("chrome-extension://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/",),
        (ORIGIN.rstrip("/"),),
        (ORIGIN.upper(),),
        (ORIGIN + "popup/popup.html",),
        ("https://claude.ai/",),
        ("/path/of/a/manifest.json", ORIGIN),
        ("--help",),
    ],
)
def test_a_wrong_or_missing_origin_ends_it_with_2_and_an_empty_stdout(arguments: tuple[str, ...], aimo_home: Path) -> None:
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=framed(b"{}"),
        capture_output=True,
        cwd=REPOSITORY,
        env=environment(),
        timeout=20,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.count(b"\n") == 1
    assert not aimo_home.exists()


def test_the_origin_is_checked_before_stdin_is_read() -> None:
    with Peer(arguments=("chrome-extension://stranger/",)) as peer:
        assert peer.exit_code() == 2  # its stdin is still open and empty


def test_a_relative_aimo_home_ends_it_with_2_and_an_empty_stdout() -> None:
    with Peer(environ=environment(AIMO_HOME="here")) as peer:
        assert peer.exit_code() == 2
        assert "AIMO_HOME must be an absolute path" in peer.stderr


def test_a_refusal_is_exit_2_even_if_nobody_reads_stderr() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as broken:
        assert (
            subprocess.run([*COMMAND], stderr=broken, cwd=REPOSITORY, env=environment(), timeout=20, check=False).returncode == 2
        )


def test_what_windows_adds_after_the_origin_is_ignored() -> None:
    with Peer(arguments=(ORIGIN, "--parent-window=0")) as peer:
        assert peer.hello()["protocol"] == 1


# -- hello


def test_the_welcome_has_the_shape_of_protocol_1(peer: Peer) -> None:
    welcome = peer.hello()
    shape = {
        "type",
        "protocol",
        "host",
        "extension_version",
        "snapshot",
        "settings",
        "refresh_pending",
        "shim",
    }
    assert set(welcome) == shape
    assert (welcome["protocol"], welcome["host"], welcome["refresh_pending"]) == (1, __version__, False)
    assert welcome["shim"] == {"running": False, "url": None}
    assert [entry["provider"] for entry in welcome["snapshot"]["entries"]] == PROVIDERS


def test_the_welcome_names_the_extension_that_lies_on_the_disk(peer: Peer) -> None:
    with open(os.path.join(REPOSITORY, "extension", "manifest.json"), encoding="utf-8") as file:
        assert peer.hello()["extension_version"] == json.load(file)["version"]


def test_an_installed_extension_s_version_comes_before_the_bundled_one(peer: Peer, aimo_home: Path) -> None:
    folder = aimo_home / "data" / "extension"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"version": "9.9.9"}')
    assert peer.hello()["extension_version"] == "9.9.9"


@pytest.mark.parametrize("protocol", [0, 2, "1", None, [], 1.5, True])
def test_another_protocol_is_refused_by_name(peer: Peer, protocol: Any) -> None:
    peer.send({"type": "hello", "protocol": protocol, "extension": "9", "profile": peer.profile})
    assert peer.expect("error")["code"] == "unsupported_protocol"


@pytest.mark.parametrize("profile", [None, "", "me", 7, "../../etc/passwd", "0a1b2c3d-0000-4000-8000-00000000000g", ["x"]])
def test_a_profile_that_is_no_uuid_is_a_bad_message(peer: Peer, profile: Any) -> None:
    peer.send({"type": "hello", "protocol": 1, "extension": "0.1.0", "profile": profile})
    assert peer.expect("error")["code"] == "bad_message"
    assert peer.hello()["protocol"] == 1


def test_a_host_is_present_after_hello_and_gone_with_its_input(known: Peer, aimo_home: Path) -> None:
    presence = aimo_home / "state" / "presence"
    assert len(list(presence.iterdir())) == 1
    known.hang_up()
    assert known.exit_code() == 0
    assert list(presence.iterdir()) == []


def test_a_second_hello_leaves_one_presence_and_one_bell(known: Peer, aimo_home: Path) -> None:
    known.hello()
    assert len(list((aimo_home / "state" / "presence").iterdir())) == 1
    assert len(list((aimo_home / "state" / "bells").iterdir())) == 1


def test_a_disk_that_cannot_be_written_still_gives_a_welcome(peer: Peer, aimo_home: Path) -> None:
    aimo_home.mkdir()
    (aimo_home / "state").write_text("a file where a folder should be")
    assert peer.hello()["snapshot"]["entries"]
    peer.send({"type": "refresh", "id": "r", "trigger": "popup"})
    error = peer.expect("error")
    assert (error["code"], error["message"], error["id"]) == ("internal", "A file of aimo's cannot be written.", "r")


# -- refresh


def test_a_refresh_reads_all_four_providers_and_says_who_is_still_being_read(known: Peer) -> None:
    known.send({"type": "refresh", "id": "r", "trigger": "popup"})
    entries = known.settled()
    read = {message["entry"]["provider"]: message["entry"] for message in entries}
    assert sorted(read) == sorted(PROVIDERS)
    assert [entry for entry in read.values() if not (entry["ok"] and entry["windows"] and entry["_source"] == "push")] == []
    shrinking = [len(message["refreshing"]) for message in entries]
    assert shrinking[0] == 4
    assert shrinking == sorted(shrinking, reverse=True)


def test_only_the_named_providers_are_asked(known: Peer) -> None:
    known.send({"type": "refresh", "id": "r", "trigger": "options", "providers": ["zai"]})
    known.settled()
    assert {message["source"] for message in known.messages if message["type"] == "ask"} == {"zai.quota"}


def test_the_rows_fill_in_one_by_one_while_the_slowest_is_still_out() -> None:
    def all_but_ollama(source: str, params: dict[str, str]) -> dict[str, Any] | None:
        return None if source == "ollama.settings" else healthy(source, params)

    with Peer(all_but_ollama) as peer:
        peer.hello()
        peer.send({"type": "refresh", "id": "r", "trigger": "popup"})
        peer.expect("entry", lambda m: m["refreshing"] == ["ollama"])
        late = peer.expect("ask", lambda m: m["source"] == "ollama.settings")
        peer.send({"type": "answer", "id": late["id"], **(healthy("ollama.settings") or {})})
        assert peer.settled()[-1]["entry"]["provider"] == "ollama"


def test_a_second_refresh_within_ten_seconds_asks_nobody_again(known: Peer) -> None:
    known.send({"type": "refresh", "id": "r1", "trigger": "popup"})
    known.settled()
    asks, after = known.kinds().count("ask"), len(known.messages)
    known.send({"type": "refresh", "id": "r2", "trigger": "popup"})
    known.settled(after)
    assert known.kinds().count("ask") == asks


def test_a_request_that_waits_is_served_when_a_browser_comes(aimo_home: Path) -> None:
    (aimo_home / "state").mkdir(parents=True)
    wanted = {"claude": {"at": time.time() - 300, "named": False, "trigger": "agent"}}
    (aimo_home / "state" / "refresh.json").write_text(json.dumps({"schema": 1, "wanted": wanted, "settled": {}}))
    with Peer() as peer:
        assert peer.hello()["refresh_pending"] is True
        assert peer.expect("entry", lambda m: m["entry"]["ok"])["entry"]["provider"] == "claude"
        peer.settled()
        after = len(peer.messages)
        peer.send({"type": "get"})
        assert peer.expect("welcome", after=after)["refresh_pending"] is False


def test_a_request_older_than_ten_minutes_is_nobody_s_any_more(aimo_home: Path) -> None:
    (aimo_home / "state").mkdir(parents=True)
    wanted = {"claude": {"at": time.time() - 601, "named": False, "trigger": "agent"}}
    (aimo_home / "state" / "refresh.json").write_text(json.dumps({"schema": 1, "wanted": wanted, "settled": {}}))
    with Peer() as peer:
        assert peer.hello()["refresh_pending"] is False
        peer.send({"type": "refresh", "id": "r", "trigger": "popup", "providers": ["zai"]})
        peer.settled()
        assert {m["source"] for m in peer.messages if m["type"] == "ask"} == {"zai.quota"}


@pytest.mark.parametrize("trigger", ["", None, "cron", ["popup"], {}])
def test_a_refresh_without_a_known_trigger_asks_nobody(known: Peer, trigger: Any, aimo_home: Path) -> None:
    known.send({"type": "refresh", "id": "r7", "trigger": trigger})
    error = known.expect("error")
    assert (error["code"], error["id"]) == ("bad_message", "r7")
    assert not (aimo_home / "state" / "refresh.json").exists()


@pytest.mark.parametrize("providers", ["claude", ["gemini"], [["claude"]], [None], {"claude": 1}, 4, False])
def test_a_refresh_of_unknown_providers_asks_nobody(known: Peer, providers: Any, aimo_home: Path) -> None:
    known.send({"type": "refresh", "id": "r", "trigger": "popup", "providers": providers})
    assert known.expect("error")["code"] == "bad_message"
    assert not (aimo_home / "state" / "refresh.json").exists()


# -- get, settings, secret, serve


def test_get_gives_the_welcome_again(known: Peer) -> None:
    after = len(known.messages)
    known.send({"type": "get"})
    assert set(known.expect("welcome", after=after)) == set(known.messages[0])


def test_a_changed_setting_is_kept_and_comes_back(known: Peer) -> None:
    after = len(known.messages)
    known.send({"type": "settings", "changed": {"language": "ja", "badge": False}})
    settings = known.expect("welcome", after=after)["settings"]
    assert (settings["language"], settings["badge"], settings["providers"]["claude"]) == ("ja", False, "auto")


@pytest.mark.parametrize(
    "changed",
    [
        None,
        [],
        "language",
        {"language": "de"},
        {"badge": 1},
        {"unknown": True},
        {"providers": {"claude": "never"}},
        {"providers": {"gemini": "on"}},
        {"order": "claude"},
        {"claude_organization": "../me"},
        {"wake": "claude"},
        {"wake": ["gemini"]},
        {"language": "ja", "unknown": True},
    ],
    ids=json.dumps,
)
def test_settings_outside_the_list_change_nothing(known: Peer, changed: Any, aimo_home: Path) -> None:
    known.send({"type": "settings", "changed": changed})
    assert known.expect("error")["code"] == "bad_message"
    assert not (aimo_home / "config" / "settings.json").exists()


def test_a_provider_that_is_switched_off_is_gone_and_never_asked(known: Peer) -> None:
    known.send({"type": "refresh", "id": "r", "trigger": "popup", "providers": ["claude"]})
    known.settled()
    after = len(known.messages)
    known.send({"type": "settings", "changed": {"providers": {"claude": "off"}}})
    entries = known.expect("welcome", after=after)["snapshot"]["entries"]
    assert [entry["provider"] for entry in entries] == ["codex", "zai", "ollama"]
    known.send({"type": "refresh", "id": "r", "trigger": "popup"})
    known.settled(after)
    asked = {message["source"].split(".")[0] for message in known.messages[after:] if message["type"] == "ask"}
    assert asked == {"codex", "zai", "ollama"}


def test_what_was_asked_of_a_provider_before_it_was_switched_off_is_withdrawn(aimo_home: Path) -> None:
    (aimo_home / "state").mkdir(parents=True)
    wanted = {"claude": {"at": time.time() - 60, "named": False, "trigger": "agent"}}
    (aimo_home / "state" / "refresh.json").write_text(json.dumps({"schema": 1, "wanted": wanted, "settled": {}}))
    with Peer() as options_page:
        options_page.send({"type": "settings", "changed": {"providers": {"claude": "off"}}})
        assert options_page.expect("welcome")["refresh_pending"] is False
        options_page.hello()
        options_page.send({"type": "refresh", "id": "r", "trigger": "popup", "providers": ["zai"]})
        options_page.settled()
        assert {m["source"] for m in options_page.messages if m["type"] == "ask"} == {"zai.quota"}


def test_a_secret_is_kept_for_its_owner_alone_and_never_comes_back(known: Peer, aimo_home: Path) -> None:
    after = len(known.messages)
    known.send({"type": "secret", "name": "ZAI_API_KEY", "value": "abc123.CANARYsecret"})
    known.expect("welcome", after=after)
    env = aimo_home / "config" / ".env"
    assert env.read_text() == "ZAI_API_KEY=abc123.CANARYsecret\n"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert "CANARYsecret" not in json.dumps(known.messages)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PATH", "/tmp"),
        ("ZAI_API_KEY", None),
        ("ZAI_API_KEY", "two words"),
        ("ZAI_API_KEY", "a\nPATH=b"),
        (["ZAI_API_KEY"], "x"),
        (None, "x"),
    ],
)
def test_a_secret_that_has_no_place_is_refused_without_being_repeated(
    known: Peer, name: Any, value: Any, aimo_home: Path
) -> None:
    known.send({"type": "secret", "name": name, "value": value})
    error = known.expect("error")
    assert error["code"] == "bad_message"
    assert str(value) not in error["message"]
    assert not (aimo_home / "config" / ".env").exists()


def test_files_are_private_under_any_umask(aimo_home: Path) -> None:
    before = os.umask(0)
    try:
        peer = Peer()
    finally:
        os.umask(before)
    with peer:
        peer.hello()
        peer.send({"type": "refresh", "id": "r", "trigger": "popup"})
        peer.settled()
        for folder, _, names in os.walk(aimo_home):
            assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700, folder
            for name in names:
                path = os.path.join(folder, name)
                assert stat.S_IMODE(os.lstat(path).st_mode) == 0o600, path


# -- several


def test_two_profiles_are_asked_once_each_by_one_refresh() -> None:
    other = "0a1b2c3d-0000-4000-8000-000000000002"
    with Peer() as one, Peer(profile=other) as two:
        one.hello()
        two.hello()
        one.send({"type": "refresh", "id": "r", "trigger": "popup", "providers": ["zai"]})
        one.settled()
        two.settled()
        assert [one.kinds().count("ask"), two.kinds().count("ask")] == [1, 1]


def test_a_reading_of_one_browser_shows_in_the_other() -> None:
    with Peer() as one, Peer(lambda _s, _p: {"failed": "signed_out"}, profile="0a1b2c3d-0000-4000-8000-000000000002") as two:
        one.hello()
        two.hello()
        two.send({"type": "refresh", "id": "r", "trigger": "popup", "providers": ["zai"]})
        assert two.expect("entry", lambda m: m["entry"]["provider"] == "zai" and m["entry"]["ok"])


def test_killing_one_host_leaves_nobody_waiting() -> None:
    with Peer(lambda _s, _p: None) as victim, Peer(profile="0a1b2c3d-0000-4000-8000-000000000002") as survivor:
        victim.hello()
        victim.send({"type": "refresh", "id": "r", "trigger": "popup", "providers": ["zai"]})
        victim.expect("ask")
        after = len(survivor.messages)
        survivor.hello()
        victim.process.kill()
        survivor.settled(after)
        survivor.send({"type": "get"})
        assert survivor.expect("welcome", lambda m: m["snapshot"]["entries"][2]["ok"])
