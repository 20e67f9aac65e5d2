"""A first load over a slow connection: pages one after the other against several connections, and Floriday's limit.

    .venv/bin/python benchmarks/latency.py [--pages 200] [--latency 0.3] [--feed catalog.trade_items]

The server holds every answer back. In the second part it lets through what Floriday states, and its burst is spent.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.processes import Served, served
from harness.records import Books, feed_of, write_books

from pipelines.catalogue.types import Feed
from pipelines.floriday import prefetch
from pipelines.settings import load_settings
from pipelines.sync.session import open_clients

PAGE = 1000


def seconds(server: Served, folder: Path, feed: str, connections: int) -> float:
    """How long the sync of the feed takes, without the start of the process."""
    given = {**server.environment, "FLORIDAY_WAREHOUSE": str(folder / "w.duckdb"), "FLORIDAY_FEEDS": feed}
    prefetch.CONNECTIONS = connections
    prefetch.MIN_PAGES_TO_SPLIT = 20 if connections > 1 else 10**9
    with open_clients(load_settings({**os.environ, **given}, folder)) as connected:
        session = connected.prepare()
        began = time.perf_counter()
        (outcome,) = session.sync_all(session.sources, run_id="bench")
        assert outcome.current
        assert outcome.error is None
    return time.perf_counter() - began


def measure(books: Books, feed: Feed, connections: int, **options: float) -> tuple[float, int, int]:
    """Seconds, calls for pages, and how many of them were refused."""
    with served(books.path, feed=feed.name, **options) as server, TemporaryDirectory() as folder:
        took = seconds(server, Path(folder), feed.name, connections)
        calls = server.show(0)
    operation = feed.endpoint.sync.rpartition("/")[0]
    return took, calls.get(operation, 0), calls.get(f"429 {operation}", 0)


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--pages", type=int, default=200)
    asked.add_argument("--latency", type=float, default=0.3)
    asked.add_argument("--connections", type=int, nargs="*", default=[1, 4, 8, 16])
    asked.add_argument("--books", type=Path, help="a folder to keep the records in between runs")
    asked.add_argument("--feed", default="orders.sales_orders")
    given = asked.parse_args()
    sys.setswitchinterval(0.001)  # as the command does
    feed = feed_of(given.feed)
    with TemporaryDirectory() as folder:
        books = write_books(given.books or Path(folder), feed, given.pages * PAGE)
        alone = given.pages * given.latency
        for connections in given.connections:
            took, calls, refused = measure(books, feed, connections, latency=given.latency)
            print(
                f"{connections:>2} connections: {took:6.1f} s for {calls} pages, {alone / took:4.1f} times as fast as"
                f" the answers alone one after the other; {refused} refused",
                flush=True,
            )
        rate = feed.endpoint.rate.per_second
        took, calls, refused = measure(books, feed, prefetch.CONNECTIONS, latency=given.latency, rate=rate, left=0)
        print(
            f"at {rate} calls a second, burst spent: {took:.1f} s, {took * rate / calls:.2f} of what the limit allows;"
            f" {refused} refused"
        )


if __name__ == "__main__":
    main()
