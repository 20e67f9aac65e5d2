"""The processor time and the calls of rounds for 50 accounts with all their feeds in one DuckDB file.

    .venv/bin/python benchmarks/accounts_in_a_file.py [--accounts 50] [--rounds 5]

The rounds are those of ``floriday sync --follow``, and whole processes of ``floriday sync``. The sandbox has a process
of its own.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from harness.arguments import parser
from harness.cell_rounds import CellRounds, cell_rounds
from harness.processes import floriday, measure_process
from harness.sandbox_process import SandboxProcess, sandbox_process

from pipelines.catalogue import catalogue_of
from pipelines.settings import load_settings

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
FEEDS = tuple(feed.name for feed in catalogue_of("suppliers").feeds)
EVERY = 300.0


def measure(sandbox: SandboxProcess, file: CellRounds, rounds: int) -> None:
    """Do the rounds of all kinds; they are kept by their kind."""
    file.do("first load", whole=True)
    for _ in range(rounds):
        file.do("all feeds read, nothing changed", whole=True)
        file.do("polled, nothing changed")
        sandbox.change(file.accounts, FEEDS, 0.01)
        file.do("polled, 1 % of the feeds changed")


def print_rounds(file: CellRounds) -> None:
    """Print the medians of each kind."""
    accounts = len(file.accounts)
    print(f"{'round':<36}{'processor ms':>14}{'calls':>8}{'feeds':>8}{'seconds':>9}")
    for kind, samples in file.samples.items():
        cpu = median(each.cpu for each in samples) * 1000 / accounts
        calls = median(sum(each.calls.values()) for each in samples) / accounts
        moved, wall = median(each.moved for each in samples), median(each.wall for each in samples)
        print(f"{kind:<36}{cpu:>14.1f}{calls:>8.1f}{moved:>8.0f}{wall:>9.2f}")
    print("(processor ms and calls: for each account; feeds and seconds: of the whole round)")


def main() -> None:
    """Measure and print."""
    command_line: argparse.ArgumentParser = parser(__doc__, has_records=False)
    command_line.add_argument("--accounts", type=int, default=50)
    command_line.add_argument("--rounds", type=int, default=5)
    options = command_line.parse_args()
    sys.setswitchinterval(0.001)  # as the command does
    names = [f"account{number}" for number in range(options.accounts)]
    with TemporaryDirectory() as folder, sandbox_process(names, NOW) as sandbox:
        given = {**sandbox.environment, "FLORIDAY_WAREHOUSE": f"{folder}/w.duckdb", "FLORIDAY_PUBLISHED": "off"}
        with cell_rounds(load_settings(given, Path(folder), dotenv=False), sandbox, EVERY) as file:
            measure(sandbox, file, options.rounds)
        whole = [measure_process(floriday("sync"), **given, FLORIDAY_HOME=folder) for _ in range(options.rounds)]
    print(f"{options.accounts} accounts, {len(FEEDS)} feeds; load average {os.getloadavg()[0]:.1f}")
    print_rounds(file)
    cpu = median(each.cpu for each in whole)
    print(
        f"`floriday sync` without changes: {cpu:.2f} s of processor time,"
        f" {1000 * cpu / options.accounts:.1f} ms an account"
    )


if __name__ == "__main__":
    main()
