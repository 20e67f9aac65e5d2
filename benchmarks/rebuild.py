"""Rebuilding a feed from the raw log beside its first load from a local server: whole processes, in the same run.

    .venv/bin/python benchmarks/rebuild.py [--records 1000000] [--rounds 1]

The rebuild asks the server for nothing.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from harness.processes import ROOT, Cost, Served, floriday, measured, served
from harness.records import feed_of, write_books

FEED = "orders.sales_orders"


def one_round(server: Served, folder: Path) -> tuple[Cost, Cost]:
    """The first load, and the rebuild of what it stored."""
    given = {**server.environment, "FLORIDAY_WAREHOUSE": str(folder / "w.duckdb"), "PYTHONPATH": str(ROOT)}
    return measured(floriday("sync", FEED), **given), measured(floriday("rebuild", FEED), **given)


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--records", type=int, default=1_000_000)
    asked.add_argument("--rounds", type=int, default=1)
    asked.add_argument("--books", type=Path, help="a folder to keep the records in between runs")
    given = asked.parse_args()
    rounds = []
    with TemporaryDirectory() as folder:
        books = write_books(given.books or Path(folder), feed_of(FEED), given.records)
        with served(books.path) as server:
            for turn in range(given.rounds):
                (Path(folder) / str(turn)).mkdir()
                load, rebuild = one_round(server, Path(folder) / str(turn))
                rounds.append((load, rebuild))
                for name, cost in (("first load", load), ("rebuild", rebuild)):
                    print(
                        f"{name:<11} {cost.wall:6.1f} s ({given.records / cost.wall:>7,.0f}/s, cpu {cost.cpu:5.1f} s,"
                        f" peak {cost.peak:5.0f} MB)  load average {os.getloadavg()[0]:.1f}",
                        flush=True,
                    )
    ratio = median(load.wall for load, _ in rounds) / median(rebuild.wall for _, rebuild in rounds)
    print(f"{given.records:,} records: the rebuild is {ratio:.1f} times as fast as the first load")


if __name__ == "__main__":
    main()
