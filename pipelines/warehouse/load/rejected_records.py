"""Rejected records: kept with reason and payload, one open row for each, resolved when they become valid."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from pipelines.catalogue.tables import Table
from pipelines.normalize import Rejected
from pipelines.warehouse.load.cursors import FeedPart
from pipelines.warehouse.sql import joined_key
from pipelines.warehouse.storage import register

if TYPE_CHECKING:
    import pyarrow as pa

_OPEN = "r.account = $account AND r.feed = $feed AND r.resolved_at IS NULL"


def _identity_of(row: str) -> str:
    """What makes a row the same record as another.

    One value: where an OR stands between two ways of being equal, DuckDB compares each row with each.
    """
    return (
        f"CASE WHEN {row}.key IS NOT NULL THEN 'key ' || {row}.key"
        f" WHEN {row}.sequence_number IS NOT NULL THEN 'number ' || {row}.sequence_number"
        f" ELSE 'payload ' || {row}.payload END"
    )


_UNIDENTIFIED = "r.key IS NULL AND coalesce(r.sequence_number, 0) <= 0"  # no record is served below number 1

_SAME = f"{_identity_of('r')} = {_identity_of('w')}"

LISTED = (
    "SELECT account, feed, key, sequence_number AS number, reason, first_seen, last_seen FROM sync.rejected_records"
    " WHERE resolved_at IS NULL AND (len($feeds) = 0 OR list_contains($feeds, feed))"
    " AND (len($accounts) = 0 OR list_contains($accounts, account))"
    " ORDER BY account, feed, sequence_number, key, first_seen"
)
"""The open records of some feeds and accounts, of all where none is given, without what was received."""

WITH_PAYLOADS = LISTED.replace("first_seen, last_seen", "first_seen, last_seen, payload", 1)
"""The same, with what was received."""


@dataclass(frozen=True)
class OpenRecord:
    """A record that could not be stored yet."""

    account: str  # name of the account that read it
    feed: str  # `schema.table`
    key: str | None  # its key values, joined; None where they cannot be read
    number: int | None  # its sequence number; None where it cannot be read
    reason: str
    payload: str  # the record as received

    @property
    def identity(self) -> tuple[object, ...]:
        """What makes it the same record when it is served again."""
        return (self.account, self.feed, *_identity(self.key, self.number, self.payload))


def open_records(
    connection: duckdb.DuckDBPyConnection, feeds: Iterable[str], accounts: Iterable[str]
) -> list[OpenRecord]:
    """The open records of some feeds and accounts, of all where none is given."""
    rows = connection.execute(
        f"SELECT account, feed, key, number, reason, payload FROM ({WITH_PAYLOADS})",
        {"feeds": list(feeds), "accounts": list(accounts)},
    ).fetchall()
    return [OpenRecord(*row) for row in rows]


def keep(
    connection: duckdb.DuckDBPyConnection, part: FeedPart, records: Sequence[Rejected], moment: dt.datetime
) -> None:
    """Store rejected records: one open row for a key, or for a number without a key; within a transaction."""
    if not records:
        return
    register(connection, wrong=_last_of_each(records))
    params: dict[str, object] = {"account": part.account, "feed": part.feed, "moment": moment}
    connection.execute(
        "UPDATE sync.rejected_records r SET payload = w.payload, reason = w.reason, last_seen = $moment,"
        f" sequence_number = w.sequence_number FROM wrong w WHERE {_OPEN} AND {_SAME}",
        params,
    )
    connection.execute(
        "INSERT INTO sync.rejected_records SELECT $account, $feed, w.key, w.payload, w.reason, w.sequence_number,"
        " $moment, $moment, NULL FROM wrong w"
        f" WHERE NOT EXISTS (SELECT 1 FROM sync.rejected_records r WHERE {_OPEN} AND {_SAME})",
        params,
    )
    connection.unregister("wrong")


def _last_of_each(records: Sequence[Rejected]) -> pa.Table:
    import pyarrow as pa  # noqa: PLC0415 - a sync without changes need not import it

    last = {_identity(each.key, each.sequence_number, each.payload): vars(each) for each in records}
    texts = [(name, pa.string()) for name in ("key", "payload", "reason")]
    return pa.Table.from_pylist(list(last.values()), pa.schema([*texts, ("sequence_number", pa.int64())]))


def _identity(key: str | None, number: int | None, payload: str) -> tuple[object, ...]:
    if key is not None:
        return ("key", key)
    if number is not None:
        return ("number", number)
    return ("payload", payload)


def resolve_stored(
    connection: duckdb.DuckDBPyConnection, table: Table, part: FeedPart, moment: dt.datetime, verdicts: str
) -> None:
    """Resolve the rows whose record was just stored in a valid version; within a transaction.

    One statement for each way of being the same: with an OR between them DuckDB would compare each row with each. The
    verdicts are the temporary table of :class:`~pipelines.warehouse.load.change_detection.DetectedChanges`.
    """
    is_newer = "(v.sequence_number = 0 OR v.sequence_number >= coalesce(r.sequence_number, v.sequence_number))"
    by_key = f"r.key = {joined_key(table, 'v')} AND {is_newer}"
    by_number = "r.key IS NULL AND r.sequence_number = v.sequence_number AND v.sequence_number <> 0"
    for is_same in (by_key, by_number):
        connection.execute(
            f"UPDATE sync.rejected_records r SET resolved_at = $moment FROM {verdicts} v WHERE {_OPEN} AND {is_same}",
            {"account": part.account, "feed": part.feed, "moment": moment},
        )


def _resolve(
    connection: duckdb.DuckDBPyConnection, part: FeedPart, moment: dt.datetime, which: str, **params: object
) -> None:
    connection.execute(
        f"UPDATE sync.rejected_records r SET resolved_at = $moment WHERE {_OPEN} AND {which}",
        {"account": part.account, "feed": part.feed, "moment": moment, **params},
    )


def resolve_vacant(
    connection: duckdb.DuckDBPyConnection, part: FeedPart, numbers: Sequence[int], moment: dt.datetime
) -> None:
    """Resolve the rows with numbers that no record has any more; within a transaction."""
    _resolve(connection, part, moment, "list_contains($numbers, r.sequence_number)", numbers=list(numbers))


def forget_numbers(connection: duckdb.DuckDBPyConnection, part: FeedPart, moment: dt.datetime) -> None:
    """Forget the numbers of a feed whose numbering was restarted; within a transaction.

    A record with a key stays open until a valid version of it is stored, whatever its number. One without a key is
    resolved: if it is still served and still wrong, it is rejected again under its new number.
    """
    _resolve(connection, part, moment, "r.key IS NULL AND r.sequence_number IS NOT NULL")
    connection.execute(
        f"UPDATE sync.rejected_records r SET sequence_number = NULL WHERE {_OPEN}",
        {"account": part.account, "feed": part.feed},
    )


def has_unidentified(connection: duckdb.DuckDBPyConnection, part: FeedPart) -> bool:
    """Whether a feed has open records that have neither a readable key nor a number under which one is served."""
    rows = connection.execute(
        f"SELECT 1 FROM sync.rejected_records r WHERE {_OPEN} AND {_UNIDENTIFIED} LIMIT 1",
        {"account": part.account, "feed": part.feed},
    ).fetchall()
    return bool(rows)


def resolve_unidentified(connection: duckdb.DuckDBPyConnection, part: FeedPart, moment: dt.datetime) -> None:
    """Resolve the rows without key and number after a complete walk of their feed; within a transaction.

    In the walk nothing was rejected that cannot be identified. So each record was served so that it was stored, or was
    rejected with its key or number.
    """
    _resolve(connection, part, moment, _UNIDENTIFIED)


def resolve_records(
    connection: duckdb.DuckDBPyConnection, part: FeedPart, records: Sequence[OpenRecord], moment: dt.datetime
) -> None:
    """Resolve the rows of these records, which have no sequence numbers; within a transaction."""
    keys = [record.key for record in records if record.key is not None]
    payloads = [record.payload for record in records if record.key is None]
    if keys:
        _resolve(connection, part, moment, "r.key IN (SELECT unnest($keys))", keys=keys)
    if payloads:
        _resolve(
            connection, part, moment, "r.key IS NULL AND r.payload IN (SELECT unnest($payloads))", payloads=payloads
        )


def resolve_unserved(
    connection: duckdb.DuckDBPyConnection, part: FeedPart, served: Collection[str | None], moment: dt.datetime
) -> None:
    """Resolve the rows of records that a complete walk of their feed did not serve; within a transaction."""
    rows = connection.execute(
        f"SELECT r.key FROM sync.rejected_records r WHERE {_OPEN} AND r.key IS NOT NULL",
        {"account": part.account, "feed": part.feed},
    ).fetchall()
    missing = sorted({key for (key,) in rows} - set(served))
    if missing:
        _resolve(connection, part, moment, "r.key IN (SELECT unnest($keys))", keys=missing)
