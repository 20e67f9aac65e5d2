"""How each check is judged, and what it shows: counts, keys, numbers and reasons, never a record's content."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import dagster as dg
import duckdb

from pipelines.catalogue.tables import Table
from pipelines.catalogue.types import Source
from pipelines.orchestration.assets.floriday_text import listed_as_code, visible
from pipelines.sync.outcome import FeedOutcome
from pipelines.text_format import moment
from pipelines.warehouse.load import schema_drift, visibility
from pipelines.warehouse.read import integrity
from pipelines.warehouse.read.feed_status import unread_since
from pipelines.warehouse.read.integrity import Finding
from pipelines.warehouse.read.stock_check import stock_mismatches

NOTICE = dt.timedelta(days=7)
"""How long before unread changes would be lost a warning comes."""

SHOWN = 50
"""Rows that a result shows of what the catalogue does not know."""

_EXAMPLES = {"table": "string", "account": "string", "key": "string", "what": "string"}
_ACCOUNTS = {
    "account": "string",
    "current": "bool",
    "cursor": "int",
    "maximum": "int",
    "distance": "int",
    "why": "string",
}
_UNKNOWN = dict.fromkeys(("account", "kind", "name", "seen", "first seen", "last seen"), "string")
_RETENTION = {"account": "string", "read to its end": "string", "hours left": "float", "may be incomplete": "string"}


@dataclass(frozen=True)
class Subject:
    """What the checks of a feed are judged by.

    Args:
        source: the feed or snapshot.
        table: its table.
        outcomes: how its sync went for each account.
        connection: open for reading.
        within: the run whose records are looked at, None for all.
        now: the moment of asking.
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
        refused = visibility.not_granted(self.connection)
        return {account for account, feed in refused if feed == self.source.name}


@dataclass(frozen=True)
class Verdict:
    """The answer of a check.

    Args:
        passed: whether all is well.
        told: why, in one line.
        metadata: the figures.
    """

    passed: bool
    told: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


def current(subject: Subject) -> Verdict:
    """Whether every account that was synced is read to the feed's end."""
    rows = [_account(outcome) for outcome in subject.outcomes]
    behind = [row["account"] for row in rows if not row["current"] and row["account"] not in subject.not_granted]
    told = f"not current: {', '.join(behind)}" if behind else "current"
    return Verdict(not behind, told, {"accounts": _shown(_ACCOUNTS, rows)})


def _account(outcome: FeedOutcome) -> dict[str, Any]:
    distance = None if outcome.maximum is None else max(0, outcome.maximum - outcome.cursor)
    return {
        "account": outcome.account,
        "current": outcome.current,
        "cursor": outcome.cursor,
        "maximum": outcome.maximum,
        "distance": distance,
        "why": outcome.error or outcome.skipped or outcome.why_not_current,
    }


def unique_key(subject: Subject) -> Verdict:
    """Whether no key is doubled, in the table or its children."""
    finding = integrity.duplicate_keys(subject.connection, subject.table, subject.within)
    return _inspected(subject, finding, "doubled keys")


def no_orphans(subject: Subject) -> Verdict:
    """Whether every child row has its parent row."""
    finding = integrity.orphans(subject.connection, subject.table, subject.within)
    return _inspected(subject, finding, "rows without their parent row")


def raw_equals_current(subject: Subject) -> Verdict:
    """Whether the current rows are those of the newest versions."""
    finding = integrity.differs_from_raw(subject.connection, subject.table, subject.within)
    return _inspected(subject, finding, "differences from the newest versions")


def _inspected(subject: Subject, finding: Finding, what: str) -> Verdict:
    looked = "all records" if subject.within is None else "the records of which this run stored a version"
    return _found(finding, what, {"looked at": looked})


def _found(finding: Finding, what: str, more: Mapping[str, Any]) -> Verdict:
    rows = [
        {"table": one.table, "account": one.account, "key": visible(one.key), "what": visible(one.what)}
        for one in finding.examples
    ]
    examples = {"examples": _shown(_EXAMPLES, rows)} if rows else {}
    told = f"{what}: {finding.count}" if finding.count else f"no {what}"
    return Verdict(not finding.count, told, {"wrong": finding.count, **more, **examples})


def rejected_records(subject: Subject) -> Verdict:
    """Whether no record waits to be read."""
    return _found(integrity.open_rejections(subject.connection, subject.table), "rejected records", {})


def batch_ledger(subject: Subject) -> Verdict:
    """Whether the mutations of each batch that can be judged add up."""
    finding = stock_mismatches(subject.connection)
    return _found(finding, "batches that do not add up", {"judged": finding.judged})


def unknown_content(subject: Subject) -> Verdict:
    """Whether the catalogue knows all that was ever served."""
    found = schema_drift.still_unknown(subject.connection, subject.table)
    rows = [
        {
            "account": one.account,
            "kind": one.kind,
            "name": visible(one.name),
            "seen": visible(one.seen),
            "first seen": moment(one.first_seen),
            "last seen": moment(one.last_seen),
        }
        for one in found[:SHOWN]
    ]
    names = sorted({one.name for one in found})
    told = f"unknown: {listed_as_code(names)}" if names else "all fields and values are known"
    return Verdict(not found, told, {"unknown": len(found), **({"served": _shown(_UNKNOWN, rows)} if rows else {})})


def retention(subject: Subject) -> Verdict:
    """Whether no account comes close to what Floriday forgets, or has just come back from beyond it."""
    outcomes = [outcome for outcome in subject.outcomes if outcome.account not in subject.not_granted]
    known = {} if all(one.current for one in outcomes) else unread_since(subject.connection, subject.source.name)
    standings = [_standing(outcome, known, subject) for outcome in outcomes]
    warned = [each.account for each in standings if each.is_due or each.gap]
    told = f"changes are lost, or soon will be: {', '.join(warned)}" if warned else "nothing is about to be lost"
    return Verdict(not warned, told, {"accounts": _shown(_RETENTION, [each.row for each in standings])})


@dataclass(frozen=True)
class _Standing:
    """How far an account is from what Floriday forgets.

    Args:
        account: whose.
        read: when the feed was last proven read to its end, None where that is not known.
        left: until unread changes may be lost.
        gap: since when changes may have come and gone unread, where this sync ended a gap that was too long.
        until: when that gap ended.
    """

    account: str
    read: dt.datetime | None
    left: dt.timedelta | None
    gap: dt.datetime | None
    until: dt.datetime

    @property
    def is_due(self) -> bool:
        """Whether it is time for a warning."""
        return self.left is not None and self.left < NOTICE

    @property
    def row(self) -> dict[str, Any]:
        """What is shown."""
        return {
            "account": self.account,
            "read to its end": moment(self.read) if self.read else None,
            "hours left": None if self.left is None else round(self.left / dt.timedelta(hours=1), 1),
            "may be incomplete": f"{moment(self.gap)} to {moment(self.until)}" if self.gap else None,
        }


def _standing(outcome: FeedOutcome, known: Mapping[str, dt.datetime], subject: Subject) -> _Standing:
    assert subject.source.retention is not None
    keeps, now, before = subject.source.retention.keeps, subject.now, outcome.current_before
    read = now if outcome.current else known.get(outcome.account)
    left = None if read is None else keeps - (now - read)
    gap = before if before is not None and now - before > keeps else None
    return _Standing(outcome.account, read, left, gap, now)


def _shown(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    schema = dg.TableSchema(columns=[dg.TableColumn(name, type) for name, type in columns.items()])
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows], schema)
