"""Readers of two cells while each cell is written and kept small, all in processes of their own.

As in ``concurrent_readers``, every transaction writes the same count into all things and branches, so that a read of
several transactions shows. No read may show an older state than the one before it.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Event
from typing import TypeAlias
from uuid import UUID

from pipelines.catalogue.tables import tables_of
from pipelines.lake_address import LakeCells
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.lake.connection import LakeWarehouse
from pipelines.warehouse.lake.upkeep import upkeep
from pipelines.warehouse.load.cursors import FeedPart
from pipelines.warehouse.opening import open_warehouse
from pipelines.warehouse.schema.create import create_tables
from tests.another_process import FORKED
from tests.every_kind import THINGS, thing
from tests.thing_warehouse import commit

CELLS = ("a", "b")
"""The names of the cells; each has an account with that name."""
COUNT = 120
"""Number of things; with twice as many branches, a transaction writes rows into files and rows into PostgreSQL."""
COMMITS_BETWEEN_UPKEEP = 20
TIMEOUT = 600.0
STATE = f"""
    WITH things AS (
        SELECT account, max(count) AS newest, count(*) = {COUNT} AND count(DISTINCT count) = 1 AS is_whole
        FROM things.things GROUP BY account
    ), branches AS (
        SELECT account, max(count) AS newest, count(*) = {2 * COUNT} AND count(DISTINCT count) = 1 AS is_whole
        FROM things.thing_branches GROUP BY account
    ), logged AS (SELECT account, count(*) / {COUNT} AS newest FROM raw.things GROUP BY account),
    versions AS (
        SELECT account, max(count) AS newest, count(*) = {COUNT} AS is_whole FROM history.things WHERE is_current
        GROUP BY account
    )
    SELECT account, t.newest, t.is_whole AND b.is_whole AND v.is_whole AND t.newest = b.newest AND t.newest = v.newest
        AND t.newest = l.newest AND t.newest = c.cursor
    FROM things t LEFT JOIN branches b USING (account) LEFT JOIN logged l USING (account)
        LEFT JOIN versions v USING (account) LEFT JOIN sync.cursors c USING (account) ORDER BY account
"""
"""For each account, the number of its newest transaction, and whether all rows belong to it."""

Results: TypeAlias = "Queue[tuple[str, int, int, list[str]]]"
"""Name, number of reads or commits, number of different states, and what went wrong."""


@dataclass
class LakeReads:
    """Counts of readers and writers.

    Args:
        seconds: duration of the experiment.
        commits: number of transactions by cell.
        reads: number of reads by reader.
        states: number of different states that each reader saw.
        wrong: reads that mix several transactions or go back, and errors.
    """

    seconds: float = 0.0
    commits: Counter[str] = field(default_factory=Counter)
    reads: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def read_cells_while_writing(whole: LakeCells, reads: int) -> LakeReads:
    """Read in three processes at least this often in all, while a process for each cell writes."""
    for cell in CELLS:
        lake = LakeWarehouse(whole.cell(cell))
        with lake.writing() as connection:
            create_tables(connection, [tables_of(THINGS)])
        _write(lake, cell, 1)
        lake.close()
    stop, results, done = FORKED.Event(), FORKED.Queue(), LakeReads()
    began = time.monotonic()
    readers = [
        FORKED.Process(target=_read, args=(whole, kind, math.ceil(reads * share), results))
        for kind, share in READERS.items()
    ]
    writers = [FORKED.Process(target=_write_until, args=(whole, cell, stop, results)) for cell in CELLS]
    for process in (*writers, *readers):
        process.start()
    for _ in readers:
        _add(results, done.reads, done)
    stop.set()
    for _ in writers:
        _add(results, done.commits, done)
    done.seconds = time.monotonic() - began
    for process in (*writers, *readers):
        process.join(TIMEOUT)
    return done


def _add(results: Results, counts: Counter[str], done: LakeReads) -> None:
    name, count, states, wrong = results.get(timeout=TIMEOUT)
    counts[name] += count
    done.states[name] += states
    done.wrong += wrong


def _write_until(whole: LakeCells, cell: str, stop: Event, results: Results) -> None:
    """Write all things of a cell again and again."""
    lake, number, errors = LakeWarehouse(whole.cell(cell)), 1, []
    try:
        while not stop.is_set():
            number += 1
            _write(lake, cell, number)
            if number % COMMITS_BETWEEN_UPKEEP == 0:
                upkeep(lake)
    except Exception as error:  # noqa: BLE001 - any error is a result
        errors.append(f"writer of {cell}: {error}")
    lake.close()
    results.put((cell, number, number, errors))


def _write(lake: Warehouse, cell: str, number: int) -> None:
    """Write all things of a cell with this number."""
    branches = f'"count":{number},"branches":[{{"count":{number}}},{{"count":{number}}}]'
    raws = [thing(branches, number, str(UUID(int=place + 1))) for place in range(COUNT)]
    with lake.writing() as connection:
        commit(connection, raws, FeedPart(cell, THINGS.name), THINGS, begins=number - 1, ends=number)


READERS = {"one cell": 0.6, "all cells": 0.38, "all cells, opened for each read": 0.02}
"""The readers, and their shares of the reads: to open two lakes takes seconds."""


def _read(whole: LakeCells, kind: str, count: int, results: Results) -> None:
    """Read some times."""
    warehouse = open_warehouse(whole.cell(CELLS[0]) if kind == "one cell" else whole)
    before: dict[str, int] = {}
    seen, wrong, reads = set(), [], 0
    try:
        while reads < count:
            with warehouse.reading() as connection:
                state = connection.execute(STATE).fetchall()
            if "opened" in kind:
                warehouse.finish()
            reads += 1
            newest = {account: int(number) for account, number, _ in state}
            is_older = any(newest.get(account, 0) < number for account, number in before.items())
            expected = CELLS[:1] if kind == "one cell" else CELLS
            if tuple(newest) != expected or not all(is_whole for *_, is_whole in state) or is_older:
                wrong.append(f"{kind}: {state} after {before}")
            before = newest
            seen.add(str(newest))
    except Exception as error:  # noqa: BLE001 - any error is a result
        wrong.append(f"{kind}: {error}")
    warehouse.finish()
    results.put((kind, reads, len(seen), wrong))
