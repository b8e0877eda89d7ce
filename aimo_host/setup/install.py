"""`aimo install`: tells browsers about the native host, lays the extension out, leads the person on, and shows the gauge.

Plans first and prints the plan under --dry-run; a second run changes nothing. Never touches a browser that is neither there
nor named, nor a file of another program.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from aimo_host import __version__
from aimo_host.setup import SetupError, browsers, environment, leading, plan, receipt, turn
from aimo_host.setup.steps import LayOut, Write, sweep
from aimo_host.setup.system import System
from aimo_host.state import bell, presence
from aimo_host.state.paths import HomeNotAbsoluteError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aimo_host.setup.browsers import Browser
    from aimo_host.setup.plan import Plan

#: What `aimo serve` is given to go on as the newer one that was just installed.
_TAKES_OVER_SECONDS = 5.0


def main(argv: list[str], environ: Mapping[str, str], show_gauge: Callable[[], int] | None = None) -> int:
    """Register, say what to do in the browser, then call `show_gauge`; that a row cannot be read yet is no failure.

    Returns the exit code of design §10: 0 registered, 1 nothing could be, or not everywhere, 2 bad arguments.
    """
    options = parser("aimo install", "Register the native host with the browsers of this machine.").parse_args(argv)
    try:
        system = System.of(environ)
        environment.check(system)
        was_connected = leading.is_here(system.paths)
        done = carry_out(options, system)
    except HomeNotAbsoluteError as error:
        return complain(str(error), 2)
    except SetupError as error:
        return complain(str(error), error.code)
    except (OSError, UnicodeError) as error:
        return complain(f"aimo could not be registered: {error}", 1)
    if (done.code == 0 or done.is_registered) and show_gauge is not None and not options.dry_run:
        if done.is_registered:
            sys.stdout.write("\n")
        attended = leading.is_attended()
        if not done.is_registered or leading.lead_on(system, attended=attended, was_connected=was_connected):
            sys.stdout.write("\n")
            sys.stdout.flush()
            show_gauge()
            if done.is_registered:
                leading.remind(system.paths)
    return done.code


def parser(program: str, purpose: str) -> argparse.ArgumentParser:
    """The arguments that `aimo install` and `aimo uninstall` share."""
    arguments = argparse.ArgumentParser(prog=program, description=purpose)
    arguments.add_argument(
        "--browser", metavar="NAME", action="append", default=[], help="only this browser, there or not (repeatable)"
    )
    arguments.add_argument(
        "--user-data-dir",
        metavar="DIR",
        action="append",
        default=[],
        help="only a browser started with that flag (repeatable; Linux and macOS)",
    )
    arguments.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    arguments.add_argument("--link", action="store_true", help=argparse.SUPPRESS)  # install.py: ~/.local/bin/aimo as well
    return arguments


def complain(sentence: str, code: int) -> int:
    """The one place where a setup command says that something is wrong."""
    sys.stderr.write(sentence + "\n")
    return code


def targets(options: argparse.Namespace, system: System) -> list[Browser]:
    """The browsers that the arguments name, else those that are there.

    Raises:
        SetupError: there is no such browser.
    """
    return chosen(options, system) or [browser for browser in browsers.known(system) if browser.present]


def chosen(options: argparse.Namespace, system: System) -> list[Browser]:
    """The browsers that the arguments name; empty if they name none."""
    return browsers.named(system, options.browser) + [
        browsers.with_user_data_dir(system, folder) for folder in options.user_data_dir
    ]


class Done(NamedTuple):
    """How it ended: the exit code, and whether a browser knows our host now."""

    code: int
    is_registered: bool


def carry_out(options: argparse.Namespace, system: System) -> Done:
    """Plan, and do it unless it is a dry run; everything is printed."""
    wanted = targets(options, system)
    made = plan.make(system, wanted, link=options.link)
    failed: list[str] = []
    if options.dry_run:
        lines = _would(made) or ["Nothing would change."]
    else:
        with turn.taken(system) as held:
            made = plan.make(system, wanted, link=options.link, made=held.made)  # somebody may have been at work meanwhile
            made.receipt.named += options.browser
            lines, failed = _apply(system, made)
        lines += _registered(made) + ([_command(system)] if options.link else []) + _older_dashboard(system)
    sys.stdout.write("\n".join(lines) + "\n")
    for sentence in failed + made.refused + browsers.remarks(system):
        complain(sentence, 1)
    is_registered = bool(made.registered)
    return Done(1 if failed or (made.refused and not is_registered) else 0, is_registered=is_registered)


def _would(made: Plan) -> list[str]:
    needed = [step for step in [*made.steps, *made.registrations] if step.needed()]
    return [f"Would remove {path}" for path in _strays(made)] + [f"Would write {step.place}" for step in needed]


def _strays(made: Plan) -> list[str]:
    """Files in a folder of ours that do not belong there (any more)."""
    return [path for step in made.steps if isinstance(step, LayOut) for path in step.strays()]


def _apply(system: System, made: Plan) -> tuple[list[str], list[str]]:
    """Note it down, then do it, then let the hosts that run know: one that is not the one installed now makes way for it.

    Returns lines about what was removed, and a sentence for each browser that could not be registered.
    """
    noted = receipt.read(system)
    noted.add(made.receipt)
    receipt.write(system, noted)
    steps = [*made.steps, *made.registrations]
    sweep([receipt.path(system), *(step.place for step in steps if isinstance(step, Write))])
    removed = [f"Removed {path}" for path in _strays(made)]
    needed = [step.needed() for step in steps]
    for step in made.steps:
        if step.needed():
            step.apply()
    failed = _register(made)
    if any(needed):
        bell.ring(system.paths.bells_dir)
    return removed, failed


def _register(made: Plan) -> list[str]:
    """Take the steps of which each is worth something without the others; those that failed are not in the plan any more."""
    failed: dict[str, str] = {}
    for step in made.registrations:
        try:
            if step.needed():
                step.apply()
        except OSError as error:
            failed[step.place] = error.strerror or str(error)  # of the link nothing is said but the command's whole path
    sentences = [
        f"Could not register with {label}: {place}: {failed[place]}." for label, place in made.registered if place in failed
    ]
    made.registered = [(label, place) for label, place in made.registered if place not in failed]
    return sentences


def _registered(made: Plan) -> list[str]:
    if not made.registered:
        return ["No browser was registered: none that aimo knows was found (`aimo install --browser NAME` names one)."]
    return ["Registered with:"] + [f"  {label}: {place}" for label, place in made.registered]


def _older_dashboard(system: System) -> list[str]:
    """A server goes on as the newer one by itself, but on Windows, and where it is older than that."""
    deadline = time.monotonic() + _TAKES_OVER_SECONDS
    while _serves_older(system):
        if time.monotonic() > deadline:
            return ["`aimo serve` still runs as another version: stop it, and start it again."]
        time.sleep(0.05)
    return []


def _serves_older(system: System) -> bool:
    here = presence.present(system.paths.presence_dir)
    return any(facts.get("version", __version__) != __version__ for facts in here if facts.get("kind") == "shim")


def _command(system: System) -> str:
    """How a person's shell calls aimo."""
    link = plan.command_link(system)
    is_linked = os.path.realpath(link) == os.path.realpath(system.paths.command)
    on_path = os.path.dirname(link) in system.environ.get("PATH", "").split(os.pathsep)
    return f"The command is: {'aimo' if is_linked and on_path else link if is_linked else system.paths.command}"
