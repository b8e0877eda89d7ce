"""The house as CONTRIBUTING.md draws it: imports run downwards only, the pure rooms are pure, heavy parts come in lazily.

Reads the source of aimo_host and runs none of it.
"""

from __future__ import annotations

import ast
import functools
import os
import re
import sys
from dataclasses import dataclass

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

#: Rooms by height. A room may import from its own and from those with a smaller number.
HEIGHT = {
    **dict.fromkeys(["gauge", "stop", "commands"], 0),
    **dict.fromkeys(["providers", "state", "samples", "dialects"], 1),
    **dict.fromkeys(["routes"], 2),
    **dict.fromkeys(["collect"], 3),
    **dict.fromkeys(
        [
            "cli",
            "__main__",
            "terminal",
            "completion",
            "demo",
            "choose",
            "watch",
            "line",
            "show",
            "host",
            "shim",
            "mcp_server",
            "setup",
        ],
        4,
    ),
}
ENTRANCE = 4
#: Entrances stand side by side. The command line opens the others' doors, and only when asked to; `__main__` is its door.
OPENS = {
    "cli": {"terminal", "completion", "demo", "choose", "watch", "line", "show", "host", "shim", "mcp_server", "setup"},
    "choose": {"terminal"},
    "mcp_server": {"terminal"},
    "__main__": {"cli"},
    "demo": {"terminal", "shim"},
}
#: Rooms of the first floor that stand side by side as well. Samples are made of the parsers' words.
BESIDE = {"samples": {"providers"}}
#: Too slow to import for a cached read or the host's first reply.
LAZY = {"httpx", "certifi", "rich", "selectolax", "platformdirs", "dotenv", "prometheus_client", "mcp"}
#: What the pure rooms may take from the standard library: nothing that reaches files, processes, the network or the clock.
PURE_ROOMS = {"gauge", "providers", "dialects", "samples"}
PURE = {
    "__future__",
    "abc",
    "base64",
    "binascii",
    "bisect",
    "calendar",
    "collections",
    "dataclasses",
    "datetime",
    "email.utils",
    "enum",
    "fractions",
    "functools",
    "hashlib",
    "hmac",
    "html",
    "importlib",  # for modules of the same room, when one is asked for
    "itertools",
    "json",
    "math",
    "numbers",
    "operator",
    "re",
    "string",
    "textwrap",
    "types",
    "typing",
    "unicodedata",
    "urllib.parse",
    "zlib",
}


@dataclass(frozen=True)
class Import:
    """One imported module, in one place."""

    file: str
    line: int
    module: str
    lazy: bool  # inside a function, or for the type checker only

    @property
    def room(self) -> str:
        """The room this import stands in."""
        return os.path.splitext(self.file.split(os.sep)[1])[0]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} imports {self.module}"


def for_types_only(node: ast.If) -> bool:
    return "TYPE_CHECKING" in ast.dump(node.test)


def imports_in(file: str, tree: ast.AST, *, lazy: bool = False) -> list[Import]:
    found: list[Import] = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            found += [Import(file, node.lineno, alias.name, lazy) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            whole = base in {"aimo_host", "urllib", "email"}  # whose names are modules of their own
            found += [Import(file, node.lineno, f"{base}.{alias.name}" if whole else base, lazy) for alias in node.names]
        elif isinstance(node, ast.If) and for_types_only(node):
            found += imports_in(file, ast.Module(node.orelse, []), lazy=lazy)
        else:
            found += imports_in(file, node, lazy=lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda))
    return found


def source_files() -> list[str]:
    found = []
    for folder, _, names in os.walk(os.path.join(ROOT, "aimo_host")):
        found += [os.path.relpath(os.path.join(folder, name), ROOT) for name in names if name.endswith(".py")]
    return sorted(found)


def written(file: str) -> str:
    with open(os.path.join(ROOT, file), encoding="utf-8") as source:
        return source.read()


@functools.cache
def parsed(file: str) -> ast.Module:
    return ast.parse(written(file), file)


