"""`aimo uninstall`: takes away what `aimo install` brought, by its receipt, and leaves everything else as it is.

What a person wrote (settings, keys in `.env`) stays. With --browser or --user-data-dir only those registrations go. What could
not be removed is said, and stays in the receipt; the command stays with it, so that a second run can finish.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aimo_host.setup import SetupError, browsers, manifest, own, plan, receipt, turn
from aimo_host.setup.install import chosen, complain, parser
from aimo_host.setup.steps import is_link_to, remove, remove_if_empty, sweep
from aimo_host.setup.system import System
from aimo_host.state import bell, presence
from aimo_host.state.paths import HomeNotAbsoluteError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from aimo_host.setup.receipt import Receipt

#: An idle host ends within a moment of the ring; one that is asking is not waited for to its end.
_HOSTS_SECONDS = 3.0
_LOOK_EVERY = 0.05


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Undo an installation. Returns the exit code of design §10: 0 done, 1 something is left, 2 bad arguments."""
    options = parser("aimo uninstall", "Take away what `aimo install` brought.").parse_args(argv)
    try:
        return carry_out(options, System.of(environ))
    except HomeNotAbsoluteError as error:
        return complain(str(error), 2)
    except SetupError as error:
        return complain(str(error), error.code)
    except OSError as error:
        return complain(f"aimo could not be removed: {error}", 1)


@dataclass
class _Removal:
    """What is ours here now, in the order in which it goes, and what happened to it."""

    noted: Receipt
    everything: bool
    places: list[str]  # manifests, registry keys and links
    first: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)  # what a second run needs: the command, and the environment it runs in
    gone: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)  # with the reason

    def report(self, path: str, reason: str | None) -> None:
        """Note how the removal of `path` ended; None is well."""
        if reason is None:
            self.gone.append(path)
        else:
            self.left[path] = reason


def carry_out(options: argparse.Namespace, system: System) -> int:
    """Remove, unless it is a dry run; everything is printed."""
    removal = _plan(options, system)
    strangers = [f"Left alone, since it is not aimo's: {path}" for path in _strangers(system, removal)]
    lines: list[str] = []
    if options.dry_run:
        lines = [f"Would remove {path}" for path in removal.places + removal.first + removal.last]
    elif removal.places or removal.first or removal.last or any(map(os.path.lexists, (receipt.path(system), turn.path(system)))):
        with turn.taken(system) as held:
            removal = _plan(options, system)  # somebody may have been at work meanwhile
            running = _apply(system, removal)
            held.leave_no_trace()
            _empty(system, removal, held.made)  # once more, now that receipt and lock are gone
        lines = [f"Removed {path}" for path in removal.gone] + running
    if lines or not removal.left:
        sys.stdout.write("\n".join(lines or ["Nothing to remove."]) + "\n")
    if lines and removal.everything:
        sys.stdout.write("Remove the extension itself in chrome://extensions.\n")
    for sentence in strangers + [f"Could not remove {path}: {reason}." for path, reason in removal.left.items()]:
        complain(sentence, 1)
    return complain("Set that right, then run `aimo uninstall` again.", 1) if removal.left else 0


def _plan(options: argparse.Namespace, system: System) -> _Removal:
    noted = receipt.read(system)
    targets = chosen(options, system)
    wanted = [place for browser in targets or browsers.known(system) for place in browser.places]
    places = [place for place in dict.fromkeys(wanted if targets else noted.places + wanted) if _is_ours(system, place)]
    removal = _Removal(noted, not targets, places)
    noted.named = [name for name in noted.named if targets and name not in {browser.name for browser in targets}]
    if not targets:
        mine = [path for path in own.everything(system) if own.is_ours(system, path, noted) and os.path.lexists(path)]
        grown = [path for path in plan.whole_folders(system) if path in noted.leftovers and _is_folder(path)]
        removal.first = [path for path in mine if path != system.paths.command] + grown
        removal.last = [path for path in mine if path == system.paths.command] + own.environments(system)
    return removal


