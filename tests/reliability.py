"""Run the reliability experiments at length, and write their results as a page.

    make reliability

It takes some minutes. ``make test`` runs a few of each experiment, ``make soak`` runs all.
"""

from __future__ import annotations

import os
import platform
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import SystemRandom

import duckdb

from tests.concurrent_readers import ReadResults, read_while_writing
from tests.fault_schedules import ScheduleResult, play_many
from tests.interruptions import COMMANDS, InterruptionResults, interrupt_commands
from tests.killed_syncs import KillResults, kill_syncs
from tests.moments import real_now
from tests.month_of_syncs import MonthResults, sync_for_a_month
from tests.several_accounts import AccountResults, sync_accounts

SCHEDULES, KILLS, INTERRUPTIONS, SECONDS, GOOD, BAD = 300, 200, 400, 60.0, 48, 2
MONTHLY = ("supply.supply_lines", "supply.batches", "orders.sales_orders", "organizations.connections")

INTRODUCTION = """# Reliability

`make reliability` generates this page. It tries to make the warehouse lose, duplicate or corrupt a record, with the
sandbox and real files, and compares the result with the records of the sandbox. If an experiment fails, it stops with
the seed that repeats it, and this page is not changed.
"""

SINGLE_CASES = (
    (
        "the disk is full while pages are stored",
        "nothing of them is stored, one line says so; the next sync stores them",
    ),
    ("the disk is full while the published copy is renewed", "the old copy stays, and one line says to free space"),
    ("another process has the warehouse open for a short time", "the sync waits and then continues"),
    ("another process has it open for longer", "after a minute one line names the process"),
    ("another sync is under way", "one line names its process and start time"),
    ("the lock file of a killed sync exists", "nothing: the operating system released the lock"),
    ("the clock is set back", "versions stay in order"),
    (
        "the warehouse is missing, truncated, damaged, or of a newer layout",
        "it is not changed; one line says what to do",
    ),
    (
        "a page of 1,000 has seven bad records of different kinds",
        "993 are stored, seven are rejected with reasons, and heal",
    ),
)
"""Cases that ``make test`` tries once, and the result of each."""


def main(page: Path) -> None:
    """Run all experiments, and write the page.

    Args:
        page: path of the Markdown file to write.
    """
    first = SystemRandom().randrange(10**6)
    began = time.monotonic()
    played = play_many(first, SCHEDULES)
    minutes = (time.monotonic() - began) / 60
    sections = [
        INTRODUCTION,
        _environment(),
        _faults(played, first, minutes),
        _kills(kill_syncs(KILLS, first), first),
        _interruptions(interrupt_commands(INTERRUPTIONS, first), f"seed {first}"),
        _readers(read_while_writing(SECONDS, 1)),
        _month(sync_for_a_month(MONTHLY, scale=0.2)),
        _accounts(sync_accounts(GOOD, BAD)),
        _single_cases(),
    ]
    page.write_text("\n".join(sections), encoding="utf-8")


def _environment() -> str:
    """Date and versions of the run."""
    today = real_now().date()
    return _paragraph(
        f"Last run on {today} with DuckDB {duckdb.__version__} and Python {platform.python_version()} on"
        f" {platform.system()}, {os.cpu_count()} processors."
    )


def _faults(played: list[ScheduleResult], first: int, minutes: float) -> str:
    struck: Counter[str] = Counter()
    for schedule in played:
        struck += schedule.struck
    syncs, failed = sum(each.syncs for each in played), sum(each.failed for each in played)
    calls, most = sum(each.calls for each in played), max(each.most_calls[0] for each in played)
    seconds = sum(each.processor for each in played) / len(played)
    waited = sum(each.waited for each in played) / 3600
    return "\n".join(
        (
            "## Faults in any combination\n",
            _paragraph(
                f"{len(played)} random schedules, seeds {first} to {first + len(played) - 1}, in {minutes:.1f} minutes"
                f" ({seconds:.1f} s of processor time each, two at a time; {waited:.0f} h of waiting were simulated)."
                " Each runs up to three syncs with up to six faults, while records are added, changed, deleted and"
                " renumbered before and during the sync, and some feeds restart their numbering. Then the faults end,"
                " and one more sync must make the warehouse equal to the server."
            ),
            (
                f"- {syncs:,} syncs had faults, {failed:,} of them failed in part or completely; none stored part of a"
                " transaction."
            ),
            f"- {len(played)} of {len(played)} ended equal to the server: tables, children, history and raw log.",
            f"- {calls:,} calls were made, at most {most} by one sync; each sync stayed within its limit.\n",
            _table(("fault", "times"), [(name.replace("_", " "), times) for name, times in sorted(struck.items())]),
        )
    )


