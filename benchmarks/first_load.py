"""The first load of a feed and a sync of changes, compared with dlt on the same pages in the same run.

    .venv/bin/python benchmarks/first_load.py [--records 200000] [--changes 1000] [--rounds 3] [--dlt PYTHON]

dlt is not a dependency of the project. To measure it too, install it in another virtual environment:

    python3 -m venv /tmp/dlt && /tmp/dlt/bin/pip install 'dlt==1.31.0' duckdb==1.5.5 pyarrow orjson
    .venv/bin/python benchmarks/first_load.py --dlt /tmp/dlt/bin/python

Both are whole processes that read from the same server. This project also stores the payloads as received, every
version and its sync tables; dlt stores none of these.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from harness.arguments import parser
from harness.processes import ROOT, Cost, RunningServer, floriday, measure_process, run_server
from harness.records import feed_of, write_records

FEED = "orders.sales_orders"
DLT = Path(__file__).with_name("harness") / "dlt_load.py"


@dataclass(frozen=True)
class Round:
    """The results of one program in one round."""

    name: str
    load: Cost
    delta: Cost
    megabytes: float


def ours(server: RunningServer, folder: Path, records: int, changes: int) -> Round:
    """Run ``floriday sync`` for a first load and for the changes."""
    path = folder / "ours.duckdb"
    environment = {**server.environment, "FLORIDAY_WAREHOUSE": str(path), "PYTHONPATH": str(ROOT)}
    return _measure("floriday-warehouse", floriday("sync", FEED), environment, server, path, records, changes)


def theirs(python: str, server: RunningServer, folder: Path, records: int, changes: int) -> Round:
    """Run a dlt pipeline for a first load and for the changes."""
    path = folder / "dlt.duckdb"
    environment = {
        "DLT_DATA_DIR": str(folder / "dlt"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
        "DATA_WRITER__BUFFER_MAX_ITEMS": "20000",
        "DATA_WRITER__FILE_MAX_ITEMS": "100000",
    }
    command = [python, str(DLT), server.environment["FLORIDAY_BASE_URL"], str(path)]
    return _measure("dlt", command, environment, server, path, records, changes)


def _measure(  # noqa: PLR0917
    name: str,
    command: list[str],
    settings: dict[str, str],
    server: RunningServer,
    path: Path,
    records: int,
    changes: int,
) -> Round:
    server.show(records)
    load = measure_process(command, **settings)
    server.show(records + changes)
    delta = measure_process(command, **settings)
    return Round(name, load, delta, path.stat().st_size / 1e6)


def main() -> None:
    """Measure alternately, and print every round and the ratios of the medians."""
    command_line = parser(__doc__)
    command_line.add_argument("--records", type=int, default=200_000)
    command_line.add_argument("--changes", type=int, default=1000)
    command_line.add_argument("--rounds", type=int, default=1)
    command_line.add_argument("--dlt", metavar="PYTHON", help="Python interpreter with dlt")
    options = command_line.parse_args()
    with TemporaryDirectory() as folder:
        file = write_records(options.cache or Path(folder), feed_of(FEED), options.records, options.changes)
        with run_server(file.path) as server:
            rounds = [
                one
                for number in range(options.rounds)
                for one in _round(server, Path(folder) / str(number), options.records, options.changes, options.dlt)
            ]
    _print(rounds, options.records)


def _round(server: RunningServer, folder: Path, records: int, changes: int, dlt: str | None) -> list[Round]:
    folder.mkdir()
    rounds = [ours(server, folder, records, changes)]
    if dlt:
        rounds.append(theirs(dlt, server, folder, records, changes))
    for one in rounds:
        print(
            f"{one.name:<20} load {one.load.wall:6.1f} s ({records / one.load.wall:>7,.0f}/s,"
            f" cpu {one.load.cpu:5.1f} s, peak {one.load.peak:5.0f} MB)"
            f"  delta {one.delta.wall:5.2f} s (peak {one.delta.peak:4.0f} MB)"
            f"  file {one.megabytes:6.1f} MB  load average {os.getloadavg()[0]:.1f}",
            flush=True,
        )
    return rounds


def _print(rounds: list[Round], records: int) -> None:
    names = {one.name: [other for other in rounds if other.name == one.name] for one in rounds}
    if len(names) < 2:
        return
    mine, dlt = names["floriday-warehouse"], names["dlt"]
    load = median(one.load.wall for one in dlt) / median(one.load.wall for one in mine)
    delta = median(one.delta.wall for one in dlt) / median(one.delta.wall for one in mine)
    size = median(one.megabytes for one in mine) / median(one.megabytes for one in dlt)
    print(f"{records:,} records: load {load:.1f} times as fast as dlt, delta {delta:.1f} times, file {size:.1f} times")


if __name__ == "__main__":
    main()
