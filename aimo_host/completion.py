"""`aimo completion SHELL`: prints the completion script of a shell. A table of commands and their words, and one shape per shell.

Nothing is run while the person presses Tab: the script carries the words itself.
"""

from __future__ import annotations

import argparse
import sys

from aimo_host.commands import MEANINGS
from aimo_host.dialects import NAMES as DIALECTS
from aimo_host.dialects import STREAMS
from aimo_host.gauge.catalog import ORDER
from aimo_host.gauge.choice import STRATEGIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SHELLS = ("bash", "zsh", "fish")
#: Command -> its options; "" is `aimo` itself. A test holds it against what each `--help` says.
OPTIONS: dict[str, tuple[str, ...]] = {
    "": ("--cached", "--help", "--json", "--version"),
    "can": ("--help", "--need", "--scope"),
    "completion": ("--help",),
    "demo": ("--help", "--json", "--port", "--serve"),
    "doctor": ("--help", "--json"),
    "install": ("--browser", "--dry-run", "--help", "--user-data-dir"),
    "line": ("--help", "--template"),
    "log": ("--help", "--json", "--lines"),
    "mcp": ("--help",),
    "paths": ("--help", "--json"),
    "pick": ("--among", "--help", "--json", "--max-age", "--need", "--scope", "--strategy"),
    "refresh": ("--help", "--json", "--provider"),
    "serve": ("--help", "--port"),
    "show": ("--as", "--help"),
    "uninstall": ("--browser", "--dry-run", "--help", "--user-data-dir"),
    "wait": ("--help", "--need", "--scope", "--timeout"),
    "watch": ("--as", "--help"),
}
#: What may stand behind an option, where that is a short list; behind one of a command, where commands differ.
VALUES: dict[str, tuple[str, ...]] = {
    "--among": ORDER,
    "show --as": DIALECTS,
    "watch --as": (*STREAMS, "json"),
    "--provider": ORDER,
    "--strategy": STRATEGIES,
}
#: What may stand behind a command.
NAMES: dict[str, tuple[str, ...]] = {"can": ORDER, "completion": SHELLS, "wait": ORDER}


def main(argv: list[str]) -> int:
    """Print the script. Exit 2 for a shell that has none."""
    parser = argparse.ArgumentParser(
        prog="aimo completion",
        description="Print the completion script of a shell.",
        epilog="""In the startup file:
  bash   eval "$(aimo completion bash)"
  zsh    eval "$(aimo completion zsh)"
  fish   aimo completion fish | source""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("shell", choices=SHELLS)
    sys.stdout.write(_SCRIPTS[parser.parse_args(argv).shell]())
    return 0


def _commands() -> list[str]:
    return [command for command in OPTIONS if command]


def _cases(indent: str) -> str:
    """Shell `case` branches that set `words` by the command."""
    lines = [f'{command}) words="{_words(command)}" ;;' for command in _commands()]
    return "\n".join(indent + line for line in [*lines, f'*) words="{" ".join(_commands())} {" ".join(OPTIONS[""])}" ;;'])


def _before(option: str) -> str:
    """The pattern of the command and the word before, for the values of an option."""
    return f'"{option}"' if " " in option else f'*" {option}"'


def _words(command: str) -> str:
    return " ".join([*NAMES.get(command, ()), *OPTIONS[command]])


def _bash() -> str:
    values = "\n".join(f'    {_before(option)}) words="{" ".join(known)}" ;;' for option, known in VALUES.items())
    return f"""_aimo() {{
  local words current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}"
  case "${{COMP_WORDS[1]}} $before" in
{values}
    *" --user-data-dir") COMPREPLY=($(compgen -d -- "$current")); return ;;
    *)
      case "${{COMP_WORDS[1]}}" in
{_cases("        ")}
      esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -F _aimo aimo
"""


def _zsh() -> str:
    """The script of bash: zsh understands it, once it is asked to."""
    return f"autoload -Uz compinit bashcompinit && compinit && bashcompinit\n{_bash()}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "\\'") + "'"


def _fish() -> str:
    lines = [
        f"complete -c aimo -f -n __fish_use_subcommand -a {command} -d {_quoted(MEANINGS[command])}" for command in _commands()
    ]
    for command, options in OPTIONS.items():
        where = f'"__fish_seen_subcommand_from {command}"' if command else "__fish_use_subcommand"
        for option in options:
            values = VALUES.get(f"{command} {option}", VALUES.get(option))
            known = f' -x -a "{" ".join(values)}"' if values else ""
            lines.append(f"complete -c aimo -f -n {where} -l {option.removeprefix('--')}{known}")
    for command, names in NAMES.items():
        lines.append(f'complete -c aimo -f -n "__fish_seen_subcommand_from {command}" -a "{" ".join(names)}"')
    return "\n".join(lines) + "\n"


_SCRIPTS: dict[str, Callable[[], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
