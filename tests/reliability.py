"""Everything that is tried to make the warehouse lose something, tried at length; what came of it becomes a page.

    make reliability

It takes some minutes. The experiments are those of the tests: ``make test`` has a few of each, ``make soak`` all.
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

from tests.fault_schedules import Played, play_many
from tests.interruptions import COMMANDS, Tries, interrupt_commands
from tests.killings import Killed, kill_syncs
from tests.moments import real_now
from tests.month_of_syncs import Month, sync_for_a_month
from tests.several_accounts import Accounts, sync_accounts
from tests.shared_reading import Read, read_while_writing

SCHEDULES, KILLS, INTERRUPTIONS, SECONDS, GOOD, BAD = 300, 200, 400, 60.0, 48, 2
MONTHLY = ("supply.supply_lines", "supply.batches", "orders.sales_orders", "organizations.connections")

INTRODUCTION = """# What was tried to lose something

`make reliability` made this page. It tries what could make the warehouse lose, double or mangle a record, against the
sandbox and real files, and compares what is there afterwards with the truth that the sandbox holds. An experiment that
does not end as it must stops with the seed with which it can be told again, and this page stays as it was.
"""

ONCE_EACH = (
    ("no room on the disk for a batch", "nothing of it is stored, and a line says so; the next sync stores it"),
    ("no room for the copy for readers", "the old copy stays, and a line says to make room"),
    ("another process holds the warehouse for a while", "the sync waits, and goes on when it is free"),
    ("another process holds it for longer", "after a minute a line names the process"),
    ("another sync is under way", "a line says who, with the process and since when"),
    ("the lock file of a killed sync is left", "it does no harm: the lock died with its holder"),
    ("the clock is set back", "versions stay in order"),
    ("the warehouse is missing, cut off, damaged, or of a newer layout", "it is left alone; a line says what to do"),
    ("seven bad records of different kinds in a page of 1,000", "993 are stored, seven listed with reasons, and heal"),
)
"""What is tried once by the tests, and what happens."""

FOUND = (
    (
        "one number or maximum far too high moved the cursor over unread records",
        "a page in doubt needs a second answer",
    ),
    ("such a cursor, or a record under such a number, stayed for good", "a walk to the proven end sets both right"),
    ("a single claim hid that a numbering began anew", "no cursor rests on one claim"),
    (
        "a restart was not seen behind filtered or rejected records, or after a 423",
        "known records prove it, on any page",
    ),
    ("the mark for a full re-read was lost between two transactions", "it is written with what makes it necessary"),
    ("a connection that ended and came back brought nothing into view", "its number counts, not its content"),
    ("an empty page resolved rejected records", "only a record above a number proves it vacant"),
    ("a page full of records with the number 0 stopped its feed", "0 says nothing of how far a page reaches"),
    ("a last version made here resolved a rejected record at the same number", "only what was served resolves"),
    ("rejected records of an old numbering stayed open for ever", "their numbers go with the numbering"),
    ("numbers of 15 digits and more were stored as others", "the fast lane takes only what it proves"),
    ("a statement that Ctrl-C broke off went on in the ROLLBACK", "no exception is raised within a call into DuckDB"),
)
"""What the second search found, and the rule that closes it; most of it by the random stories of ``tests/model``."""


def main(page: Path) -> None:
    """Try everything, and write the page."""
    first = SystemRandom().randrange(10**6)
    began = time.monotonic()
    played = play_many(first, SCHEDULES)
    minutes = (time.monotonic() - began) / 60
    sections = [
        INTRODUCTION,
        _where(),
        _faults(played, first, minutes),
        _kills(kill_syncs(KILLS, first), first),
        _interruptions(interrupt_commands(INTERRUPTIONS, first), f"seed {first}"),
        _readers(read_while_writing(SECONDS, 1)),
        _month(sync_for_a_month(MONTHLY, scale=0.2)),
        _accounts(sync_accounts(GOOD, BAD)),
        _once_each(),
        _found(),
    ]
    page.write_text("\n".join(sections), encoding="utf-8")


def _where() -> str:
    """When and on what."""
    today = real_now().date()
    return _said(
        f"Last made on {today} with DuckDB {duckdb.__version__} and Python {platform.python_version()} on"
        f" {platform.system()}, {os.cpu_count()} processors."
    )


def _faults(played: list[Played], first: int, minutes: float) -> str:
    struck: Counter[str] = Counter()
    for one in played:
        struck += one.struck
    syncs, failed = sum(one.syncs for one in played), sum(one.failed for one in played)
    calls, most = sum(one.calls for one in played), max(one.most_calls[0] for one in played)
    each = sum(one.processor for one in played) / len(played)
    waited = sum(one.waited for one in played) / 3600
    return "\n".join(
        (
            "## Faults in any combination\n",
            _said(
                f"{len(played)} random schedules, seeds {first} to {first + len(played) - 1}, in {minutes:.1f} minutes"
                f" ({each:.1f} s of a processor each, two at a time; {waited:.0f} h of waiting passed at once)."
                " Each lets up to three syncs meet up to six faults while records are added, changed, deleted and"
                " renumbered, before the sync and under way, and some feeds number all their records anew; then the"
                " faults are lifted, and one more sync must do."
            ),
            f"- {syncs:,} syncs met faults, {failed:,} of them failed in part or as a whole; none left anything torn.",
            f"- {len(played)} of {len(played)} ended equal to the server: tables, children, history and raw log.",
            f"- {calls:,} calls were made; each sync stayed within its bound, the most were {most}.\n",
            _table(("fault", "struck"), [(name.replace("_", " "), times) for name, times in sorted(struck.items())]),
        )
    )


def _kills(killed: Killed, seed: int) -> str:
    _must(killed.harm == 0, f"{killed}, seed {seed}")
    counts = (
        ("commits that were acknowledged before the end", killed.acknowledged),
        ("of these lost", len(killed.lost)),
        ("keys that stood twice", killed.doubled),
        ("children without their parent", killed.orphans),
        ("records unlike their newest version", killed.unlike),
        ("numbers up to a cursor without their record", len(killed.ahead)),
    )
    return "\n".join(
        (
            "## Syncs that are killed\n",
            _said(
                f"{killed.kills} syncs were ended by SIGKILL at random moments (seed {seed}), {killed.in_a_transaction}"
                " of them in the middle of a commit, ten one after the other at the same warehouse, while records"
                " changed on the server."
            ),
            _table(("what", "how many"), counts),
        )
    )


def _interruptions(tries: Tries, seeds: str) -> str:
    """What Ctrl-C and SIGTERM came to; the experiment itself stops at whatever is not as it must be."""
    return "\n".join(
        (
            "## Commands that are interrupted\n",
            _said(
                f"{tries.tries.total()} commands were interrupted at random moments ({seeds}), {tries.terminated} of"
                " them by SIGTERM and the others by Ctrl-C on a pseudo-terminal, more than half in their first two"
                " seconds, at one warehouse for each seed while the sandbox traded on. A command that had finished"
                f" before the signal does not count, and was drawn again: {tries.finished}."
            ),
            f"- All ended within 5 seconds with exit code 130 or 143 and a line, the last after {tries.longest:.1f} s.",
            "- No process was left, no lock was held, and but for those of Python's start no traceback was shown.",
            f"- {tries.compared} times, one more sync made the warehouse equal to the server.",
            f"- {tries.starting} signals met Python's own start, before this program could say anything.",
            f"- {tries.forced} took longer than 3.5 s; a clean-up that takes 4 s is cut off, as by a kill.\n",
            _table(("command", "interrupted"), [(f"`{name}`", tries.tries[name]) for name in COMMANDS]),
        )
    )


def _readers(read: Read) -> str:
    _must(not read.errors and not read.torn, f"{read}")
    reads = ", ".join(f"{times:,} times ({kind})" for kind, times in sorted(read.reads.items()))
    return "\n".join(
        (
            "## Readers and a writer at once\n",
            _said(
                f"For {read.seconds:.0f} seconds a process committed batches as fast as it could, and renewed the copy"
                " for readers at each fifth, while three others read: the copy, by a query, and for a report."
            ),
            f"- {read.commits:,} batches were committed; the longest wait was {read.longest_wait:.1f} s.",
            f"- It was read {reads}; {read.seen:,} different states were seen.",
            f"- Errors: {len(read.errors)}. States that were not of one batch: {len(read.torn)}.\n",
        )
    )


def _month(month: Month) -> str:
    return "\n".join(
        (
            "## A server that forgets\n",
            f"{month.syncs} syncs in thirty simulated days of a nursery that trades, with Floriday's retention.\n",
            f"- {month.versions:,} versions of {month.kept:,} records were visible at a sync: all are here.",
            f"- {month.forgotten:,} of these records are served no more.",
            f"- On each of {month.days} days, `_as_of` tells what was visible then: {month.rows:,} rows in all.\n",
        )
    )


def _accounts(accounts: Accounts) -> str:
    _must(accounts == Accounts(GOOD, BAD, 1, 0), f"{accounts}")
    return "\n".join(
        (
            "## Many accounts\n",
            _said(
                f"{GOOD + BAD} accounts in one warehouse, {BAD} of them with a key that is refused: {accounts.done}"
                f" were done with {accounts.tokens} token, {accounts.refused} were refused, and {accounts.mixed} rows"
                " stood under another account's name."
            ),
        )
    )


def _found() -> str:
    return "\n".join(("## What the second search found\n", _table(("what", "the rule that closes it"), FOUND)))


def _once_each() -> str:
    return "\n".join(("## Tried once each, by `make test`\n", _table(("what", "what happens"), ONCE_EACH)))


def _said(text: str) -> str:
    return f"{textwrap.fill(text, 120)}\n"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    cells = ([f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def _must(well: bool, told: str) -> None:  # noqa: FBT001
    if not well:
        raise AssertionError(told)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
