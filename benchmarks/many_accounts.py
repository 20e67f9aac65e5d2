"""A day of 1,000 accounts in 25 cells: a sample of it is executed, and the rest is computed from that.

    .venv-scale/bin/python benchmarks/many_accounts.py 'dbname=floriday host=localhost user=floriday'

It needs the extra ``scale``, and a database of PostgreSQL in which it may create schemas; it drops them in the end. The
accounts of some cells trade in a sandbox for a simulated day, and their fast feeds are synced with rounds of
`floriday sync --follow`. The first cell's accounts are also synced into a DuckDB file. Processor time is that of the
syncing process, and apart from it PostgreSQL's, if it is on this machine; the sandbox has a process of its own.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
from harness.arguments import parser
from harness.cell_rounds import CellRounds, cell_rounds, cost_of, mean
from harness.dagster_runs import DagsterRuns, RunCost
from harness.postgres_load import execute
from harness.processes import floriday, measure_process
from harness.sandbox_process import SandboxProcess, sandbox_process

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.types import Feed
from pipelines.lake_address import LakeAddress
from pipelines.settings import Settings, load_settings

NOW = dt.datetime(2026, 11, 24, tzinfo=dt.UTC)
DAY, ROUND = dt.timedelta(days=1), dt.timedelta(minutes=5)
ALL_ACCOUNTS, ALL_CELLS = 1000, 25
REPEATED = 3  # rounds without a change, and with few changes, of each cell
FEEDS = [each.name for each in catalogue_of("suppliers").sources if isinstance(each, Feed) and each.tier == "fast"]
SHARES = (0.01, 0.1, 1.0)  # of the feeds that change between two rounds
SCHEMA = "benchmark_many"
KINDS = {
    "load": "first load",
    "whole": "all feeds read, nothing changed",
    "idle": "feeds polled, nothing changed",
    "few": "1 % of the feeds changed",
    "day": "5 minutes of the sandbox's trade",
    "behind": "the time between two rounds of the day",
    "all": "every feed changed",
}
"""The kinds of rounds."""


@dataclass(frozen=True)
class Day:
    """What was stored during the simulated day, in all cells of the sample.

    Args:
        records: records that were new or changed.
        rows: rows that the tables and the raw logs have more.
        files: Parquet files that the lakes have more.
    """

    records: int
    rows: int
    files: int


def settings_of(sandbox: SandboxProcess, folder: Path, catalogue: str, cells: dict[str, list[str]]) -> dict[str, str]:
    """The variables of the cells' settings."""
    return {
        **sandbox.environment,
        "FLORIDAY_WAREHOUSE": f"ducklake:postgres:{catalogue}",
        "FLORIDAY_LAKE_DATA": str(folder / "lake"),
        "FLORIDAY_LAKE_SCHEMA": SCHEMA,
        "FLORIDAY_CELLS": json.dumps(cells),
        "FLORIDAY_FEEDS": ",".join(FEEDS),
    }


def file_settings(variables: dict[str, str], folder: Path, accounts: Sequence[str]) -> Settings:
    """The settings of a file with some of the accounts."""
    given = {name: value for name, value in variables.items() if "LAKE" not in name and name != "FLORIDAY_CELLS"}
    keys = json.loads(variables["FLORIDAY_API_KEYS"])
    given["FLORIDAY_API_KEYS"] = json.dumps({name: keys[name] for name in accounts})
    given |= {"FLORIDAY_WAREHOUSE": str(folder / "file.duckdb"), "FLORIDAY_PUBLISHED": "off"}
    return load_settings(given, folder, dotenv=False)


@contextmanager
def dropped(lakes: Sequence[LakeAddress]) -> Iterator[None]:
    """Drop the schemas of lakes in the end."""
    try:
        yield
    finally:
        for lake in lakes:
            execute(lake, f'DROP SCHEMA IF EXISTS "{lake.schema}" CASCADE')


def trade(sandbox: SandboxProcess, places: Sequence[CellRounds], rounds: int) -> None:
    """A simulated day: rounds after five minutes of trade, and before each one that makes up for the time between."""
    for number in range(rounds):
        for by, kind in ((DAY / rounds - ROUND, "behind"), (ROUND, "day")):
            sandbox.advance(by)
            for place in places:
                place.do(kind)
        _log(f"{number + 1} of {rounds} rounds of the day")


