"""The built wheel, which is what people install: made once from this checkout, put into environments without any network.

wheel = build(folder)                     or build(folder, "99.0.0"), the same with another version number
env = environment(folder / "env", wheel)  the console scripts and the package; what it depends on is taken from this one
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

from tests.host.peer import REPOSITORY

#: What pip looks for when it installs a clone.
DEPENDENCIES = ("certifi", "hatchling", "httpx", "platformdirs", "python-dotenv", "rich", "selectolax")
#: What a wheel is made of.
PARTS = ("aimo_host", "extension", "manifests", "pyproject.toml", "README.md", "LICENSE")


def copy_checkout(folder: Path, version: str | None = None, *more: str) -> Path:
    """What a wheel is made of and `more` of this checkout in `folder`, with another version number where one is given."""
    for name in (*PARTS, *more):
        source, target = os.path.join(REPOSITORY, name), folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if os.path.isdir(source):
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            shutil.copy(source, target)
    if version is not None:
        _renumber(folder, version)
    return folder


def _renumber(folder: Path, version: str) -> None:
    package, manifest = folder / "aimo_host/__init__.py", folder / "extension/manifest.json"
    text, count = re.subn(r'^__version__ = ".*"$', f'__version__ = "{version}"', package.read_text(), flags=re.MULTILINE)
    assert count == 1
    package.write_text(text)
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": version}))


def build(folder: Path, version: str | None = None) -> Path:
    """A wheel of this checkout, as `pip install .` would build it."""
    source = copy_checkout(folder / "source", version)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def environment(folder: Path, wheel: Path) -> Path:
    """A virtual environment at `folder` with this wheel installed by pip. Its own packages come first."""
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)], check=True, capture_output=True)
    borrow(folder)  # pip too; the aimo of the one that runs the tests is none of its business then
    options = ["--ignore-installed", "--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"]
    subprocess.run(
        [str(folder / "bin/python"), "-I", "-m", "pip", "install", *options, str(wheel)], check=True, capture_output=True
    )
    return folder


def borrow(env: Path) -> None:
    """Lets an environment see the packages of the one that runs the tests, without running what they do at its start."""
    packages = sysconfig.get_path("purelib", vars={"base": str(env), "platbase": str(env)})
    Path(packages, "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")


def without_index(folder: Path) -> dict[str, str]:
    """Stand-ins in `folder` for the wheels of what aimo depends on; each lets its environment see the packages of this one."""
    for name in DEPENDENCIES:
        _stand_in(folder, name, importlib.metadata.version(name))
    places = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(folder), "PIP_CONFIG_FILE": os.devnull, "PIP_EXTRA_INDEX_URL": ""}
    return {**places, "PIP_NO_COMPILE": "1"}  # what is never used need not be compiled


def _stand_in(folder: Path, name: str, version: str) -> None:
    stem = f"{name.replace('-', '_')}-{version}"
    files = {
        f"{stem}.pth": sysconfig.get_path("purelib") + "\n",
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nProvides-Extra: socks\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: aimo's tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{stem}.dist-info/RECORD"))
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
        for path, content in (*files.items(), (f"{stem}.dist-info/RECORD", record)):
            archive.writestr(path, content)
