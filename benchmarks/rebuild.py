"""The rebuild of a feed from the raw log, compared with its first load from a local server in the same run.

    .venv/bin/python benchmarks/rebuild.py [--records 1000000] [--rounds 1]

Both are whole processes. The rebuild does not call the server.
"""

from __future__ import annotations

import os
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from harness.arguments import parser
from harness.processes import ROOT, Cost, RunningServer, floriday, measure_process, run_server
from harness.records import feed_of, write_records

FEED = "orders.sales_orders"


def one_round(server: RunningServer, folder: Path) -> tuple[Cost, Cost]:
    """Run the first load and the rebuild."""
    settings = {**server.environment, "FLORIDAY_WAREHOUSE": str(folder / "w.duckdb"), "PYTHONPATH": str(ROOT)}
    return measure_process(floriday("sync", FEED), **settings), measure_process(floriday("rebuild", FEED), **settings)


def main() -> None:
    """Measure and print."""
    command_line = parser(__doc__)
    command_line.add_argument("--records", type=int, default=1_000_000)
    command_line.add_argument("--rounds", type=int, default=1)
    options = command_line.parse_args()
    rounds = []
    with TemporaryDirectory() as folder:
        file = write_records(options.cache or Path(folder), feed_of(FEED), options.records)
        with run_server(file.path) as server:
            for number in range(options.rounds):
                (Path(folder) / str(number)).mkdir()
                load, rebuild = one_round(server, Path(folder) / str(number))
                rounds.append((load, rebuild))
                for name, cost in (("first load", load), ("rebuild", rebuild)):
                    print(
                        f"{name:<11} {cost.wall:6.1f} s ({options.records / cost.wall:>7,.0f}/s, cpu {cost.cpu:5.1f} s,"
                        f" peak {cost.peak:5.0f} MB)  load average {os.getloadavg()[0]:.1f}",
                        flush=True,
                    )
    ratio = median(load.wall for load, _ in rounds) / median(rebuild.wall for _, rebuild in rounds)
    print(f"{options.records:,} records: the rebuild is {ratio:.1f} times as fast as the first load")


if __name__ == "__main__":
    main()
