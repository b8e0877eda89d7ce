"""`aimo mcp`: speaks the Model Context Protocol on stdin and stdout by the official SDK, until its input ends.

No network of its own. stdout is the protocol's alone: the SDK takes it away from everybody else while it serves. An error that
is not the caller's tells its kind only, since its text may hold what came from outside.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys

from aimo_host import __version__
from aimo_host.gauge.choice import BadQuestionError
from aimo_host.mcp_server import shapes, tools
from aimo_host.state import paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from mcp.server.context import ServerRequestContext
    from mcp.server.lowlevel import Server
    from mcp.types import CallToolRequestParams, CallToolResult, ListToolsResult, PaginatedRequestParams

    Context = ServerRequestContext[dict[str, Any]]


#: The extra `mcp` of pyproject.toml. Installed by itself, since no index has aimo.
SDK = "mcp>=2.3,<3"


def main(argv: list[str], environ: Mapping[str, str]) -> int:
    """Serve until the input ends. Exit 0; 1 if the SDK is not installed."""
    parser = argparse.ArgumentParser(
        prog="aimo mcp", description="Answer agents by the Model Context Protocol, on stdin and stdout."
    )
    parser.parse_args(argv)
    try:
        import mcp.server.lowlevel  # noqa: F401 - whether it is there
    except ImportError:
        command = shlex.join([sys.executable, "-m", "pip", "install", SDK])
        sys.stderr.write(f"aimo: This needs the MCP SDK: {command}\n")
        return 1
    import asyncio

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        if (one := getattr(signal, name, None)) and signal.getsignal(one) is not signal.SIG_IGN:
            signal.signal(one, _end)
    asyncio.run(_serve(_server(paths.find(environ), environ)))
    return 0


def _end(number: int, _frame: object) -> None:
    """At once: the SDK's thread that reads stdin cannot be woken, and nothing of ours is left to be taken back."""
    os._exit(128 + number)


async def _serve(server: Server[dict[str, Any]]) -> None:
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


def _server(found: paths.Paths, environ: Mapping[str, str]) -> Server[dict[str, Any]]:
    from functools import partial

    from mcp.server.lowlevel import Server
    from mcp.types import ListToolsResult

    async def list_tools(_context: Context, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=_tools())

    async def call_tool(_context: Context, params: CallToolRequestParams) -> CallToolResult:
        call = partial(_call, params.name, params.arguments or {}, found, environ)
        return await _aside(call)

    return Server("aimo", version=__version__, instructions=shapes.INSTRUCTIONS, on_list_tools=list_tools, on_call_tool=call_tool)


async def _aside(call: Callable[[], CallToolResult]) -> CallToolResult:
    """`call` in a daemon thread: one caller's slow provider holds up nobody else, nor the end."""
    import asyncio
    import threading

    loop = asyncio.get_running_loop()
    answered: asyncio.Future[CallToolResult] = loop.create_future()

    def tell(answer: CallToolResult) -> None:
        if not answered.done():
            answered.set_result(answer)

    def work() -> None:
        answer = call()
        try:
            loop.call_soon_threadsafe(tell, answer)
        except RuntimeError:
            return  # the input has ended, and nobody listens any more

    threading.Thread(target=work, name="tool", daemon=True).start()
    return await answered


def _tools() -> list[Any]:
    from mcp.types import Tool, ToolAnnotations

    return [
        Tool(
            name=name,
            description=meaning,
            input_schema=takes,
            output_schema=gives,
            annotations=ToolAnnotations(
                read_only_hint=name not in shapes.NOT_READ_ONLY,
                destructive_hint=False,
                idempotent_hint=True,
                open_world_hint=True,
            ),
        )
        for name, (meaning, takes, gives) in shapes.TOOLS.items()
    ]


def _call(name: str, arguments: Mapping[str, object], found: paths.Paths, environ: Mapping[str, str]) -> CallToolResult:
    from mcp.types import CallToolResult, TextContent

    try:
        answer = tools.answer(name, arguments, found, environ)
    except BadQuestionError as error:
        return CallToolResult(content=[TextContent(text=str(error))], is_error=True)
    except ImportError:  # of what is imported only when it is needed
        text = "aimo was upgraded or taken away while this server ran: start the server anew."
        return CallToolResult(content=[TextContent(text=text)], is_error=True)
    except Exception as error:  # noqa: BLE001 - its text may hold what came from outside; its kind cannot
        return CallToolResult(content=[TextContent(text=f"aimo failed with {type(error).__name__}.")], is_error=True)
    return CallToolResult(content=[TextContent(text=json.dumps(answer))], structured_content=answer)
