"""A fast local Floriday: it serves the records of one feed from a file; all other feeds are empty.

    python -m harness.server RECORDS [--latency SECONDS] [--rate CALLS --burst CALLS]

It is a separate process and sends the bytes of the file with ``sendfile``, so that benchmarks measure the reader. Each
line on its standard input is a number: from then on, it serves this many of the records.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, urlsplit

import numpy as np

from harness.records import FIRST, STEP
from pipelines.catalogue import catalogue_of
from pipelines.catalogue.types import Feed, Source

TOKEN = b'{"access_token":"bench","token_type":"Bearer","expires_in":86400}'
IDENTITY = (
    b'{"organization":{"organizationId":"6a7fe4a5-9d3c-4b3e-8a4f-0d6f3e5a1c11","name":"Bench"},"clientId":"bench"}'
)


@dataclass
class Limit:
    """A token bucket."""

    rate: float
    burst: float
    calls: float
    at: float = field(default_factory=time.monotonic)

    def take(self) -> bool:
        """Take a token; returns whether there was one."""
        now = time.monotonic()
        self.calls = min(self.burst, self.calls + (now - self.at) * self.rate)
        self.at = now
        if self.calls < 1:
            return False
        self.calls -= 1
        return True


class Server:
    """Answers requests.

    Args:
        source: the feed that has records.
        path: file of its records, from ``write_records``.
        latency: seconds by which every answer is delayed.
        rate: allowed calls per second of each endpoint; ``None`` for no limit.
        burst: number of tokens in a full bucket.
        left: number of tokens in each bucket at the start.
    """

    def __init__(
        self, source: Source, path: Path, *, latency: float, rate: float | None, burst: float, left: float
    ) -> None:
        assert isinstance(source, Feed)
        self.latency, self.rate, self.burst, self.left = latency, rate, burst, left
        self.sync = source.endpoint.sync.partition("{")[0]
        self.top = source.endpoint.max_sequence
        self.file: BinaryIO = path.open("rb")
        self.offsets = np.load(path.with_suffix(".npy"))
        self.numbers = FIRST + STEP * np.arange(len(self.offsets) - 1, dtype=np.int64)
        self.served = len(self.numbers)
        self.limits: dict[str, Limit] = {}
        self.calls: Counter[str] = Counter()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, _, rest = head.partition(b"\r\n")
                method, target, _ = first.decode().split()
                if method == "POST":
                    await reader.readexactly(_length(rest))
                if self.latency:
                    await asyncio.sleep(self.latency)
                await self.answer(target, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, target: str, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        path = urlsplit(target).path.removeprefix("/suppliers-api-2026v1")
        endpoint = path.rpartition("/")[0] if "/sync/" in path else path
        if not self._is_allowed(endpoint):
            self.calls[f"429 {endpoint}"] += 1
            writer.write(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n")
        elif path.startswith(self.sync) and "max" not in path:
            await self._page(int(path.removeprefix(self.sync)), _limit(target), writer)
        else:
            _write(writer, self._small(path))
        self.calls[endpoint] += 1
        await writer.drain()

    def _is_allowed(self, endpoint: str) -> bool:
        if self.rate is None or endpoint in ("/token", "/identities"):
            return True
        if endpoint not in self.limits:
            self.limits[endpoint] = Limit(self.rate, self.burst, self.left)
        return self.limits[endpoint].take()

    def _small(self, path: str) -> bytes:
        if path.endswith("/token"):
            return TOKEN
        if path == "/identities":
            return IDENTITY
        if path == self.top:
            return b"%d" % (self.numbers[self.served - 1] if self.served else 0)
        if "max-sequence" in path:
            return b"0"
        return b'{"maximumSequenceNumber":0,"results":[]}' if "/sync/" in path else b"[]"

    async def _page(self, after: int, size: int, writer: asyncio.StreamWriter) -> None:
        first = int(np.searchsorted(self.numbers[: self.served], after, side="right"))
        last = min(first + size, self.served)
        if first >= last:
            _write(writer, b'{"maximumSequenceNumber":%d,"results":[]}' % after)
            return
        begins, ends = int(self.offsets[first]), int(self.offsets[last]) - 1
        opening = b'{"maximumSequenceNumber":%d,"results":[' % self.numbers[last - 1]
        writer.write(_headers(len(opening) + ends - begins + 2) + opening)
        await asyncio.get_running_loop().sendfile(writer.transport, self.file, begins, ends - begins)
        writer.write(b"]}")


def _length(headers: bytes) -> int:
    for line in headers.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line[15:])
    return 0


def _limit(target: str) -> int:
    return int(parse_qs(urlsplit(target).query).get("limitResult", ["1000"])[0])


def _headers(length: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % length


def _write(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(_headers(len(body)) + body)


async def run(server: Server) -> None:
    """Serve until standard input ends; prints the port, and the numbers of calls after each line of input."""
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        server.served = int(line)
        print(json.dumps(server.calls), flush=True)
        server.calls.clear()


def main() -> None:
    """Run the server."""
    command_line = argparse.ArgumentParser()
    command_line.add_argument("records", type=Path)
    command_line.add_argument("--feed", default="orders.sales_orders")
    command_line.add_argument("--latency", type=float, default=0.0)
    command_line.add_argument("--rate", type=float)
    command_line.add_argument("--burst", type=float, default=1000.0)
    command_line.add_argument("--left", type=float)
    options = command_line.parse_args()
    left = options.burst if options.left is None else options.left
    source = catalogue_of("suppliers").source(options.feed)
    server = Server(source, options.records, latency=options.latency, rate=options.rate, burst=options.burst, left=left)
    asyncio.run(run(server))


if __name__ == "__main__":
    main()
