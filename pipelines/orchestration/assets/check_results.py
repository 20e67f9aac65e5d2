"""Evaluates the checks. Results show counts, keys, numbers and reasons, never the content of a record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import dagster as dg
import duckdb

from pipelines.catalogue.tables import Table
from pipelines.catalogue.types import Source
from pipelines.orchestration.assets.floriday_text import listed_as_code, visible
from pipelines.orchestration.assets.metadata import distance
from pipelines.sync.outcome import FeedOutcome
from pipelines.text_format import moment
from pipelines.warehouse.load import schema_drift, visibility
from pipelines.warehouse.read import integrity
from pipelines.warehouse.read.batch_ledger import batch_ledger_mismatches
from pipelines.warehouse.read.feed_status import unread_since
from pipelines.warehouse.read.integrity import Finding

NOTICE = dt.timedelta(days=7)  # time before the loss of unread changes from which the check fails
SHOWN = 50  # most rows that a result shows of what the catalogue does not know
_EXAMPLES = {"table": "string", "account": "string", "key": "string", "what": "string"}
_NUMBERS = dict.fromkeys(("cursor", "maximum", "distance"), "int")
_ACCOUNTS = {"account": "string", "current": "bool", **_NUMBERS, "why": "string"}
_UNKNOWN = dict.fromkeys(("account", "kind", "name", "seen", "first seen", "last seen"), "string")
_RETENTION = {"account": "string", "read to its end": "string", "hours left": "float", "may be incomplete": "string"}


@dataclass(frozen=True)
class SyncedFeed:
    """What the checks of a feed examine; ``table`` includes its children.

    ``within`` is the id of the run whose records are examined, None for all records; ``now`` is the time of evaluation.
    """

    source: Source
    table: Table
    outcomes: tuple[FeedOutcome, ...]
    connection: duckdb.DuckDBPyConnection
    within: str | None
    now: dt.datetime

    @cached_property
    def not_granted(self) -> set[str]:
        """The accounts whose token lacks the feed's scope."""
        return {account for account, feed in visibility.not_granted(self.connection) if feed == self.source.name}


class Result(NamedTuple):
    """The result of a check: a summary in one line, and the numbers and tables that Dagster shows."""

    passed: bool
    summary: str
    metadata: Mapping[str, Any]


Inspection = Callable[[SyncedFeed], Result]


def current(feed: SyncedFeed) -> Result:
    """Whether every account that was synced is read to the feed's end."""
    rows = [_account(outcome) for outcome in feed.outcomes]
    behind = [row["account"] for row in rows if not row["current"] and row["account"] not in feed.not_granted]
    summary = f"not current: {', '.join(behind)}" if behind else "current"
    return Result(not behind, summary, {"accounts": _table(_ACCOUNTS, rows)})


def _account(outcome: FeedOutcome) -> dict[str, Any]:
    return {
        "account": outcome.account,
        "current": outcome.current,
        "cursor": outcome.cursor,
        "maximum": outcome.maximum,
        "distance": distance(outcome),
        "why": outcome.error or outcome.skipped or outcome.why_not_current,
    }


def _inspection(find: Callable[[duckdb.DuckDBPyConnection, Table, str | None], Finding], what: str) -> Inspection:
    def inspect(feed: SyncedFeed) -> Result:
        scope = "all records" if feed.within is None else "the records of which this run stored a version"
        return _found(find(feed.connection, feed.table, feed.within), what, {"looked at": scope})

    return inspect


unique_key = _inspection(integrity.duplicate_keys, "doubled keys")
no_orphans = _inspection(integrity.orphans, "rows without their parent row")
raw_equals_current = _inspection(integrity.differs_from_raw, "differences from the newest versions")


def rejected_records(feed: SyncedFeed) -> Result:
    """Passes if the feed has no rejected record."""
    return _found(integrity.open_rejections(feed.connection, feed.table), "rejected records", {})


def batch_ledger(feed: SyncedFeed) -> Result:
    """Whether the mutations of each batch that can be judged add up."""
    finding = batch_ledger_mismatches(feed.connection)
    return _found(finding, "batches that do not add up", {"judged": finding.judged})


def _found(finding: Finding, what: str, more: Mapping[str, Any]) -> Result:
    rows = [
        {"table": each.table, "account": each.account, "key": visible(each.key), "what": visible(each.what)}
        for each in finding.examples
    ]
    examples = {"examples": _table(_EXAMPLES, rows)} if rows else {}
    summary = f"{what}: {finding.count}" if finding.count else f"no {what}"
    return Result(not finding.count, summary, {"wrong": finding.count, **more, **examples})


def unknown_content(feed: SyncedFeed) -> Result:
    """Whether the catalogue knows all fields and values that were ever served."""
    found = schema_drift.still_unknown(feed.connection, feed.table)
    rows = [
        {
            "account": each.account,
            "kind": each.kind,
            "name": visible(each.name),
            "seen": visible(each.seen),
            "first seen": moment(each.first_seen),
            "last seen": moment(each.last_seen),
        }
        for each in found[:SHOWN]
    ]
    names = sorted({each.name for each in found})
    summary = f"unknown: {listed_as_code(names)}" if names else "all fields and values are known"
    return Result(not found, summary, {"unknown": len(found), **({"served": _table(_UNKNOWN, rows)} if rows else {})})


def retention(feed: SyncedFeed) -> Result:
    """Passes if no account is about to lose unread changes to Floriday's retention, or has just lost some."""
    outcomes = [outcome for outcome in feed.outcomes if outcome.account not in feed.not_granted]
    unread = {} if all(each.current for each in outcomes) else unread_since(feed.connection, feed.source.name)
    found = [_loss(outcome, unread, feed) for outcome in outcomes]
    warned = [row["account"] for row, is_warned in found if is_warned]
    summary = f"changes are lost, or soon will be: {', '.join(warned)}" if warned else "nothing is about to be lost"
    return Result(not warned, summary, {"accounts": _table(_RETENTION, [row for row, _ in found])})


def _loss(outcome: FeedOutcome, unread: Mapping[str, dt.datetime], feed: SyncedFeed) -> tuple[dict[str, Any], bool]:
    """The row of an account, and whether it needs a warning.

    "may be incomplete" is the time in which unread changes may have been lost, if this sync ended such a gap.
    """
    assert feed.source.retention is not None
    keeps, before = feed.source.retention.keeps, outcome.current_before
    read = feed.now if outcome.current else unread.get(outcome.account)
    left = None if read is None else keeps - (feed.now - read)
    gap = f"{moment(before)} to {moment(feed.now)}" if before is not None and feed.now - before > keeps else None
    row = {
        "account": outcome.account,
        "read to its end": moment(read) if read else None,
        "hours left": None if left is None else round(left / dt.timedelta(hours=1), 1),
        "may be incomplete": gap,
    }
    return row, gap is not None or (left is not None and left < NOTICE)


def _table(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    schema = dg.TableSchema(columns=[dg.TableColumn(name, type) for name, type in columns.items()])
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows], schema)
