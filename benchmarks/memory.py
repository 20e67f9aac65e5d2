"""The peak memory of a first load and a rebuild, by the number of records.

    .venv/bin/python benchmarks/memory.py [--records 200000 1000000]

Both are whole processes. The peak should not grow with the number of records.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from harness.arguments import parser
from harness.processes import ROOT, floriday, measure_process, run_server
from harness.records import feed_of, write_records

FEED = "orders.sales_orders"


def main() -> None:
    """Measure and print."""
    command_line = parser(__doc__)
    command_line.add_argument("--records", type=int, nargs="*", default=[200_000, 1_000_000])
    options = command_line.parse_args()
    for records in options.records:
        with TemporaryDirectory() as folder:
            file = write_records(options.cache or Path(folder), feed_of(FEED), records)
            with run_server(file.path) as server:
                settings = {
                    **server.environment,
                    "FLORIDAY_WAREHOUSE": f"{folder}/w.duckdb",
                    "PYTHONPATH": str(ROOT),
                }
                load = measure_process(floriday("sync", FEED), **settings)
                rebuild = measure_process(floriday("rebuild", FEED), **settings)
        print(
            f"{records:>9,} records: first load {load.peak:5.0f} MB in {load.wall:.0f} s,"
            f" rebuild {rebuild.peak:5.0f} MB in {rebuild.wall:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
