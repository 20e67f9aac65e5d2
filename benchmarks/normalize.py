"""Reading and typing records: this project beside ``pandas.json_normalize``, on the same pages, in the same run.

    .venv/bin/python benchmarks/normalize.py [--records 20000] [--rounds 3]

``json_normalize`` makes one frame of whatever it finds: no types, no children, decimals as doubles. Ours makes all
tables of a feed with exact types, splits off what cannot be stored, and tells what the catalogue does not know.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import pandas as pd
from harness.records import feed_of, pages, write_records

from pipelines.catalogue.tables import tables_of
from pipelines.floriday.pages import read_page
from pipelines.normalize import normalize

FEEDS = ("orders.sales_orders", "supply.supply_lines", "catalog.trade_items")


def ours(feed: str, bodies: Sequence[bytes]) -> None:
    """From pages to typed frames."""
    table = tables_of(feed_of(feed))
    for body in bodies:
        normalize(table, read_page(body).records)


def theirs(_: str, bodies: Sequence[bytes]) -> None:
    """From pages to one frame a page."""
    for body in bodies:
        pd.json_normalize(json.loads(body)["results"])


def seconds(work: Callable[[str, Sequence[bytes]], None], feed: str, bodies: Sequence[bytes]) -> float:
    """Processor seconds of one pass over the pages."""
    began = time.process_time()
    work(feed, bodies)
    return time.process_time() - began


def main() -> None:
    """Measure in turns and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--records", type=int, default=20_000)
    asked.add_argument("--rounds", type=int, default=3)
    given = asked.parse_args()
    for feed in FEEDS:
        with TemporaryDirectory() as folder:
            bodies = list(pages(write_records(Path(folder), feed_of(feed), given.records)))
        megabytes = sum(map(len, bodies)) / 1e6
        rounds = [(seconds(ours, feed, bodies), seconds(theirs, feed, bodies)) for _ in range(given.rounds)]
        mine, plain = median(one for one, _ in rounds), median(other for _, other in rounds)
        print(
            f"{feed:<22} {given.records / mine:>7,.0f} records a second of processor time ({megabytes / mine:4.0f} MB),"
            f" json_normalize {given.records / plain:>7,.0f}: {plain / mine:.1f} times as fast"
            f"  (load average {os.getloadavg()[0]:.1f})",
            flush=True,
        )


if __name__ == "__main__":
    main()
