"""The most memory that a first load and a rebuild hold, over the number of records: whole processes.

    .venv/bin/python benchmarks/memory.py [--records 200000 1000000]

It should not grow with them.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.processes import ROOT, floriday, measured, served
from harness.records import feed_of, write_books

FEED = "orders.sales_orders"


def main() -> None:
    """Measure and print."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--records", type=int, nargs="*", default=[200_000, 1_000_000])
    asked.add_argument("--books", type=Path, help="a folder to keep the records in between runs")
    given = asked.parse_args()
    for records in given.records:
        with TemporaryDirectory() as folder:
            books = write_books(given.books or Path(folder), feed_of(FEED), records)
            with served(books.path) as server:
                said = {**server.environment, "FLORIDAY_WAREHOUSE": f"{folder}/w.duckdb", "PYTHONPATH": str(ROOT)}
                load = measured(floriday("sync", FEED), **said)
                rebuild = measured(floriday("rebuild", FEED), **said)
        print(
            f"{records:>9,} records: first load {load.peak:5.0f} MB in {load.wall:.0f} s,"
            f" rebuild {rebuild.peak:5.0f} MB in {rebuild.wall:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
