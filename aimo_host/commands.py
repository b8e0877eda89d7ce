"""What the commands are for, a line each, as `aimo --help` and the shells say it. Data, and the page made of it."""

from __future__ import annotations

GROUPS = {
    "See": {
        "refresh": "ask everybody, or one provider by name, and show it",
        "watch": "print a line now and at every change; asks nobody",
        "line": "Claude Code's status line; asks nobody",
        "show": "the gauge for a bar or another program; asks nobody",
        "serve": "answer agents and the dashboard on this machine (HTTP)",
        "log": "every request that was made to a provider, newest last",
        "demo": "the gauge on invented answers",
    },
    "Decide": {
        "pick": "print whom to use: the account with the most left",
        "can": "say by the exit code whether so much is left",
        "wait": "sleep until so much is left",
        "mcp": "answer agents by the Model Context Protocol",
    },
    "Set up": {
        "install": "register with the browsers, and lay the extension out",
        "uninstall": "take back what install wrote",
        "doctor": "find out what is missing, and say what to do",
        "paths": "where aimo's files are",
        "completion": "print the completion script of a shell",
    },
}
MEANINGS = {command: meaning for group in GROUPS.values() for command, meaning in group.items()}
_OPTIONS = {
    "--cached": "ask nobody, show what is known",
    "--json": "the entries as JSON instead of a table",
    "--version": "the version, and nothing else",
    "-h, --help": "this page; each command has one too",
}
_EXITS = """Exit codes: 0 there is a reading, or yes; 1 our fault; 2 bad arguments;
3 known, and not enough; 4 unknown, or nothing could be read; 130 interrupted."""
_CELLS = 14


def page() -> str:
    """What `aimo --help` prints."""
    parts = [
        "How much of Claude, Codex, Z.ai and Ollama is left.",
        "usage: aimo [COMMAND] [OPTIONS]\n\nWithout a command, aimo asks everybody and shows it.",
        *(_part(title, lines) for title, lines in GROUPS.items()),
        _part("options:", _OPTIONS),
        _EXITS,
    ]
    return "\n\n".join(parts) + "\n"


def _part(title: str, lines: dict[str, str]) -> str:
    return "\n".join([title, *(f"  {name:{_CELLS}}{meaning}" for name, meaning in lines.items())])
