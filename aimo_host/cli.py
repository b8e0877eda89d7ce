"""`aimo`: the entrance for people and scripts. One command, one function, one exit code; stdout carries the answer only.

A cached read imports next to nothing. Everything else is imported by the command that needs it.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from typing import Any

    from aimo_host.state.paths import Paths

    Entries = list[dict[str, Any]]

OK, OUR_FAULT, BAD_ARGUMENTS, UNKNOWN, INTERRUPTED = 0, 1, 2, 4, 130


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code (design §10). Turns every exception into a sentence and a code."""
    arguments = sys.argv[1:] if argv is None else argv
    _have_streams()
    return _guarded(lambda: _run(arguments))


def _guarded(work: Callable[[], int]) -> int:
    from aimo_host.state.paths import HomeNotAbsoluteError

    try:
        code = work()
        sys.stdout.flush()
    except HomeNotAbsoluteError as error:
        sys.stderr.write(f"aimo: {error}\n")
        return BAD_ARGUMENTS
    except KeyboardInterrupt as interrupt:
        return getattr(interrupt, "code", INTERRUPTED)
    except BrokenPipeError:
        # The reader has seen enough.
        _drop_stdout()
        return OK
    except OSError as error:
        sys.stderr.write(f"aimo: {error.strerror or type(error).__name__}: {error.filename or 'a file'}\n")
        _drop_stdout()
        return OUR_FAULT
    except Exception as error:  # noqa: BLE001 - its text may hold what came from outside; its kind and place cannot
        sys.stderr.write(f"aimo: failed with {type(error).__name__} at {_place(error)}. Please report it.\n")
        return OUR_FAULT
    return code


def _have_streams() -> None:
    """Somewhere to write even if a stream was closed for us; and a name that the terminal cannot spell is no reason to fail."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - for as long as we run
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def _drop_stdout() -> None:
    """Nothing more may be flushed into a stdout that takes nothing, least of all at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _place(error: BaseException) -> str:
    """Module and line where it was raised."""
    trace, place = error.__traceback__, "?"
    while trace is not None:
        place = f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _run(arguments: list[str]) -> int:
    # The status lines and scripts that run at every prompt ask exactly this.
    if sorted(arguments) == ["--cached", "--json"]:
        _hurry()
        return _print_json(_cached(_paths()))
    if arguments[:1] == ["line"]:
        return _line(arguments[1:])
    from aimo_host import stop

    return stop.as_by_an_interrupt(lambda: _dispatch(arguments))


def _hurry() -> None:
    """A process that ends in an instant leaves no garbage worth collecting; to look for it is a tenth of its time."""
    import gc

    gc.disable()


def _paths() -> Paths:
    from aimo_host.state import paths

    return paths.find(os.environ)


def _cached(paths: Paths) -> Entries:
    from aimo_host.gauge import snapshot
    from aimo_host.state import cache, settings

    return snapshot.entries_at(cache.read(paths), settings.read(paths), time.time())


def _print_json(entries: Entries) -> int:
    import json

    # In ASCII, which every pipe and code page can carry.
    sys.stdout.write(json.dumps(entries, indent=1) + "\n")
    return _readings_code(entries)


def _readings_code(entries: Entries) -> int:
    """0 if there is at least one reading."""
    return OK if any(entry["observed_at"] is not None for entry in entries) else UNKNOWN


def _dispatch(arguments: list[str]) -> int:
    if arguments and arguments[0] in _OTHER_ENTRANCES:
        return _OTHER_ENTRANCES[arguments[0]](arguments[1:])
    behind = next((word for word in arguments[1:] if word in _OTHER_ENTRANCES), None)
    if behind is not None and arguments[0].startswith("-"):
        sys.stderr.write(f"aimo: the command comes first: aimo {behind} {arguments[0]}\n")
        return BAD_ARGUMENTS
    if arguments and not arguments[0].startswith("-") and arguments[0] not in _OWN_COMMANDS:
        sys.stderr.write(f"aimo: there is no command {arguments[0]!r}. {_meant(arguments[0])}\n")
        return BAD_ARGUMENTS
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.run
    return command(options)


def _meant(word: str) -> str:
    """What may have been meant by a word that is no command."""
    import difflib

    known = sorted({*_OWN_COMMANDS, *_OTHER_ENTRANCES})
    near = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(known)}."


#: The commands that the parser below knows; the others have parsers of their own.
_OWN_COMMANDS = ("log", "paths", "refresh")


def _parser() -> argparse.ArgumentParser:
    import argparse

    from aimo_host import __version__, commands
    from aimo_host.gauge.catalog import ORDER

    class Whole(argparse.ArgumentParser):
        """Its page has every command, also those with parsers of their own."""

        def format_help(self) -> str:
            return commands.page()

    parser = Whole(prog="aimo", usage="aimo [COMMAND] [OPTIONS]")
    parser.add_argument("--version", action="version", version=f"aimo {__version__}")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--cached", action="store_true")
    parser.set_defaults(run=_show)
    own = parser.add_subparsers(metavar="COMMAND", prog="aimo", parser_class=argparse.ArgumentParser)
    refresh = own.add_parser("refresh", description="Ask everybody, or one provider by name, and show it.")
    refresh.add_argument(
        "--provider", choices=ORDER, help="only this one, also if it is not asked otherwise because you never signed in to it"
    )
    refresh.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="the entries as JSON instead of a table")
    refresh.add_argument("--pending", action="store_true", help=argparse.SUPPRESS)
    refresh.set_defaults(run=_refresh)
    made = own.add_parser("log", description="Every request that was made to a provider, newest last, and aimo's own faults.")
    made.add_argument("-n", "--lines", type=_count, default=40, metavar="N", help="at most so many (default: 40)")
    made.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="the requests as JSON")
    made.set_defaults(run=_log)
    where = own.add_parser("paths", description="Where aimo's files are.")
    where.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="the same as JSON")
    where.set_defaults(run=_where)
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        import argparse

        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines, from 1 on")
    return int(text)