def _kills(killed: KillResults, seed: int) -> str:
    _require(killed.harm == 0, f"{killed}, seed {seed}")
    counts = (
        ("commits that were acknowledged before the kill", killed.acknowledged),
        ("of these, lost", len(killed.lost)),
        ("duplicate keys", killed.duplicates),
        ("children without their parent", killed.orphans),
        ("records that differ from their newest version", killed.differing),
        ("numbers below a cursor without their record", len(killed.missing)),
    )
    return "\n".join(
        (
            "## Killed syncs\n",
            _paragraph(
                f"{killed.kills} syncs were ended by SIGKILL at random moments (seed {seed}), {killed.in_a_transaction}"
                " of them during a commit, ten in a row with the same warehouse, while records changed on the server."
            ),
            _table(("what", "number"), counts),
        )
    )


def _interruptions(results: InterruptionResults, seeds: str) -> str:
    """Results of interrupted commands; the experiment itself stops at the first wrong result."""
    return "\n".join(
        (
            "## Interrupted commands\n",
            _paragraph(
                f"{results.interrupted.total()} commands were interrupted at random moments ({seeds}),"
                f" {results.terminated} of them"
                " by SIGTERM and the others by Ctrl-C on a pseudo-terminal, more than half in their first two"
                " seconds, with one warehouse for each seed, while records changed on the server. A command that had"
                f" finished before the signal was not counted: {results.finished}."
            ),
            (
                f"- All ended within 5 seconds with exit code 130 or 143 and one line, the slowest after"
                f" {results.longest:.1f} s."
            ),
            "- No process and no lock remained. Only signals during Python's own start showed a traceback.",
            f"- {results.compared} times the warehouse was compared with the server after one more sync: it was equal.",
            (
                f"- {results.starting} signals came during Python's own start, before the program could handle them;"
                f" {results.lost} of them had to be repeated."
            ),
            f"- {results.forced} took longer than 3.5 s; a clean-up that takes 4 s is ended like a kill.\n",
            _table(("command", "interrupted"), [(f"`{name}`", results.interrupted[name]) for name in COMMANDS]),
        )
    )


def _readers(read: ReadResults) -> str:
    _require(not read.errors and not read.torn, f"{read}")
    reads = ", ".join(f"{times:,} times ({kind})" for kind, times in sorted(read.reads.items()))
    return "\n".join(
        (
            "## Concurrent readers and writer\n",
            _paragraph(
                f"For {read.seconds:.0f} seconds one process committed as fast as possible, and renewed the published"
                " copy after every fifth commit, while three others read: the copy, by a query, and by a report."
            ),
            f"- {read.commits:,} commits; the longest wait was {read.longest_wait:.1f} s.",
            f"- Reads: {reads}; {read.seen:,} different states.",
            f"- Errors: {len(read.errors)}. States that mix two commits: {len(read.torn)}.\n",
        )
    )


def _month(month: MonthResults) -> str:
    return "\n".join(
        (
            "## Retention\n",
            f"{month.syncs} syncs in thirty simulated days of trade, with Floriday's retention.\n",
            f"- {month.versions:,} versions of {month.kept:,} records were visible at a sync: all are stored.",
            f"- {month.forgotten:,} of these records are no longer served.",
            (
                f"- On each of {month.days} days, `_as_of` returns the rows that were visible: {month.rows:,} rows in"
                " total.\n"
            ),
        )
    )


def _accounts(accounts: AccountResults) -> str:
    _require(accounts == AccountResults(GOOD, BAD, 1, 0), f"{accounts}")
    return "\n".join(
        (
            "## Many accounts\n",
            _paragraph(
                f"{GOOD + BAD} accounts in one warehouse, {BAD} with a wrong key: {accounts.done} were synced"
                f" with {accounts.tokens} token, {accounts.refused} were refused, and {accounts.mixed} rows had the"
                " name of another account."
            ),
        )
    )


def _single_cases() -> str:
    return "\n".join(("## Single cases, by `make test`\n", _table(("case", "result"), SINGLE_CASES)))


def _paragraph(text: str) -> str:
    return f"{textwrap.fill(text, 120)}\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    cells = ([f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def _require(is_right: bool, message: str) -> None:  # noqa: FBT001
    if not is_right:
        raise AssertionError(message)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
