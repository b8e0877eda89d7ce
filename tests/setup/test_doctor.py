"""`aimo doctor` as a person runs it: its exit code, its two forms, what it never prints, and that it changes nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from aimo_host import __version__, cli
from aimo_host.setup import checks, doctor
from aimo_host.setup.system import System
from aimo_host.state import attempts, drift, jsonfile, paths, presence
from tests.setup.machines import run_install, tree

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary7f3a"
PROFILE = "99999999-0000-4000-8000-000000000001"


@pytest.fixture(autouse=True)
def any_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual port may be anybody's on the machine that runs the tests."""
    monkeypatch.setenv("AIMO_PORT", "0")


@pytest.fixture
def installed(home: Path, capsys: pytest.CaptureFixture[str]) -> paths.Paths:
    """A person with Chrome who ran `aimo install`, and whose browser was here once."""
    (home / ".config/google-chrome/Default").mkdir(parents=True)
    system = System.of(os.environ)
    assert run_install(system, "--browser", "chrome") == 0
    note(system.paths, f"codex/browser/{PROFILE}")
    capsys.readouterr()
    return system.paths


def note(where: paths.Paths, feed: str, code: str | None = None, asked: float = 1_700_000_000.0) -> None:
    def change(attempt: attempts.Attempt) -> None:
        attempt.asked, attempt.code = asked, code

    attempts.note(where, feed, change, now=asked + 10)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = doctor.main(list(arguments), os.environ)
    return code, capsys.readouterr().out


