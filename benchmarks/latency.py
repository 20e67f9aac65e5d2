"""A first load over a slow connection, with one or several connections, and under Floriday's rate limit.

    .venv/bin/python benchmarks/latency.py [--pages 200] [--latency 0.3] [--feed catalog.trade_items]

The server delays every answer. In the second part, it applies the rate limit that Floriday documents, without a burst.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.arguments import parser
from harness.processes import RunningServer, run_server
from harness.records import RecordFile, feed_of, write_records

from pipelines.catalogue.types import Feed
from pipelines.floriday import prefetch
from pipelines.settings import load_settings
from pipelines.sync.session import open_clients

PAGE = 1000


def seconds(server: RunningServer, folder: Path, feed: str, connections: int) -> float:
    """Seconds that the sync of the feed takes, without the start of the process."""
    environment = {**server.environment, "FLORIDAY_WAREHOUSE": str(folder / "w.duckdb"), "FLORIDAY_FEEDS": feed}
    prefetch.CONNECTIONS = connections
    prefetch.MIN_PAGES_TO_SPLIT = 20 if connections > 1 else 10**9
    with open_clients(load_settings({**os.environ, **environment}, folder)) as connected:
        session = connected.prepare()
        began = time.perf_counter()
        (outcome,) = session.sync_all(session.sources, run_id="bench")
        assert outcome.current
        assert outcome.error is None
    return time.perf_counter() - began


def measure(file: RecordFile, feed: Feed, connections: int, **options: float) -> tuple[float, int, int]:
    """Seconds, the number of requests for pages, and the number of refused ones."""
    with run_server(file.path, feed=feed.name, **options) as server, TemporaryDirectory() as folder:
        took = seconds(server, Path(folder), feed.name, connections)
        calls = server.show(0)
    operation = feed.endpoint.sync.rpartition("/")[0]
    return took, calls.get(operation, 0), calls.get(f"429 {operation}", 0)


def main() -> None:
    """Measure and print."""
    command_line = parser(__doc__)
    command_line.add_argument("--pages", type=int, default=200)
    command_line.add_argument("--latency", type=float, default=0.3)
    command_line.add_argument("--connections", type=int, nargs="*", default=[1, 4, 8, 16])
    command_line.add_argument("--feed", default="orders.sales_orders")
    options = command_line.parse_args()
    sys.setswitchinterval(0.001)  # as the command does
    feed = feed_of(options.feed)
    with TemporaryDirectory() as folder:
        file = write_records(options.cache or Path(folder), feed, options.pages * PAGE)
        alone = options.pages * options.latency
        for connections in options.connections:
            took, calls, refused = measure(file, feed, connections, latency=options.latency)
            print(
                f"{connections:>2} connections: {took:6.1f} s for {calls} pages, {alone / took:4.1f} times as fast as"
                f" the latencies of the answers one after the other; {refused} refused",
                flush=True,
            )
        rate = feed.endpoint.rate.per_second
        took, calls, refused = measure(file, feed, prefetch.CONNECTIONS, latency=options.latency, rate=rate, left=0)
        print(
            f"at {rate} calls a second, without a burst: {took:.1f} s,"
            f" {took * rate / calls:.2f} times what the limit requires; {refused} refused"
        )


if __name__ == "__main__":
    main()
