"""`aimo install`: tells browsers about the native host, lays the extension out, and shows the gauge.

Plans first and prints the plan under --dry-run; a second run changes nothing. Never touches a browser that is neither there
nor named, nor a file of another program.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from aimo_host.setup import SetupError, browsers, environment, plan, receipt
from aimo_host.setup.system import System
from aimo_host.state.paths import HomeNotAbsoluteError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aimo_host.setup.browsers import Browser
    from aimo_host.setup.plan import Plan


def main(argv: list[str], environ: Mapping[str, str], show_gauge: Callable[[], int] | None = None) -> int:
    """Register, then call `show_gauge`; that a row cannot be read yet is no failure of the installation.

    Returns the exit code of design §10: 0 registered, 1 nothing could be, 2 bad arguments.
    """
    options = parser("aimo install", "Register the native host with the browsers of this machine.").parse_args(argv)
    try:
        system = System.of(environ)
        environment.check(system)
        code = carry_out(options, system)
    except HomeNotAbsoluteError as error:
        return complain(str(error), 2)
    except SetupError as error:
        return complain(str(error), error.code)
    except (OSError, UnicodeError) as error:
        return complain(f"aimo could not be registered: {error}", 1)
    if code == 0 and show_gauge is not None and not options.dry_run:
        sys.stdout.write("\n")
        sys.stdout.flush()
        show_gauge()
    return code


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


def chosen(options: argparse.Namespace, system: System) -> list[Browser]:
    """The browsers that the arguments name; empty if they name none."""
    return browsers.named(system, options.browser) + [
        browsers.with_user_data_dir(system, folder) for folder in options.user_data_dir
    ]


def carry_out(options: argparse.Namespace, system: System) -> int:
    """Plan, and do it unless it is a dry run; everything is printed."""
    targets = chosen(options, system) or [browser for browser in browsers.known(system) if browser.present]
    made = plan.make(system, targets, link=options.link)
    steps = [step for step in made.steps if step.needed()]
    if options.dry_run:
        lines = [f"Would write {step.place}" for step in steps] or ["Nothing would change."]
    else:
        noted = receipt.read(system)
        noted.add(made.receipt)
        receipt.write(system, noted)
        for step in steps:
            step.apply()
        lines = _registered(made) + _next(system, link=options.link)
    sys.stdout.write("\n".join(lines) + "\n")
    for sentence in made.refused + browsers.remarks(system):
        complain(sentence, 1)
    return 1 if made.refused and not made.registered else 0


def _registered(made: Plan) -> list[str]:
    if not made.registered:
        return ["No browser was registered: none that aimo knows was found (`aimo install --browser NAME` names one)."]
    return ["Registered with:"] + [f"  {label}: {place}" for label, place in made.registered]


def _next(system: System, *, link: bool) -> list[str]:
    lines = [
        "Load the extension, once in each browser:",
        '  1. Open chrome://extensions and switch on "Developer mode".',
        f'  2. Press "Load unpacked" and choose {system.paths.extension}',
    ]
    if link:
        short = os.path.realpath(plan.command_link(system)) == os.path.realpath(system.paths.command)
        folder = os.path.dirname(plan.command_link(system))
        on_path = folder in system.environ.get("PATH", "").split(os.pathsep)
        lines.append(
            f"The command is: {'aimo' if short and on_path else plan.command_link(system) if short else system.paths.command}"
        )
    return lines