def _show(options: argparse.Namespace) -> int:
    paths = _paths()
    if not options.cached:
        from aimo_host import terminal

        with terminal.busy():
            _collect(paths, provider=None)
    return _print(_cached(paths), as_json=options.json)


def _print(entries: Entries, *, as_json: bool) -> int:
    if as_json:
        return _print_json(entries)
    from aimo_host import terminal

    terminal.show(entries, time.time())
    return _readings_code(entries)


def _refresh(options: argparse.Namespace) -> int:
    if options.cached:
        sys.stderr.write("aimo: --cached asks nobody, and refresh asks: use one of them.\n")
        return BAD_ARGUMENTS
    paths = _paths()
    _collect(paths, provider=options.provider, only_pending=options.pending)
    entries = [entry for entry in _cached(paths) if options.provider in {None, entry["provider"]}]
    if options.provider and not entries:
        from aimo_host.gauge.problems import Problem

        sys.stderr.write(f"aimo: {Problem(options.provider, 'disabled').sentence}\n")
    return _print(entries, as_json=options.json)


def _collect(paths: Paths, *, provider: str | None, only_pending: bool = False) -> None:
    """Get fresh readings; where none can be kept, say so: what is cached is all there is then."""
    try:
        from aimo_host.collect import asking
        from aimo_host.state import settings

        wanted = [p for p in settings.wanted(settings.read(paths)) if provider in {None, p}]
        if only_pending:
            asking.carry_out_what_is_open(paths, os.environ)
        elif wanted:
            asking.ask(paths, os.environ, wanted, trigger="cli", named=provider is not None)
    except OSError as error:
        sys.stderr.write(f"aimo: nothing was asked. {error.strerror or type(error).__name__}: {error.filename or 'a file'}\n")


def _log(options: argparse.Namespace) -> int:
    from aimo_host.state import ledger, log

    paths = _paths()
    made = ledger.read(paths, options.lines)
    if options.json:
        return _print_records(made)
    from aimo_host import terminal

    terminal.show_requests(made, log.read(paths, options.lines))
    return OK


def _print_records(records: list[dict[str, Any]]) -> int:
    import json

    sys.stdout.write(json.dumps(records, indent=1) + "\n")
    return OK


def _where(options: argparse.Namespace) -> int:
    found = _paths().public()
    if options.json:
        import json

        sys.stdout.write(json.dumps(found, indent=1) + "\n")
    else:
        width = max(map(len, found))
        sys.stdout.writelines(f"{name:{width}}  {path}\n" for name, path in found.items())
    return OK


def _serve(arguments: list[str]) -> int:
    from aimo_host.shim import serve

    return serve.main(arguments, os.environ)


def _pick(arguments: list[str]) -> int:
    from aimo_host import choose

    return choose.pick(arguments, os.environ)


def _can(arguments: list[str]) -> int:
    from aimo_host import choose

    return choose.can(arguments, os.environ)


def _wait(arguments: list[str]) -> int:
    from aimo_host import choose

    return choose.wait(arguments, os.environ)


def _watch(arguments: list[str]) -> int:
    from aimo_host import watch

    return watch.main(arguments, os.environ)


def _line(arguments: list[str]) -> int:
    _hurry()
    from aimo_host import line

    return line.main(arguments, os.environ)


def _show_as(arguments: list[str]) -> int:
    from aimo_host import show

    return show.main(arguments, os.environ)


def _mcp(arguments: list[str]) -> int:
    from aimo_host.mcp_server import serve

    return serve.main(arguments, os.environ)


def _install(arguments: list[str]) -> int:
    from aimo_host.setup import install

    return install.main(arguments, os.environ, show_gauge=lambda: _guarded(_fill_in))


def _fill_in() -> int:
    """The gauge, as rows land."""
    from aimo_host.terminal import live

    paths = _paths()
    return _readings_code(live.fill_in(paths, lambda: _collect(paths, provider=None)))


def _uninstall(arguments: list[str]) -> int:
    from aimo_host.setup import uninstall

    return uninstall.main(arguments, os.environ)


def _doctor(arguments: list[str]) -> int:
    from aimo_host.setup import doctor

    return doctor.main(arguments, os.environ)


def _completion(arguments: list[str]) -> int:
    from aimo_host import completion

    return completion.main(arguments)


def _demo(arguments: list[str]) -> int:
    from aimo_host import demo, terminal
    from aimo_host.shim import serve

    return demo.main(arguments, os.environ, show=terminal.show, serve=serve.main)


_OTHER_ENTRANCES: dict[str, Callable[[list[str]], int]] = {
    "pick": _pick,
    "can": _can,
    "wait": _wait,
    "watch": _watch,
    "line": _line,
    "show": _show_as,
    "serve": _serve,
    "mcp": _mcp,
    "install": _install,
    "uninstall": _uninstall,
    "doctor": _doctor,
    "demo": _demo,
    "completion": _completion,
}
