"""What people install is the wheel: registered, started by its launcher, examined, replaced, killed half-way, taken away again.

Every process here runs from an environment into which pip has put the built wheel; nothing is imported from the checkout.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from aimo_host import __version__
from aimo_host.setup import plan
from aimo_host.state import paths, presence
from tests.browser.processes import until
from tests.host.peer import REPOSITORY, Peer, environment
from tests.setup import wheels
from tests.setup.machines import tree

NEWER = "99.0.0"
MANIFEST = ".config/google-chrome/NativeMessagingHosts/com.aimo.host.json"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheels.build(tmp_path_factory.mktemp("w"))


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """An environment with the aimo of this checkout."""
    return wheels.environment(tmp_path_factory.mktemp("e") / "env", wheel)


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with an aimo that only has a higher version number."""
    folder = tmp_path_factory.mktemp("n")
    return wheels.environment(folder / "env", wheels.build(folder, NEWER))


@pytest.fixture
def chrome(home: Path) -> Path:
    """A home with one browser, which the person has used."""
    (home / ".config/google-chrome/Default").mkdir(parents=True)
    return home


def aimo(env: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The console script, from a folder that is nobody's."""
    command = [str(env / "bin/aimo"), *arguments]
    return subprocess.run(
        command, env=environment(AIMO_PORT="0"), cwd="/", capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def install(env: Path, *arguments: str) -> str:
    """As a person does it: by the console script, which shows the gauge at the end."""
    done = aimo(env, "install", "--browser", "chrome", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def registered(env: Path, *arguments: str) -> None:
    """The same up to the gauge, which asks all providers and costs more than all the rest."""
    program = "import os, sys; from aimo_host.setup import install; sys.exit(install.main(sys.argv[1:], os.environ))"
    command = [str(env / "bin/python"), "-I", "-c", program, "--browser", "chrome", *arguments]
    subprocess.run(command, env=environment(), cwd="/", capture_output=True, check=True)


def places() -> paths.Paths:
    return paths.find(os.environ)


def browser() -> Peer:
    """A browser that was started from the desktop: it has none of the shell's variables, and starts what its manifest names."""
    manifest = json.loads((Path(os.environ["HOME"]) / MANIFEST).read_text())
    environ = {"HOME": os.environ["HOME"], "PATH": "/usr/bin:/bin", "HTTPS_PROXY": "http://127.0.0.1:9"}
    return Peer(command=(manifest["path"],), environ=environ)


def stamps(folder: Path) -> dict[str, tuple[int, object, int]]:
    """Mode, content and time of change of everything that installing brought (using it has a folder of its own)."""
    found = {name: (*what, (folder / name).lstat().st_mtime_ns) for name, what in tree(folder).items()}
    return {name: what for name, what in found.items() if not name.startswith(("aimo/state", "aimo/cache"))}


# -- what is in it


def test_the_wheel_carries_the_extension_and_the_manifests_as_they_are_here(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        carried = {name: archive.read(name) for name in archive.namelist()}
    for folder in ("extension", "manifests"):
        for path in (file for file in Path(REPOSITORY, folder).rglob("*") if file.is_file()):
            name = f"aimo_host/_bundled/{path.relative_to(REPOSITORY)}"
            assert carried.pop(name) == path.read_bytes(), name
    assert [name for name in carried if "_bundled" in name] == []


def test_the_wheel_carries_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if "_bundled" not in name and ".dist-info/" not in name}
    here = {str(path.relative_to(REPOSITORY)) for path in Path(REPOSITORY, "aimo_host").rglob("*") if path.is_file()}
    assert names == {name for name in here if "__pycache__" not in name}


# -- installed


def test_a_browser_finds_the_host_of_the_wheel_and_is_welcomed(chrome: Path, older: Path) -> None:
    install(older)
    launcher = Path(places().launcher).read_text()
    assert f"exec {shlex.quote(str(older / 'bin/python'))} -I -m aimo_host.host" in launcher
    assert json.loads((chrome / MANIFEST).read_text())["path"] == places().launcher
    with browser() as peer:
        welcome = peer.hello()
        assert (welcome["host"], welcome["extension_version"]) == (__version__, __version__)
        assert len(presence.present(places().presence_dir)) == 1, "the launcher leads to the same files as the shell"


def test_the_extension_is_laid_out_from_the_wheel(chrome: Path, older: Path) -> None:
    assert chrome.exists()
    registered(older)
    laid_out = {name: content for name, (_, content) in tree(Path(places().extension)).items() if content is not None}
    assert laid_out == plan.extension_files()


def test_the_doctor_has_nothing_to_say_about_it(chrome: Path, older: Path) -> None:
    assert chrome.exists()
    registered(older)
    with browser() as peer:
        peer.hello()
        done = aimo(older, "doctor")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing needs attention." in done.stdout, done.stdout


def test_the_doctor_names_the_newer_one_that_browsers_start(chrome: Path, older: Path, newer: Path) -> None:
    assert chrome.exists()
    registered(newer)
    done = aimo(older, "doctor")
    assert done.returncode == 1
    assert f"Browsers start the host of aimo {NEWER}" in done.stdout


def test_a_second_run_changes_neither_bytes_nor_times(chrome: Path, older: Path) -> None:
    install(older)
    before = stamps(chrome.parent)
    install(older)
    assert stamps(chrome.parent) == before


def test_a_dry_run_writes_nothing_at_all(chrome: Path, older: Path) -> None:
    before = tree(chrome.parent)
    assert f"Would write {places().launcher}" in install(older, "--dry-run")
    assert tree(chrome.parent) == before


# -- another version


@pytest.mark.parametrize("direction", ["upgrade", "downgrade"])
def test_host_and_extension_of_the_other_version_take_over_while_a_browser_is_open(
    chrome: Path, older: Path, newer: Path, direction: str
) -> None:
    assert chrome.exists()
    first, second, version = (older, newer, NEWER) if direction == "upgrade" else (newer, older, __version__)
    registered(first)
    with browser() as before:
        before.hello()
        registered(second)
        assert before.exit_code() == 0
    with browser() as after:
        welcome = after.hello()
        assert (welcome["host"], welcome["extension_version"]) == (version, version)


def test_the_same_version_from_another_environment_takes_over_too(chrome: Path, older: Path) -> None:
    registered(older)
    with browser() as before:
        before.hello()
        put(chrome / "another" / "env", older)
        registered(chrome / "another" / "env")
        assert before.exit_code() == 0
    with browser() as after:
        after.hello()


def test_an_environment_that_was_deleted_is_named_by_the_doctor_and_mended_by_the_next_run(
    chrome: Path, older: Path, newer: Path
) -> None:
    assert chrome.exists()
    registered(older)
    launcher = Path(places().launcher)
    launcher.write_text(launcher.read_text().replace(str(older), str(older) + "-deleted"))
    done = aimo(newer, "doctor", "--json")
    assert "its Python or aimo's files may be gone" in done.stdout
    install(newer)
    with browser() as peer:
        assert peer.hello()["host"] == NEWER


# -- away again


def test_uninstalling_takes_everything_away_that_two_versions_and_their_use_have_brought(
    chrome: Path, older: Path, newer: Path
) -> None:
    before = tree(chrome.parent)
    install(older, "--link")
    with browser() as peer:
        peer.hello()
        peer.send({"type": "refresh", "id": "r", "trigger": "popup"})
        peer.settled(after=1)
        install(newer, "--link")
        assert peer.exit_code() == 0
    assert tree(chrome.parent) != before
    done = aimo(newer, "uninstall")
    assert done.returncode == 0, done.stderr
    assert tree(chrome.parent) == before


def test_uninstalling_ends_the_hosts_that_run(chrome: Path, older: Path) -> None:
    before = tree(chrome.parent)
    registered(older)
    with browser() as peer:
        peer.hello()
        assert aimo(older, "uninstall").returncode == 0
        assert peer.exit_code() == 0
        assert tree(chrome.parent) == before


def test_a_dashboard_that_runs_goes_on_as_the_newer_one_and_is_mentioned_by_who_takes_it_away(
    chrome: Path, older: Path, newer: Path
) -> None:
    assert chrome.exists()
    assert "`aimo serve`" not in install(older)
    serving = subprocess.Popen(
        [str(older / "bin/aimo"), "serve", "--port", "0"], env=environment(), cwd="/", stdout=subprocess.DEVNULL
    )
    try:
        until(lambda: presence.present(places().presence_dir), "it serves")
        assert "`aimo serve`" not in install(newer)
        until(lambda: presence.present(places().presence_dir), "it serves again")  # the older one takes its sign down first
        [shim] = presence.present(places().presence_dir)
        assert (shim["kind"], shim["pid"], shim["version"]) == ("shim", serving.pid, NEWER)
        assert "`aimo serve` still runs: stop it." in aimo(newer, "uninstall").stdout
    finally:
        serving.terminate()
        serving.wait()


# -- killed

#: Runs `aimo install` and kills it before its Nth change of the disk.
_KILLED = """
import os, signal, sys
left = int(sys.argv.pop(1))
changes = {"os.mkdir", "os.rename", "os.symlink", "os.chmod"}
def count(event, args):
    global left
    writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if event in changes or writes:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
from aimo_host.setup import install
sys.addaudithook(count)
sys.exit(install.main(sys.argv[1:], os.environ))
"""
#: Before the lock, in it, in the receipt, between it and the launchers, in the extension (three changes a file), manifest, link.
MOMENTS = [1, 3, 6, 8, 10, 12, 16, 20, 100, -3, -1]


def kill_at(env: Path, moment: int) -> int:
    """How `aimo install` ended that was killed before its change number `moment`."""
    command = [str(env / "bin/python"), "-I", "-c", _KILLED, str(moment), "--browser", "chrome", "--link"]
    return subprocess.run(command, env=environment(), cwd="/", capture_output=True, check=False).returncode


@pytest.fixture(scope="module")
def changes(older: Path, tmp_path_factory: pytest.TempPathFactory) -> int:
    """How many changes an undisturbed installation makes on a machine like this test's."""
    folder = tmp_path_factory.mktemp("c")
    (folder / ".config/google-chrome").mkdir(parents=True)
    counting = _KILLED.replace("sys.exit(", "code = (") + "\nprint(-left)\nsys.exit(code)"
    command = [str(older / "bin/python"), "-I", "-c", counting, "0", "--browser", "chrome", "--link"]
    environ = {**environment(), "HOME": str(folder), "AIMO_HOME": str(folder / "aimo"), "XDG_CONFIG_HOME": ""}
    done = subprocess.run(command, env=environ, cwd="/", capture_output=True, text=True, check=True)
    return int(done.stdout.splitlines()[-1])


def files_in(folder: Path) -> dict[str, object]:
    """Files with their modes; which of our own folders are there before the receipt is, nobody has noted."""
    return {name: what for name, what in tree(folder).items() if what[1] is not None}


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_a_killed_installation_left_is_mended_by_the_next_one_and_taken_away_whole(
    chrome: Path, older: Path, changes: int, moment: int
) -> None:
    before = files_in(chrome.parent)
    assert kill_at(older, moment if moment > 0 else changes + 1 + moment) == -signal.SIGKILL
    registered(older, "--link")
    assert list(chrome.parent.rglob("*.part")) == []
    with browser() as peer:
        assert peer.hello()["extension_version"] == __version__
    assert aimo(older, "uninstall").returncode == 0
    assert files_in(chrome.parent) == before
    assert sorted(path.name for path in chrome.iterdir()) == [".config"]


@pytest.mark.parametrize("moment", [4, 9, 16, -3])
def test_what_a_killed_installation_left_can_be_taken_away_at_once(chrome: Path, older: Path, changes: int, moment: int) -> None:
    before = files_in(chrome.parent)
    assert kill_at(older, moment if moment > 0 else changes + 1 + moment) == -signal.SIGKILL
    assert aimo(older, "uninstall").returncode == 0
    assert files_in(chrome.parent) == before


# -- where other installers put it

#: Folder below the home -> what a browser may rely on.
LASTING = [".local/share/uv/tools/aimo", ".local/share/pipx/venvs/aimo"]
THROW_AWAY = [".cache/uv/archive-v0/AbCdEf", ".cache/pipx/0a1b2c3d4e5f607"]


def put(folder: Path, env: Path) -> Path:
    """An environment at `folder` that takes aimo from `env`, and its command as these installers link it."""
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)], check=True, capture_output=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    (theirs,) = env.glob("lib/python3*/site-packages")
    (packages / "aimo.pth").write_text(f"{theirs}\n")
    wheels.borrow(folder)
    script = folder / "bin/aimo"
    script.write_text(f"#!{folder}/bin/python\nimport sys\nfrom aimo_host.cli import main\nsys.exit(main())\n")
    script.chmod(0o755)
    command = folder.parent / "linked"
    command.symlink_to(script)
    return command


@pytest.mark.parametrize("place", LASTING)
def test_the_environment_of_an_installer_of_programs_is_what_the_launcher_names(chrome: Path, older: Path, place: str) -> None:
    command = put(chrome / place, older)
    done = subprocess.run(
        [str(command), "install", "--browser", "chrome"], env=environment(), cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"exec {chrome}/{place}/bin/python -I -m aimo_host.host" in Path(places().launcher).read_text()
    with browser() as peer:
        peer.hello()


@pytest.mark.parametrize("place", THROW_AWAY)
def test_an_environment_that_is_thrown_away_is_refused_and_nothing_is_written(chrome: Path, older: Path, place: str) -> None:
    command = put(chrome / place, older)
    before = tree(chrome.parent)
    done = subprocess.run([str(command), "install"], env=environment(), cwd="/", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "`uv tool install` or `pipx install` the wheel" in done.stderr
    assert tree(chrome.parent) == before