def _is_ours(system: System, place: str) -> bool:
    """Whether what is at `place` now is what we put there."""
    if system.platform == "win32":
        return system.registry.get(place) == own.windows_manifest(system)
    return is_link_to(place, system.paths.command) or manifest.is_ours(place, system.paths.launcher)


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


def _strangers(system: System, removal: _Removal) -> list[str]:
    """What lies where something of ours would, and is somebody else's."""
    if not removal.everything:
        return []
    return [path for path in own.everything(system) if os.path.lexists(path) and not own.is_ours(system, path, removal.noted)]


def _apply(system: System, removal: _Removal) -> list[str]:
    """Remove, the innermost part of the installation last. Returns a line about who is still running."""
    noted, running = removal.noted, []
    for place in removal.places:
        removal.report(place, _strike(system, place))
    sweep([receipt.path(system), *noted.places, *own.beside_no_link(system)])
    if removal.everything:
        running = _dismiss(system, removal)
    for path in removal.first:
        removal.report(path, remove(path, but=turn.path(system)))
    for path in removal.last if not removal.left else ():
        removal.report(path, _in_use(system, path, _remove_last(path)))
    _empty(system, removal)
    _note(system, removal)
    return running


def _strike(system: System, place: str) -> str | None:
    """Take one registration away; returns why it is still there."""
    if system.platform != "win32":
        return remove(place)
    try:
        del system.registry[place]
    except KeyError as error:
        reason = error.__cause__
        return str(getattr(reason, "strerror", None) or reason) if _is_ours(system, place) else None
    return None


def _remove_last(path: str) -> str | None:
    """The command, or an environment: which is known as ours by its marker, so that goes last."""
    return remove(path, but=os.path.join(path, receipt.ENVIRONMENT_MARKER)) or remove(path)


def _in_use(system: System, path: str, reason: str | None) -> str | None:
    """Windows removes no program that runs, and this one may run in the environment that is to go."""
    if reason is not None and system.platform == "win32" and system.prefix == path:
        return f"{reason}; this program runs in it, so remove that folder yourself"
    return reason


def _dismiss(system: System, removal: _Removal) -> list[str]:
    """Take the launcher away and let the hosts that run end, before they write into what is about to go. Returns who stays."""
    for path in [path for path in removal.first if path == system.paths.launcher]:
        removal.report(path, remove(path))
        removal.first.remove(path)
    bell.ring(system.paths.bells_dir)
    until = time.monotonic() + _HOSTS_SECONDS
    while "host" in _here(system) and time.monotonic() < until:
        time.sleep(_LOOK_EVERY)
    return ["`aimo serve` still runs: stop it."] if "shim" in _here(system) else []


def _here(system: System) -> set[str]:
    return {str(facts.get("kind")) for facts in presence.present(system.paths.presence_dir)}


def _note(system: System, removal: _Removal) -> None:
    """Strike what was removed off the receipt; with everything gone, the receipt goes too."""
    noted, gone = removal.noted, set(removal.gone)
    if removal.everything and not removal.left:
        removal.left.update({path: reason for path in [receipt.path(system)] if (reason := remove(path)) is not None})
        return
    noted.places = [place for place in noted.places if place not in gone]
    noted.leftovers = [folder for folder in noted.leftovers if folder not in gone]
    try:
        receipt.write(system, noted)
    except OSError:
        return  # it says too much then, which does no harm


def _empty(system: System, removal: _Removal, more: Iterable[str] = ()) -> None:
    """Remove folders and keys that we made, the innermost first, unless they came to hold something else."""
    folders = {*removal.noted.folders, *more}
    if removal.everything:
        folders |= {os.path.dirname(path) for path in own.everything(system)} - {system.paths.data_dir}
    for folder in sorted(folders, key=len, reverse=True):
        if (reason := remove_if_empty(folder)) is not None:
            removal.left[folder] = reason
    for key in sorted(removal.noted.keys, key=len, reverse=True):
        system.registry.remove_if_empty(key)
