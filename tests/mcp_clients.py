"""Clients of the MCP server: the SDK's own, over both transports, as functions that a test calls without async."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import anyio
import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, TextContent

from tests.command_line import command, process_environment

LONGEST_CALL = 30.0  # seconds after which a call counts as hanging
TOKEN = "a-token-of-the-tests-0123456789"


@dataclass(frozen=True)
class Answer:
    """What a tool answered.

    Args:
        is_error: whether the call failed.
        text: text for the assistant.
        content: structured content; empty after an error.
    """

    is_error: bool
    text: str
    content: dict[str, Any]


class Connected:
    """A connected client."""

    def __init__(self, portal: BlockingPortal, client: Client) -> None:
        self._portal = portal
        self.client = client

    def run(self, method: str, *arguments: Any) -> Any:
        """Call an asynchronous method of the SDK's client."""
        return self._portal.call(getattr(self.client, method), *arguments)

    def give_up(self, seconds: float, tool: str, **arguments: Any) -> None:
        """Call a tool, and cancel the call after some seconds."""

        async def call() -> None:
            with anyio.move_on_after(seconds):
                await self.client.call_tool(tool, arguments)

        self._portal.call(call)

    def call(self, tool: str, **arguments: Any) -> Answer:
        """Call a tool; the SDK's client checks the structured content against the tool's schema."""
        result: CallToolResult = self.run("call_tool", tool, arguments)
        (block,) = result.content
        assert isinstance(block, TextContent)
        return Answer(bool(result.is_error), block.text, result.structured_content or {})

    def rows(self, sql: str, **arguments: Any) -> list[list[Any]]:
        """The rows of a query."""
        answer = self.call("query", sql=sql, **arguments)
        assert not answer.is_error, answer.text
        rows: list[list[Any]] = answer.content["rows"]
        return rows


@contextmanager
def connected(
    server: Any, http: httpx2.AsyncClient | None = None, mode: Literal["auto", "legacy"] = "auto"
) -> Iterator[Connected]:
    """Connect to a server of this process, to a process by its standard input and output, or to another transport.

    ``http`` is the HTTP client that the transport uses, and that is closed at the end. A client of the mode ``legacy``
    knows only protocols before 2026-07-28, which have sessions.
    """
    with start_blocking_portal() as portal, ExitStack() as stack:
        if http is not None:
            stack.enter_context(portal.wrap_async_context_manager(http))
        client = Client(server, read_timeout_seconds=LONGEST_CALL, cache=None, mode=mode)
        with portal.wrap_async_context_manager(client) as opened:
            yield Connected(portal, opened)


@contextmanager
def connected_by_stdio(folder: Path, *arguments: str, **variables: str) -> Iterator[Connected]:
    """Start ``floriday mcp`` in a folder, as an assistant does, and connect to it."""
    program, *own = command("mcp", *arguments)
    environment = process_environment(**variables)
    with connected(StdioServerParameters(command=program, args=own, env=environment, cwd=folder)) as client:
        yield client


@dataclass(frozen=True)
class HttpServer:
    """A running ``floriday mcp --http``.

    Args:
        url: address of its endpoint.
        printed: lines that it printed when it started.
        process: process of the command that serves it.
    """

    url: str
    printed: str
    process: subprocess.Popen[str]

    @contextmanager
    def connected(self, token: str = TOKEN, mode: Literal["auto", "legacy"] = "auto") -> Iterator[Connected]:
        """Connect to it with a token."""
        client = httpx2.AsyncClient(headers={"Authorization": f"Bearer {token}"}, timeout=LONGEST_CALL)
        with connected(streamable_http_client(self.url, http_client=client), client, mode) as opened:
            yield opened


@contextmanager
def http_server(folder: Path, *arguments: str, **variables: str) -> Iterator[HttpServer]:
    """Run ``floriday mcp --http 0`` in a folder."""
    with subprocess.Popen(
        command("mcp", "--http", "0", *arguments),
        cwd=folder,
        env=process_environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        printed = ""
        while "Bearer" not in printed:
            line = process.stdout.readline()
            assert line, printed
            printed += line
        address = re.search(r"http://127\.0\.0\.1:\d+/mcp", printed)
        assert address is not None, printed
        try:
            yield HttpServer(address[0], printed, process)
        finally:
            process.terminate()
            code = process.wait(timeout=5)
        assert code == 128 + signal.SIGTERM


def command_of(process: int) -> bytes:
    """Return the command line of a process; nothing if it has ended meanwhile."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def children(process: int) -> list[int]:
    """The processes that a process has started and that still run."""
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]