@functools.cache
def imports() -> list[Import]:
    return [found for file in source_files() for found in imports_in(file, parsed(file))]


def ours() -> list[Import]:
    return [found for found in imports() if found.module.startswith("aimo_host.")]


def room_of(module: str) -> str:
    return module.split(".")[1]


def allowed(found: Import) -> bool:
    here, there = found.room, room_of(found.module)
    if there in {here, "__version__"}:
        return True
    if HEIGHT[here] == ENTRANCE == HEIGHT[there]:
        return there in OPENS.get(here, set()) and (found.lazy or here == "__main__")
    if HEIGHT[here] == HEIGHT[there]:
        return there in BESIDE.get(here, set())
    return HEIGHT[there] < HEIGHT[here]


def test_every_room_has_its_height() -> None:
    rooms = {file.split(os.sep)[1].removesuffix(".py") for file in source_files()} - {"__init__"}
    assert rooms <= set(HEIGHT)


def test_imports_run_downwards_only() -> None:
    assert [str(found) for found in ours() if not allowed(found)] == []


def test_samples_serve_the_demo_and_nothing_else() -> None:
    users = {found.room for found in ours() if room_of(found.module) == "samples"}
    assert users <= {"samples", "demo"}


def test_only_routes_may_reach_out() -> None:
    assert [str(found) for found in imports() if found.module.split(".")[0] == "httpx" and found.room != "routes"] == []


def test_slow_parts_are_imported_where_they_are_used() -> None:
    assert [str(found) for found in imports() if found.module.split(".")[0] in LAZY and not found.lazy] == []


def test_pure_rooms_take_nothing_that_reaches_outside() -> None:
    outside = [found for found in imports() if found.room in PURE_ROOMS and not found.module.startswith("aimo_host")]
    known = PURE | LAZY - {"httpx"}
    assert [str(found) for found in outside if found.module not in known and found.module.split(".")[0] not in known] == []


def test_everything_else_is_the_standard_library_or_declared() -> None:
    declared = LAZY | {"aimo_host"}
    tops = {found.module.split(".")[0] for found in imports()}
    assert tops - set(sys.stdlib_module_names) - declared == set()


@pytest.mark.parametrize("name", ["open", "print", "input", "exec", "eval"])
def test_pure_rooms_call_nothing_that_reaches_outside(name: str) -> None:
    calls = [
        f"{file}:{node.lineno}"
        for file in source_files()
        if file.split(os.sep)[1] in PURE_ROOMS
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]
    assert calls == []


@pytest.mark.parametrize("file", source_files())
def test_a_file_says_what_it_is_for_and_stays_readable(file: str) -> None:
    assert ast.get_docstring(parsed(file)), "no docstring"
    assert len(written(file).splitlines()) <= 400


def test_what_is_left_out_of_the_coverage_says_why_on_the_same_line() -> None:
    lines = [line for file in source_files() for line in written(file).splitlines()]
    left_out = [line.strip() for line in lines if "no cover" in line]
    assert [line for line in left_out if not re.search(r"# pragma: no cover - \w", line)] == []


def test_functions_are_short() -> None:
    nodes = [node for file in source_files() for node in ast.walk(parsed(file)) if isinstance(node, ast.FunctionDef)]
    lengths = sorted((node.end_lineno or 0) - node.lineno + 1 for node in nodes)
    assert lengths[len(lengths) // 2] <= 10
    assert lengths[len(lengths) * 9 // 10] <= 35


SAMPLE = """
import httpx
from aimo_host.shim import serve
def later():
    import rich
if TYPE_CHECKING:
    import socket
"""


def test_the_reader_of_imports_tells_lazy_from_immediate() -> None:
    found = imports_in("aimo_host/cli.py", ast.parse(SAMPLE))
    assert [(item.module, item.lazy) for item in found] == [("httpx", False), ("aimo_host.shim", False), ("rich", True)]
    assert not allowed(found[1])
