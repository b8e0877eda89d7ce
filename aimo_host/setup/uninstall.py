"""`aimo uninstall`: takes away what `aimo install` brought, by its receipt, and leaves everything else as it is.

What a person wrote (settings, keys in `.env`) stays. With --browser or --user-data-dir only those registrations go.
"""

from __future__ import annotations

import os
import re
import sys
import time
from typing import TYPE_CHECKING

from aimo_host.setup import SetupError, browsers, manifest, plan, receipt
from aimo_host.setup.install import chosen, complain, parser
from aimo_host.setup.steps import is_link_to, remove_tree, sweep
from aimo_host.setup.system import System
from aimo_host.state import atomic, bell, presence
from aimo_host.state.paths import HomeNotAbsoluteError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from aimo_host.setup.receipt import Receipt

#: An idle host ends within a moment of the ring; one that is asking is not waited for to its end.
_HOSTS_SECONDS = 3.0
_LOOK_EVERY = 0.05


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Undo an installation. Returns the exit code of design §10: 0 done or nothing to do, 2 bad arguments."""
    options = parser("aimo uninstall", "Take away what `aimo install` brought.").parse_args(argv)
    try:
        return carry_out(options, System.of(environ))
    except HomeNotAbsoluteError as error:
        return complain(str(error), 2)
    except SetupError as error:
        return complain(str(error), error.code)
    except OSError as error:
        return complain(f"aimo could not be removed: {error}", 1)


def carry_out(options: argparse.Namespace, system: System) -> int:
    """Remove, unless it is a dry run; everything is printed."""
    noted = receipt.read(system)
    targets = chosen(options, system)
    wanted = [place for browser in targets or browsers.known(system) for place in browser.places]
    places = [place for place in dict.fromkeys(wanted if targets else noted.places + wanted) if _is_ours(system, place)]
    trees = [] if targets else [path for path in _trees(system) + noted.leftovers if os.path.lexists(path)]
    if options.dry_run:
        lines = [f"Would remove {path}" for path in places + trees]
    else:
        lines = [f"Removed {path}" for path in places + trees]
        for place in places:
            _remove(system, place)
        sweep([receipt.path(system), *noted.places])
        _note(system, noted, places, everything=not targets)
        if not targets:
            lines += _dismiss(system)
        for tree in trees:
            remove_tree(tree)
        _empty(system, noted)
    sys.stdout.write("\n".join(lines or ["Nothing to remove."]) + "\n")
    if lines and not targets:
        sys.stdout.write("Remove the extension itself in chrome://extensions.\n")
    return 0


def _is_ours(system: System, place: str) -> bool:
    """Whether what is at `place` now is what we put there."""
    if system.platform == "win32":
        return system.registry.get(place) == plan.windows_manifest(system)
    return is_link_to(place, system.paths.command) or manifest.owner(place) == system.paths.launcher


def _trees(system: System) -> list[str]:
    """What is ours as a whole in the data folder. The environments come last: this program may run in one of them."""
    data = system.paths.data_dir
    own = [os.path.dirname(system.paths.launcher), system.paths.extension, os.path.dirname(plan.windows_manifest(system))]
    environments = sorted(name for name in _names(data) if re.match(r"env-\d", name))
    return own + [os.path.join(data, name) for name in environments]


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _remove(system: System, place: str) -> None:
    if system.platform == "win32":
        del system.registry[place]
    else:
        atomic.discard(place)


def _dismiss(system: System) -> list[str]:
    """Take the launcher away and let the hosts that run end, before they write into what is about to go. Returns who stays."""
    remove_tree(os.path.dirname(system.paths.launcher))
    bell.ring(system.paths.bells_dir)
    until = time.monotonic() + _HOSTS_SECONDS
    while "host" in _here(system) and time.monotonic() < until:
        time.sleep(_LOOK_EVERY)
    return ["`aimo serve` still runs: stop it."] if "shim" in _here(system) else []


def _here(system: System) -> set[str]:
    return {str(facts.get("kind")) for facts in presence.present(system.paths.presence_dir)}


def _note(system: System, noted: Receipt, places: list[str], *, everything: bool) -> None:
    """Strike what was removed off the receipt; with everything gone, the receipt goes too."""
    if everything:
        atomic.discard(receipt.path(system))
        return
    noted.places = [place for place in noted.places if place not in places]
    receipt.write(system, noted)


def _empty(system: System, noted: Receipt) -> None:
    """Remove folders and keys that we made, the innermost first, unless they came to hold something else."""
    for folder in sorted(noted.folders, key=len, reverse=True):
        try:
            os.rmdir(folder)
        except OSError:
            continue  # in use by somebody else, or gone
    for key in sorted(noted.keys, key=len, reverse=True):
        system.registry.remove_if_empty(key)
