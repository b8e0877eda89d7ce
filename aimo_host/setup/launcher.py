"""The text of the launchers: what native-messaging manifests name (a manifest cannot carry arguments), and `aimo` for people.

A browser started from a desktop has none of the shell's environment, so a launcher carries what `aimo install` saw. What the
environment says itself wins. Pure; nothing here may reach a shell unquoted.
"""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The sign by which a launcher is known again.
WHY = "Written by `aimo install`; run that again to change it."
#: What decides where our files lie (state/paths.py): the host must look where the person's shell looks.
_PLACES = ("AIMO_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")


def carried(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables a launcher sets where the environment does not: `AIMO_HOME` alone if it is set, it decides everything."""
    names = _PLACES[:1] if environ.get("AIMO_HOME") else _PLACES[1:]
    return {name: environ[name] for name in names if environ.get(name)}


def search_path(environ: Mapping[str, str]) -> str:
    """PATH of the moment, absolute folders only, each once."""
    folders = environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(dict.fromkeys(folder for folder in folders if os.path.isabs(folder)))


def posix(module: str, interpreter: str, environ: Mapping[str, str]) -> bytes:
    """A POSIX shell script that becomes `python -I -m module` with the arguments it got."""
    lines = ["#!/bin/sh", f"# {WHY}"]
    for name, value in carried(environ).items():
        lines.append(f'[ -n "${{{name}:-}}" ] || {name}={shlex.quote(value)}; export {name}')
    if path := search_path(environ):
        lines.append(f'PATH="${{PATH:+$PATH:}}"{shlex.quote(path)}; export PATH')
    lines.append(f'exec {shlex.quote(interpreter)} -I -m {module} "$@"')
    return os.fsencode("\n".join(lines) + "\n")


def windows(module: str, interpreter: str, environ: Mapping[str, str]) -> bytes:
    """The same as a batch file; the first line keeps it from echoing into the first frame."""
    lines = ["@echo off", f"rem {WHY}", "setlocal DisableDelayedExpansion", "chcp 65001 >nul"]
    for name, value in carried(environ).items():
        lines.append(f'if not defined {name} set "{name}={_batch(value)}"')
    if path := search_path(environ):
        lines.append(f'set "PATH=%PATH%;{_batch(path)}"')
    lines.append(f'"{_batch(interpreter)}" -I -m {module} %*')
    return ("\r\n".join(lines) + "\r\n").encode()


def _batch(value: str) -> str:
    """A path inside double quotes in a batch file. A quote cannot be part of a path there, a percent sign can."""
    return value.replace('"', "").replace("%", "%%")