def as_json(capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    code, text = run(capsys, "--json")
    report: dict[str, Any] = json.loads(text)
    return code, report


def problems(report: dict[str, Any]) -> list[str]:
    return [f["text"] for check in report["checks"] for f in check["findings"] if f["level"] == "problem"]


@pytest.mark.usefixtures("installed")
def test_with_everything_in_order_nothing_needs_attention(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys)
    assert (code, text.splitlines()[-1]) == (0, "Nothing needs attention.")


@pytest.mark.usefixtures("installed")
def test_what_the_browser_may_lack_is_noted_and_needs_no_attention(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", CANARY)
    code, text = run(capsys)
    assert (code, "note    Set here, but perhaps not for the browser: OLLAMA_API_KEY." in text) == (0, True)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["state", "cache", "config"])
def test_a_file_in_the_place_of_a_folder_is_one_problem(
    home: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = str(home / "elsewhere" / name)
    monkeypatch.setenv("AIMO_HOME", str(home / "elsewhere"))
    (home / "elsewhere").mkdir(0o700)
    (home / "elsewhere" / name).touch()
    _, report = as_json(capsys)
    assert [text for text in problems(report) if f"elsewhere/{name}" in text] == [
        f"{place.replace(str(home), '~')} is no folder, and aimo needs one there."
    ]


@pytest.mark.usefixtures("installed")
def test_in_json_it_says_that_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = as_json(capsys)
    assert (code, report["ok"], report["aimo"], problems(report)) == (0, True, __version__, [])


def test_where_nothing_is_installed_it_says_so_and_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    code, report = as_json(capsys)
    assert (code, report["ok"]) == (1, False)
    assert "The host is not installed: there is no launcher." in problems(report)


def test_every_problem_comes_with_its_remedy(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".config/google-chrome/Default").mkdir(parents=True)
    _, report = as_json(capsys)
    found = [f for check in report["checks"] for f in check["findings"] if f["level"] == "problem"]
    assert len(found) >= 3
    assert all(finding["remedy"] and "\n" not in finding["remedy"] for finding in found)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=str)
def test_it_leaves_every_file_as_it_was(home: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(home.parent)
    run(capsys, *arguments)
    assert tree(home.parent) == before


def test_nothing_is_made_where_nothing_is(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(home.parent)
    run(capsys)
    assert tree(home.parent) == before


def test_a_relative_aimo_home_is_a_bad_argument(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AIMO_HOME", "here")
    assert run(capsys) == (2, "")


def test_the_command_line_knows_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["checks"]


def test_the_installed_command_is_examined_by_a_process_of_its_own(installed: paths.Paths) -> None:
    done = subprocess.run([installed.command, "doctor"], capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")


_PLANTED = ("ZAI_API_KEY", "OLLAMA_API_KEY", "AIMO_TOKEN", "BW_SESSION", "ZAI_REGION", "AIMO_BITWARDEN_ITEM", "SSL_CERT_FILE")


def plant(where: paths.Paths, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a canary into everything that the doctor looks at or that lies beside it."""
    for name in _PLANTED:
        monkeypatch.setenv(name, CANARY)
    monkeypatch.setenv("HTTPS_PROXY", f"ftp://{CANARY}:{CANARY}@proxy")
    monkeypatch.setenv("OLLAMA_HOST", f"http://{CANARY}")
    files = {
        where.env: f"ZAI_API_KEY={CANARY}\nOLLAMA_API_KEY='{CANARY} {CANARY}'\n{CANARY}=1\n",
        f"{home}/.codex/auth.json": json.dumps({"tokens": {"access_token": CANARY, "account_id": CANARY}}),
        f"{home}/.claude/.credentials.json": json.dumps({"claudeAiOauth": {"accessToken": CANARY}}),
        where.cache: json.dumps({"schema": 1, "entries": [{"provider": "claude", "account": CANARY, "plan": CANARY}]}),
        where.settings: json.dumps({"names": {CANARY: CANARY}}),
        f"{home}/.config/google-chrome/NativeMessagingHosts/com.aimo.host.json": json.dumps({"path": f"/{CANARY}"}),
        f"{where.extension}/manifest.json": json.dumps({"version": CANARY + "!", "key": CANARY}),
        where.launcher: f"#!/bin/sh\necho {CANARY}\n",
    }
    for path, content in files.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
    feeds = (f"claude/browser/{CANARY}", f"{CANARY}/browser/{CANARY}", f"claude/{CANARY}/-", "claude/claude_oauth/-", CANARY)
    jsonfile.save(where.attempts, {"attempts": {feed: {"asked": 1.0, "code": CANARY} for feed in feeds}})


def test_no_secret_account_or_foreign_word_is_printed(
    installed: paths.Paths, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plant(installed, home, monkeypatch)
    sign = presence.Presence(installed.presence_dir, {"kind": "host", "profile": CANARY, "version": f"{CANARY} {CANARY}"})
    printed = run(capsys)[1] + run(capsys, "--json")[1]
    sign.leave()
    assert len(printed) > 2000
    assert CANARY not in printed


@pytest.mark.usefixtures("installed")
def test_profiles_are_counted_and_never_named(capsys: pytest.CaptureFixture[str]) -> None:
    _, text = run(capsys)
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(1_700_000_000.0))
    assert f"Browser profile 1: closed, last asked {at}." in text
    assert PROFILE not in text


def test_the_home_folder_is_not_named(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("AIMO_HOME", str(home / "mine"))
    printed = run(capsys)[1] + run(capsys, "--json")[1]
    assert "~/mine" in printed
    assert str(home) not in printed


@pytest.mark.parametrize("text", ["{home}", "in {home}.", "{home}/a b", "({home})", "{home}: no"])
def test_the_home_folder_is_found_wherever_it_ends(home: Path, text: str) -> None:
    case = checks.Case(System.of(os.environ), 0.0)
    assert checks.tilde(case, text.format(home=home)) == text.format(home="~")


@pytest.mark.parametrize("before", ["", " ", "\t", "'", '"', "`", "=", "(", ",", ":"], ids=repr)
def test_the_home_folder_is_found_where_a_path_begins(home: Path, before: str) -> None:
    case = checks.Case(System.of(os.environ), 0.0)
    assert checks.tilde(case, f"{before}{home}/x") == f"{before}~/x"


@pytest.mark.parametrize("before", ["/var", "/mnt/", "a", "~", "-I"])
def test_a_longer_path_that_ends_like_the_home_folder_is_left_alone(home: Path, before: str) -> None:
    case = checks.Case(System.of(os.environ), 0.0)
    assert checks.tilde(case, f"rm {before}{home}/x") == f"rm {before}{home}/x"


@pytest.fixture
def linked(home: Path) -> checks.Case:
    """A person whose home folder is a link, one of whose names begins like the other."""
    (home / "u-really").mkdir()
    (home / "u").symlink_to(home / "u-really")
    return checks.Case(replace(System.of(os.environ), home=str(home / "u")), 0.0)


@pytest.mark.parametrize("name", ["u", "u-really"])
def test_the_home_folder_is_found_by_either_of_its_names(linked: checks.Case, home: Path, name: str) -> None:
    assert checks.tilde(linked, f"in {home / name}/x, {home / name}") == "in ~/x, ~"


@pytest.mark.parametrize("name", ["u", "u-really"])
def test_a_word_of_a_command_begins_with_either_of_its_names(linked: checks.Case, home: Path, name: str) -> None:
    words = [checks.quoted(linked, f"{home / name}{rest}") for rest in ("", "/x", "/My Files")]
    assert words == ["~", "~/x", "~/'My Files'"]


def test_a_home_folder_that_is_the_root_is_not_replaced() -> None:
    case = checks.Case(replace(System.of(os.environ), home="/"), 0.0)
    assert (checks.tilde(case, "rm /x"), checks.quoted(case, "/x")) == ("rm /x", "/x")


def test_a_neighbour_of_the_home_folder_keeps_its_name(home: Path) -> None:
    case = checks.Case(System.of(os.environ), 0.0)
    assert checks.tilde(case, f"{home}2/x") == f"{home}2/x"


def test_a_word_of_a_command_may_hold_spaces(home: Path) -> None:
    case = checks.Case(System.of(os.environ), 0.0)
    assert checks.quoted(case, f"{home}/My Files/x") == "~/'My Files/x'"
    assert checks.quoted(case, "/a b") == "'/a b'"


def test_a_check_that_fails_is_a_finding_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_case: checks.Case) -> list[checks.Finding]:
        raise ValueError(CANARY)

    monkeypatch.setitem(doctor.CHECKS, "Program", (broken, doctor.CHECKS["Program"][0]))
    code, text = run(capsys)
    assert code == 1
    assert "The check test_doctor.broken failed with ValueError." in text
    assert f"aimo {__version__}" in text
    assert CANARY not in text


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("columns", [60, 80, 200])
def test_the_text_fits_its_terminal(columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    words = [word for word in run(capsys)[1].splitlines() if len(word.split()) > 2]
    assert max(map(len, words)) <= columns


def test_a_shape_is_printed_in_one_line_ready_to_paste(capsys: pytest.CaptureFixture[str]) -> None:
    from aimo_host.gauge.model import Answer

    body = json.dumps({f"key_{word}": 1 for word in ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")})
    drift.write(paths.find(os.environ), "claude.usage", Answer(200, body), 1_700_000_000.0)
    lines = [line for line in run(capsys)[1].splitlines() if line.startswith("{")]
    assert [json.loads(line)["source"] for line in lines] == ["claude.usage"]


@pytest.mark.parametrize("code", ["no_credential", "unreachable"])
def test_bitwarden_may_be_asked_again_after_the_doctor_was_called(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    where = paths.find(os.environ)
    note(where, "zai/zai_bitwarden/-", code)
    run(capsys)
    after = attempts.of(where, "zai/zai_bitwarden/-", 1_700_000_010.0)
    assert (after.code, after.asked) == (None, 0.0)


def test_only_bitwarden_is_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    where = paths.find(os.environ)
    note(where, "zai/zai_api_key/-", "bad_credential")
    run(capsys)
    assert attempts.of(where, "zai/zai_api_key/-", 1_700_000_010.0).code == "bad_credential"


def test_it_is_not_slow_to_start_for_its_neighbours() -> None:
    program = "import sys, aimo_host.cli; sys.exit('aimo_host.setup' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, cwd=os.getcwd()).returncode == 0
