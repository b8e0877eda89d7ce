"""What an installation consists of: decided here from what the machine looks like, written nowhere.

Never plans to replace what belongs to another program; that becomes a sentence for the person instead.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aimo_host.setup import launcher, manifest, own, turn
from aimo_host.setup.receipt import Receipt, made_for_environment, read
from aimo_host.setup.steps import LayOut, Link, Register, Write, files_in, is_link_to, missing_folders
from aimo_host.state import paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aimo_host.setup.browsers import Browser
    from aimo_host.setup.steps import Step
    from aimo_host.setup.system import System


@dataclass
class Plan:
    """Steps in order, whether or not they are still needed, and what the person should know."""

    steps: list[Step] = field(default_factory=list)  # without one of them there is no installation
    registrations: list[Step] = field(default_factory=list)  # and of these each is worth something without the others
    registered: list[tuple[str, str]] = field(default_factory=list)  # label of a browser, manifest or key
    refused: list[str] = field(default_factory=list)  # sentences: places that belong to others
    receipt: Receipt = field(default_factory=Receipt)


def make(system: System, browsers: Sequence[Browser], *, link: bool, made: Sequence[str] = ()) -> Plan:
    """The plan that registers the host with `browsers` and lays the extension out; `link` puts `aimo` on the PATH too.

    Folders in `made` were made just now for the installation, and count as missing.

    Raises:
        SetupError: somebody else's files lie in the data folder where ours belong.
    """
    own.check(system, read(system))
    plan = Plan(receipt=Receipt(own=own.everything(system)))
    _launchers(system, plan)
    plan.steps.append(LayOut(system.paths.extension, extension_files()))
    for browser in browsers:
        for place in browser.places:
            _registration(system, browser, place, plan)
    if link:
        _link(system, plan)
    plan.receipt.folders += [*made, *made_for_environment(system)]
    steps = [*plan.steps, *plan.registrations]
    for place in [step.place for step in steps if not isinstance(step, Register)] + _by_use(system):
        plan.receipt.add(Receipt(folders=missing_folders(place)))
    plan.receipt.leftovers += [folder for folder in whole_folders(system) if folder in made or not os.path.exists(folder)]
    return plan


def extension_files() -> dict[str, bytes]:
    """The extension that came with this code: content by path relative to its folder."""
    source = paths.bundled("extension")
    files: dict[str, bytes] = {}
    for path in files_in(source):
        if not os.path.basename(path).startswith("."):
            with open(path, "rb") as file:
                files[os.path.relpath(path, source)] = file.read()
    return files


def command_link(system: System) -> str:
    """Where a person's shell may find `aimo`."""
    return os.path.join(system.home, ".local", "bin", "aimo")


def _launchers(system: System, plan: Plan) -> None:
    write = launcher.windows if system.platform == "win32" else launcher.posix
    for place, module in ((system.paths.launcher, "aimo_host.host"), (system.paths.command, "aimo_host")):
        plan.steps.append(Write(place, write(module, system.interpreter, system.environ), 0o700))
    if system.platform == "win32":
        plan.steps.append(Write(own.windows_manifest(system), manifest.content(system.paths.launcher), 0o644))


def _registration(system: System, browser: Browser, place: str, plan: Plan) -> None:
    if system.platform == "win32":
        ours, named = own.windows_manifest(system), system.registry.get(place)
        reason = f"it names another program ({named})" if named and named != ours else None  # without a value it is nobody's
        step: Step = Register(place, ours, system.registry)
        plan.receipt.add(Receipt(keys=[key for key in _keys_above(place) if key not in system.registry]))
    else:
        reason = manifest.objection(place, system.paths.launcher)
        step = Write(place, manifest.content(system.paths.launcher), 0o644)
    if reason is not None:
        plan.refused.append(f"Left alone, since {reason}: {place}")
        return
    plan.registered.append((browser.label, place))
    if place not in plan.receipt.places:  # two browsers may share a place
        plan.receipt.places.append(place)
        plan.registrations.append(step)


def _keys_above(key: str) -> list[str]:
    """The keys above `key`, the outermost first."""
    parts = key.split("\\")
    return ["\\".join(parts[:count]) for count in range(1, len(parts))]


def _link(system: System, plan: Plan) -> None:
    place = command_link(system)
    if system.platform == "win32" or manifest.not_a_folder(place) is not None:
        return
    if os.path.lexists(place) and not is_link_to(place, system.paths.command):
        return
    plan.receipt.places.append(place)
    plan.registrations.append(Link(place, system.paths.command))


def whole_folders(system: System) -> list[str]:
    """Folders that hold what aimo itself notes down, and nothing a person wrote (on some systems they are one and the same)."""
    shared = {system.paths.data_dir, system.paths.config_dir}
    return [folder for folder in (system.paths.cache_dir, system.paths.state_dir) if folder not in shared]


def _by_use(system: System) -> list[str]:
    """Something in each folder that the use of aimo brings about."""
    where = system.paths
    return [where.cache, where.log, where.settings, turn.path(system)]