def change(sandbox: SandboxProcess, cells: Sequence[CellRounds], file: CellRounds, kind: str, share: float) -> None:
    """Change a share of the feeds of each cell, and do a round in each place."""
    for cell in cells:
        sandbox.change(cell.accounts, FEEDS, share)
    for place in (*cells, file):
        place.do(kind)


def measure(sandbox: SandboxProcess, cells: Sequence[CellRounds], file: CellRounds, rounds: int) -> Day:
    """Do the rounds of all kinds."""
    places = (*cells, file)
    for kind in ("load", "whole"):
        for place in places:
            place.do(kind, whole=True)
        _log(f"round of the kind {kind}")
    before = sum(cell.rows() for cell in cells), sum(cell.files() for cell in cells)
    trade(sandbox, places, rounds)
    rows, files = sum(cell.rows() for cell in cells) - before[0], sum(cell.files() for cell in cells) - before[1]
    for _ in range(REPEATED):
        for place in places:
            place.do("idle")
        change(sandbox, cells, file, "few", 0.01)
    change(sandbox, cells, file, "all", 1.0)
    samples = [sample for cell in cells for kind in ("behind", "day") for sample in cell.samples[kind]]
    return Day(sum(sample.records for sample in samples), rows, files)


def processes(variables: dict[str, str], folder: Path, cell: str) -> dict[str, float]:
    """Processor seconds of whole processes, in which nothing has changed."""
    environment = {**variables, "FLORIDAY_HOME": str(folder)}
    sync = floriday("sync", "--cell", cell)
    code_location = [sys.executable, "-c", "import pipelines.definitions"]
    return {
        "`floriday sync --cell` without changes": measure_process(sync, **environment).cpu,
        "start of Dagster's code location": measure_process(code_location, **environment).cpu,
    }


def dagster_runs(variables: dict[str, str], folder: Path, cell: str) -> dict[str, RunCost]:
    """Runs of a cell without changes."""
    with dg.DagsterInstance.local_temp(str(folder)) as instance:
        runs = DagsterRuns(variables, folder)
        runs.run(instance, cell, checks=False)  # the first one marks the weeks that are complete
        return {
            "a run without checks": runs.run(instance, cell, checks=False),
            "a run with checks": runs.run(instance, cell, checks=True),
        }


def print_rounds(cells: Sequence[CellRounds], file: CellRounds) -> None:
    """Print what the rounds took."""
    print("\nmeasured: processor ms for each account and round")
    print(f"{'round':<44}{'file':>8}{'cell':>8}{'PostgreSQL':>12}{'feeds':>8}{'calls':>8}{'seconds':>9}")
    for kind, text in KINDS.items():
        own, number = mean(file.samples[kind]), len(cells[0].accounts)
        lakes = [sample for cell in cells for sample in cell.samples[kind]]
        cell = mean(lakes)
        milliseconds = (1000 * each / number for each in (own.cpu, cell.cpu, cell.postgres.cpu))
        listed = "{:>8.1f}{:>8.1f}{:>12.1f}".format(*milliseconds)
        calls, longest = sum(cell.calls.values()) / number, max(sample.wall for sample in lakes)
        print(f"{text:<44}{listed}{cell.moved:>8}{calls:>8.1f}{longest:>9.2f}")
    print("(feeds: synced feeds of a cell; calls: for each account; seconds: wall time of the longest round of a cell)")


