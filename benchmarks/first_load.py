"""The first load of a feed, and a change of it: this project beside dlt, on the same pages, in the same run.

    .venv/bin/python benchmarks/first_load.py [--records 200000] [--changes 1000] [--rounds 3] [--dlt PYTHON]

dlt is no dependency of the project. To have it measured too, give it a virtual environment of its own:

    python3 -m venv /tmp/dlt && /tmp/dlt/bin/pip install 'dlt==1.31.0' duckdb==1.5.5 pyarrow orjson
    .venv/bin/python benchmarks/first_load.py --dlt /tmp/dlt/bin/python

Both are whole processes that read the same server. Ours keeps the bytes as received, every version and a ledger
besides; dlt keeps none of that.
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from harness.processes import ROOT, Cost, Served, floriday, measured, served
from harness.records import feed_of, write_books

FEED = "orders.sales_orders"
DLT = Path(__file__).with_name("harness") / "dlt_load.py"


@dataclass(frozen=True)
class Round:
    """What one of the two came to in one round."""

    name: str
    load: Cost
    delta: Cost
    megabytes: float


def ours(server: Served, folder: Path, records: int, changes: int) -> Round:
    """The whole command, first and again."""
    path = folder / "ours.duckdb"
    given = {**server.environment, "FLORIDAY_WAREHOUSE": str(path), "PYTHONPATH": str(ROOT)}
    return _round("floriday-warehouse", floriday("sync", FEED), given, server, path, records, changes)


def theirs(python: str, server: Served, folder: Path, records: int, changes: int) -> Round:
    """A dlt pipeline, first and again."""
    path = folder / "dlt.duckdb"
    given = {
        "DLT_DATA_DIR": str(folder / "dlt"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION": "true",
        "DATA_WRITER__BUFFER_MAX_ITEMS": "20000",
        "DATA_WRITER__FILE_MAX_ITEMS": "100000",
    }
    command = [python, str(DLT), server.environment["FLORIDAY_BASE_URL"], str(path)]
    return _round("dlt", command, given, server, path, records, changes)


def _round(  # noqa: PLR0917
    name: str, command: list[str], given: dict[str, str], server: Served, path: Path, records: int, changes: int
) -> Round:
    server.show(records)
    load = measured(command, **given)
    server.show(records + changes)
    delta = measured(command, **given)
    return Round(name, load, delta, path.stat().st_size / 1e6)


def main() -> None:
    """Measure in turns, and print every round and the ratios of the medians."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--records", type=int, default=200_000)
    asked.add_argument("--changes", type=int, default=1000)
    asked.add_argument("--rounds", type=int, default=1)
    asked.add_argument("--dlt", metavar="PYTHON", help="an interpreter that has dlt")
    asked.add_argument("--books", type=Path, help="a folder to keep the records in between runs")
    given = asked.parse_args()
    with TemporaryDirectory() as folder:
        books = write_books(given.books or Path(folder), feed_of(FEED), given.records, given.changes)
        with served(books.path) as server:
            rounds = [
                one
                for turn in range(given.rounds)
                for one in _turn(server, Path(folder) / str(turn), given.records, given.changes, given.dlt)
            ]
    _print(rounds, given.records)


def _turn(server: Served, folder: Path, records: int, changes: int, dlt: str | None) -> list[Round]:
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
