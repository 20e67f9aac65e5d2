"""From pages to typed frames, compared with ``pandas.json_normalize`` on the same pages in the same run.

    .venv/bin/python benchmarks/normalize.py [--records 20000] [--rounds 3]

``json_normalize`` returns one frame: no types, no children, decimals as doubles. This project returns all tables of a
feed with exact types, rejects records that cannot be stored, and reports fields that the catalogue does not contain.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pandas as pd
from harness.arguments import parser
from harness.records import feed_of, pages, write_records

from pipelines.catalogue.tables import tables_of
from pipelines.floriday.pages import read_page
from pipelines.normalize import normalize

FEEDS = ("orders.sales_orders", "supply.supply_lines", "catalog.trade_items")


def normalize_pages(feed: str, bodies: Sequence[bytes]) -> None:
    """From pages to typed frames."""
    table = tables_of(feed_of(feed))
    for body in bodies:
        normalize(table, read_page(body).records)


def json_normalize_pages(_: str, bodies: Sequence[bytes]) -> None:
    """From pages to one frame a page."""
    for body in bodies:
        pd.json_normalize(json.loads(body)["results"])


def cpu_seconds(work: Callable[[str, Sequence[bytes]], None], feed: str, bodies: Sequence[bytes]) -> float:
    """Processor seconds of one pass over the pages."""
    began = time.process_time()
    work(feed, bodies)
    return time.process_time() - began


def main() -> None:
    """Measure both in alternation and print."""
    command_line = parser(__doc__)
    command_line.add_argument("--records", type=int, default=20_000)
    command_line.add_argument("--rounds", type=int, default=3)
    options = command_line.parse_args()
    for feed in FEEDS:
        with TemporaryDirectory() as folder:
            file = write_records(options.cache or Path(folder), feed_of(feed), options.records)
            bodies = list(pages(file))
        megabytes = sum(map(len, bodies)) / 1e6
        rounds = [
            (cpu_seconds(normalize_pages, feed, bodies), cpu_seconds(json_normalize_pages, feed, bodies))
            for _ in range(options.rounds)
        ]
        own, pandas_own = median(first for first, _ in rounds), median(second for _, second in rounds)
        print(
            f"{feed:<22} {options.records / own:>7,.0f} records per processor second ({megabytes / own:4.0f} MB),"
            f" json_normalize {options.records / pandas_own:>7,.0f}: {pandas_own / own:.1f} times as fast"
            f"  (load average {os.getloadavg()[0]:.1f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