def print_computed(cells: Sequence[CellRounds], file: CellRounds) -> None:
    """Print how many accounts a cell and a file hold, and what all accounts cost."""
    of_cell, of_file = cost_of(cells, len(FEEDS)), cost_of([file], len(FEEDS))
    print("\ncomputed: processor seconds, PostgreSQL's included")
    for text, cost in (("cell", of_cell), ("file", of_file)):
        print(
            f"{text}: {cost.account:.3f} an account, {cost.round:.2f} a round with changes,"
            f" {cost.feed:.2f} a changed feed"
        )
    members, every = ALL_ACCOUNTS // ALL_CELLS, ROUND.total_seconds()
    for share in SHARES:
        held = ", ".join(
            f"{name} {cost.held(60 * minutes, share):,.0f} at {minutes} min"
            for minutes in (1, 5)
            for name, cost in (("cell", of_cell), ("file", of_file))
        )
        seconds = of_cell.seconds(members, share)
        print(
            f"{share:.0%} of the feeds change in each round; accounts: {held}. A cell of {members}: a round of"
            f" {seconds:.1f} s, so that a change is stored after at most {every + seconds:.0f} s;"
            f" {ALL_CELLS} cells at 5 min: {ALL_CELLS * seconds / every:.2f} processors"
        )
    idle = [sample for cell in cells for sample in cell.samples["idle"]]
    calls = ALL_ACCOUNTS * sum(mean(idle).calls.values()) / len(cells[0].accounts)
    listed = ", ".join(f"{calls / seconds:.0f} (every {seconds} s)" for seconds in (30, 60, 300))
    print(f"calls a second of {ALL_ACCOUNTS:,} accounts without changes: {listed}")


def print_rest(day: Day, accounts: int, runs: dict[str, RunCost], started: dict[str, float]) -> None:
    """Print what was stored, and what processes and runs took."""
    times = ALL_ACCOUNTS / accounts
    print(
        f"\nstored in the simulated day by {accounts} accounts: {day.records:,} new and changed records,"
        f" {day.rows:,} rows, {day.files} Parquet files"
    )
    print(f"computed for {ALL_ACCOUNTS:,}: {day.records * times:,.0f} records, {day.rows * times:,.0f} rows")
    for text, cpu in started.items():
        print(f"{text}: {cpu:.2f} processor seconds")
    for text, run in runs.items():
        print(f"Dagster, {text}: {run.events} rows of events, {run.cpu:.2f} processor seconds without its start")
    for minutes in (1, 5):
        count = ALL_CELLS * DAY // dt.timedelta(minutes=minutes)
        events = count * runs["a run without checks"].events
        print(
            f"computed: a run of each of {ALL_CELLS} cells every {minutes} min: {count:,} runs and {events:,} rows of"
            " events a day"
        )


def main() -> None:
    """Measure and print."""
    command_line: argparse.ArgumentParser = parser(__doc__, has_records=False)
    command_line.add_argument("catalogue", help="connection string of PostgreSQL")
    command_line.add_argument("--cells", type=int, default=2, help="cells of the sample")
    command_line.add_argument("--accounts", type=int, default=10, help="accounts of each cell")
    command_line.add_argument("--rounds", type=int, default=4, help="rounds spread over the day")
    options = command_line.parse_args()
    sys.setswitchinterval(0.001)  # as the command does
    warnings.simplefilter("ignore", DeprecationWarning)  # Dagster's own
    names = {f"c{cell}": [f"c{cell}a{number}" for number in range(options.accounts)] for cell in range(options.cells)}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        sandbox = stack.enter_context(sandbox_process([name for each in names.values() for name in each], NOW))
        variables = settings_of(sandbox, folder, options.catalogue, names)
        settings = load_settings(variables, folder, dotenv=False)
        of_cells = [settings.in_cell(name) for name in names]
        stack.enter_context(dropped([each.warehouse for each in of_cells if isinstance(each.warehouse, LakeAddress)]))
        every = ROUND.total_seconds()
        with ExitStack() as opened:
            cells = [opened.enter_context(cell_rounds(each, sandbox, every)) for each in of_cells]
            file = opened.enter_context(cell_rounds(file_settings(variables, folder, names["c0"]), sandbox, every))
            day = measure(sandbox, cells, file, options.rounds)
        started, runs = processes(variables, folder, "c0"), dagster_runs(variables, folder, "c0")
    print(
        f"{options.cells} cells of {options.accounts} accounts, {len(FEEDS)} fast feeds, {options.rounds} rounds;"
        f" {os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}"
    )
    print_rounds(cells, file)
    print_computed(cells, file)
    print_rest(day, options.cells * options.accounts, runs, started)


def _log(text: str) -> None:
    print(f"  … {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
