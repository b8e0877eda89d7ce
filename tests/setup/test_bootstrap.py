"""install.py: finds a Python, builds an environment whole or not at all, and says in one sentence what is missing.

pip and venv are stood in for at the one function that starts programs; what is built for real is in CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import install
from aimo_host import __version__
from aimo_host.state import paths, secrets
from tests import __main__ as runner
from tests.setup.machines import tree

OFFLINE = (
    "WARNING: Retrying after connection broken by 'NewConnectionError(...)'\nERROR: No matching distribution found for httpx\n"
)


@pytest.fixture
def env(home: Path) -> str:
    return str(home / "a" / "b" / "env-0.1.0")


class Programs:
    """Stands in for the programs that install.py starts: venv works, pip answers as told."""

    def __init__(self, code: int = 0, output: str = "", *, interrupted: bool = False) -> None:
        self.code, self.output, self.interrupted = code, output, interrupted
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], **_: object) -> tuple[int, str]:
        self.commands.append(command)
        if "venv" in command:
            os.makedirs(os.path.dirname(install.python_in(command[-1])))
            return 0, ""
        if self.interrupted:
            raise KeyboardInterrupt
        return self.code, self.output


def with_programs(monkeypatch: pytest.MonkeyPatch, programs: Programs) -> Programs:
    monkeypatch.setattr(install, "run", programs)
    return programs


@pytest.mark.parametrize("file", [install.__file__, runner.__file__])
def test_it_parses_on_python_3_8(file: str) -> None:
    ast.parse(Path(file).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_even_python_2_could_read_install_py() -> None:
    tree = ast.parse(Path(install.__file__).read_text(encoding="utf-8"))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Nonlocal, ast.AsyncFunctionDef)
    assert [node.lineno for node in ast.walk(tree) if isinstance(node, newer)] == []
    arguments = [node for node in ast.walk(tree) if isinstance(node, ast.arguments)]
    assert not any(item.kwonlyargs or any(arg.annotation for arg in item.args) for item in arguments)
    assert not any(isinstance(item, ast.Starred) for node in ast.walk(tree) if isinstance(node, ast.List) for item in node.elts)


def program(path: Path, code: int) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {code}\n")
    path.chmod(0o755)
    return str(path)


def test_candidates_are_tried_from_the_newest_down(home: Path) -> None:
    wanted = [program(home / "bin" / f"python3.{minor}", 0) for minor in (14, 12, 11)]
    assert install.candidates({"PATH": str(home / "bin")})[:3] == wanted


@pytest.mark.parametrize(("code", "answer"), [(0, True), (1, False), (127, False)])
def test_a_candidate_must_run_and_be_new_enough(home: Path, code: int, answer: bool) -> None:
    assert install.is_new_enough(program(home / "python3.14", code)) is answer


def test_a_candidate_that_cannot_be_started_is_none(home: Path) -> None:
    (home / "python3.14").write_bytes(b"\x7fELF, not")
    (home / "python3.14").chmod(0o755)
    assert not install.is_new_enough(str(home / "python3.14"))


def test_without_a_new_enough_python_it_says_so_in_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "NEEDED", (99, 0))
    monkeypatch.setattr(install, "is_new_enough", lambda path: path is None)
    with pytest.raises(install.InstallError, match=r"needs Python 99\.0 or newer"):
        install.require_python(dict(os.environ))


@pytest.mark.parametrize(
    "environ", [{"AIMO_HOME": "/x/../y"}, {"XDG_DATA_HOME": "/data"}, {"XDG_DATA_HOME": "relative"}, {}], ids=str
)
def test_the_data_folder_is_the_one_the_package_uses(environ: dict[str, str]) -> None:
    environ = {"HOME": "/home/ada", **environ}
    assert install.data_folder(environ) == paths.find(environ).data_dir


@pytest.mark.parametrize(
    "environ", [{"AIMO_HOME": "relative"}, {"HOME": "relative"}, {"HOME": "relative", "AIMO_HOME": "/x"}], ids=str
)
def test_a_relative_home_is_bad_arguments(environ: dict[str, str]) -> None:
    with pytest.raises(install.InstallError, match="must be an absolute path") as caught:
        install.data_folder({"HOME": "/home/ada", **environ})
    assert caught.value.code == 2


def test_a_relative_home_ends_it_before_anything_is_built(home: Path) -> None:
    command = [sys.executable, os.path.join(install.ROOT, "install.py")]
    environ = {**os.environ, "HOME": "relative", "AIMO_HOME": ""}
    done = subprocess.run(command, env=environ, cwd=home, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "HOME must be an absolute path, not 'relative'.\n")
    assert os.listdir(home) == []


FAILURES = [
    pytest.param(OFFLINE, "could not be reached.*NewConnectionError.*HTTPS_PROXY", id="no network"),
    pytest.param("ProxyError('Cannot connect to proxy.')", "could not be reached.*ProxyError", id="no proxy"),
    pytest.param("noise\nERROR: No space left on device\nmore", "could not install.*No space left", id="disk full"),
    pytest.param("ERROR: real\nerror: subprocess-exited-with-error", "could not install.*real", id="build"),
    pytest.param("", "could not install.*nothing at all", id="silence"),
]


@pytest.mark.parametrize(("output", "sentence"), FAILURES)
def test_a_failing_pip_is_one_sentence_and_leaves_nothing(
    home: Path, env: str, monkeypatch: pytest.MonkeyPatch, output: str, sentence: str
) -> None:
    with_programs(monkeypatch, Programs(1, output))
    with pytest.raises(install.InstallError, match=sentence) as caught:
        install.build(env, "digest", ["."])
    assert "\n" not in str(caught.value)
    assert tree(home) == {}


def test_an_interrupt_leaves_nothing(home: Path, env: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch, Programs(interrupted=True))
    with pytest.raises(KeyboardInterrupt):
        install.build(env, "digest", ["."])
    assert tree(home) == {}


DEBIAN = "The virtual environment was not created successfully because ensurepip is not\navailable.  On Debian/Ubuntu systems ..."


@pytest.mark.parametrize("output", [DEBIAN, "/usr/bin/python3: No module named venv", "No module named 'ensurepip'"])
def test_a_python_without_pip_names_the_package_to_install(env: str, monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    monkeypatch.setattr(install, "run", lambda *_, **__: (1, output))
    monkeypatch.setattr("shutil.which", lambda _: "/usr/bin/apt-get")
    with pytest.raises(install.InstallError, match=r"sudo apt install python3(\.\d+)?-venv"):
        install.make_venv(env)


def test_a_finished_environment_remembers_what_it_is_and_what_was_made_for_it(
    home: Path, env: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_programs(monkeypatch, Programs())
    install.build(env, "digest", ["."])
    assert json.loads((Path(env) / install.MARKER).read_text()) == {
        "digest": "digest",
        "created": [str(home / "a"), str(home / "a/b")],
    }
    assert install.is_complete(env, "digest")
    assert not install.is_complete(env, "another")


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", "\x00"])
def test_an_environment_with_a_broken_marker_is_not_complete(home: Path, content: str) -> None:
    (home / install.MARKER).write_text(content)
    assert not install.is_complete(str(home), "digest")


def name_in_launcher(data: Path, env: Path) -> None:
    (data / "bin").mkdir(exist_ok=True)
    (data / "bin" / "aimo-host").write_text(f"#!/bin/sh\nexec {env}/bin/python -I -m aimo_host.host\n")


def test_a_changed_checkout_is_built_beside_the_one_in_use(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch, Programs())
    plain = home / f"env-{__version__}"
    install.build(str(plain), "older source", ["."])
    name_in_launcher(home, plain)
    beside = install.environment(str(home), dry_run=False)
    assert beside is not None
    assert plain.exists()
    assert Path(beside).name.startswith(plain.name + "-")
    assert install.environment(str(home), dry_run=False) == beside


def test_an_environment_that_nothing_runs_is_built_anew_in_its_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch, Programs())
    plain = home / f"env-{__version__}"
    install.build(str(plain), "a run that never got to the launcher", ["."])
    assert install.environment(str(home), dry_run=False) == str(plain)


def test_an_environment_that_was_deleted_is_built_again_where_it_was(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch, Programs())
    plain = home / f"env-{__version__}"
    name_in_launcher(home, plain)
    assert install.environment(str(home), dry_run=False) == str(plain)
    assert plain.exists()


@pytest.mark.parametrize("name", ["env-0.1.0", "env-0.2.0"])
def test_what_a_killed_run_made_is_noted_by_the_next_one(home: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    class KilledError(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    data = home / "a" / "b"
    with monkeypatch.context() as patch:
        patch.setattr(install, "make_venv", killed)
        patch.setattr(install, "remove", lambda _: None)  # nobody clears away after a SIGKILL
        patch.setattr(install, "remove_empty", lambda _: None)
        with pytest.raises(KilledError):
            install.build(str(data / "env-0.1.0"), "digest", ["."])
    with_programs(monkeypatch, Programs())
    install.build(str(data / name), "digest", ["."])
    assert install.created_for(str(data / name)) == [str(home / "a"), str(data)]
    assert not install.is_complete(str(data / "env-0.1.0"), "digest") or name == "env-0.1.0"


def test_a_dry_run_builds_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install.environment(str(home), dry_run=True) is None
    assert f"Would build {home}" in capsys.readouterr().out
    assert tree(home) == {}


@pytest.mark.parametrize(
    ("packages", "wanted"), [([], ""), (["mcp"], "[mcp]"), (["mcp", "prometheus_client", "httpx"], "[mcp,prometheus]")]
)
def test_what_was_added_to_an_older_environment_is_added_to_the_newer_one(
    home: Path, packages: list[str], wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = home / "env-0.0.1"
    site_packages = older / "Lib" / "site-packages" if os.name == "nt" else older / "lib" / "python3.99" / "site-packages"
    for package in packages:
        (site_packages / package).mkdir(parents=True)
    programs = with_programs(monkeypatch, Programs())
    install.environment(str(home), dry_run=False)
    assert programs.commands[-1][-1] == install.ROOT + wanted


def test_every_extra_for_people_is_carried_over() -> None:
    with open(os.path.join(install.ROOT, "pyproject.toml"), "rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    assert {extra for extra, _ in install.EXTRAS} == set(extras) - {"test", "lint"}


def test_the_digest_follows_the_sources(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "ROOT", str(home))
    (home / "pack" / "__pycache__").mkdir(parents=True)
    (home / "pack" / "a.py").write_text("1")
    before = install.digest_of(("pack",))
    (home / "pack" / "__pycache__" / "a.pyc").write_text("compiled")
    assert install.digest_of(("pack",)) == before
    (home / "pack" / "a.py").write_text("2")
    assert install.digest_of(("pack",)) != before


def test_pip_is_not_led_astray_by_the_persons_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in install.MISLEADING:
        monkeypatch.setenv(name, "/elsewhere")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    environ = install.clean_environ()
    assert not set(install.MISLEADING) & set(environ)
    assert environ["PIP_INDEX_URL"] == "https://mirror.example/simple"


def test_pip_and_what_it_builds_are_given_none_of_our_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in install.SECRET:
        monkeypatch.setenv(name, "CANARY")
    assert "CANARY" not in install.clean_environ().values()


def test_every_key_that_we_keep_is_among_those() -> None:
    assert set(secrets.STORABLE) <= set(install.SECRET)


def test_the_runner_finds_skipped_javascript_tests_in_tap() -> None:
    tap = "ok 1 - fine\n    ok 2 - one # SKIP no DOM\nnot ok 3 - two # TODO later\nok 4 - a # b\n"
    assert [(found["name"], found["why"]) for found in runner._SKIPPED.finditer(tap)] == [("one", "no DOM"), ("two", "later")]


@pytest.mark.parametrize(
    ("place", "code", "words"), [("relative", 2, "must be an absolute path"), ("/dev/null/x", 1, "could not be installed")]
)
def test_what_stops_it_is_one_sentence_and_its_exit_code(place: str, code: int, words: str) -> None:
    environ = {**os.environ, "AIMO_HOME": place}
    done = subprocess.run([sys.executable, install.__file__], env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
