"""Schema drift: fields and values that Floriday served and the catalogue does not know, with first and last time.

The values of unknown fields are kept in ``raw`` alone; stored here are names, types and values of enumerations.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from pipelines.catalogue.tables import Path, Table
from pipelines.normalize import Batch
from pipelines.warehouse.load.cursors import FeedPart
from pipelines.warehouse.storage import register

VALUES_A_COLUMN = 100  # unknown values of an enumeration that a batch may add: if there are more, it is free text
FIELDS_A_FEED = 200  # unknown fields of a feed and account that are stored: if there are more, their names are ids
LONGEST = 80  # characters of a type or a value that are kept

_SAME = "u.account = $account AND u.feed = $feed AND u.kind = s.kind AND u.name = s.name"
_FIELDS = "(SELECT count(*) FROM sync.unknown u WHERE u.account = $account AND u.feed = $feed AND u.kind = 'field')"
_SAME_VALUE = "(s.kind = 'field' OR u.seen = s.seen)"


@dataclass(frozen=True)
class Unknown:
    """A field or a value that the catalogue does not know."""

    account: str  # name of the account that read it
    kind: str  # `field` or `value`
    name: str  # path of the field in the JSON, or the `schema.table.column` of the enumeration
    seen: str  # the type that the field seems to have, or the value
    first_seen: dt.datetime
    last_seen: dt.datetime


def keep(connection: duckdb.DuckDBPyConnection, part: FeedPart, batch: Batch, moment: dt.datetime) -> None:
    """Store the unknown fields and values of a batch; within its transaction."""
    unknown = list(_unknown(batch))
    if not unknown:
        return
    import pyarrow as pa  # noqa: PLC0415 - a sync without changes need not import it

    kinds, names, seen = zip(*unknown, strict=True)
    register(connection, drift=pa.table({"kind": kinds, "name": names, "seen": seen}))
    params: dict[str, object] = {"account": part.account, "feed": part.feed, "moment": moment}
    connection.execute(
        f"UPDATE sync.unknown u SET seen = s.seen, last_seen = $moment FROM drift s WHERE {_SAME} AND {_SAME_VALUE}",
        params,
    )
    connection.execute(
        "INSERT INTO sync.unknown SELECT $account, $feed, s.kind, s.name, s.seen, $moment, $moment FROM drift s"
        f" WHERE NOT EXISTS (SELECT 1 FROM sync.unknown u WHERE {_SAME} AND {_SAME_VALUE})"
        f" AND (s.kind <> 'field' OR {_FIELDS} < {FIELDS_A_FEED})",
        params,
    )
    connection.unregister("drift")


def _unknown(batch: Batch) -> Iterator[tuple[str, str, str]]:
    for path, kind in batch.unknown_fields.items():
        yield "field", path, kind[:LONGEST]
    for name, values in batch.unknown_values.items():
        for value in sorted({value[:LONGEST] for value in values})[:VALUES_A_COLUMN]:
            yield "value", name, value


def still_unknown(connection: duckdb.DuckDBPyConnection, table: Table) -> list[Unknown]:
    """The stored fields and values that this catalogue does not know either, by account, kind and name.

    Their age does not matter: ``raw`` holds them, and the tables do not.
    """
    rows = connection.execute(
        "SELECT account, kind, name, seen, first_seen, last_seen FROM sync.unknown WHERE feed = ?"
        " ORDER BY account, kind, name, seen",
        [table.qualified_name],
    ).fetchall()
    return [found for found in (Unknown(*row) for row in rows) if not _is_known(table, found)]


def _is_known(table: Table, found: Unknown) -> bool:
    if found.kind == "field":
        return found.name.replace("[]", "") in set(_known_fields(table, ()))
    place, _, column = found.name.rpartition(".")
    columns = {each.qualified_name: each.by_name for each in table.walk()}.get(place, {})
    values = columns[column].values if column in columns else ()
    return not values or found.seen in values


def _known_fields(table: Table, above: Path) -> Iterator[str]:
    """The paths of all fields that the catalogue knows, and of the objects around them."""
    own = (*above, *table.array)
    for path in (*(column.path or () for column in table.own_columns), *table.silent):
        for end in range(1, len(path) + 1):
            yield ".".join((*own, *path[:end]))
    for child in table.children:
        yield from _known_fields(child, own)
