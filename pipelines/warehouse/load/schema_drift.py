"""What Floriday served that the catalogue does not know: remembered with its first and last day, until it does.

The values of unknown fields are kept in ``raw`` alone; here stand names, types and values of enumerations.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from pipelines.catalogue.tables import Path, Table
from pipelines.normalize import Batch
from pipelines.warehouse.load.cursors import FeedPart

VALUES_A_COLUMN = 100
"""Unknown values of one enumeration that one batch may add: more of them would be free text in its place."""

FIELDS_A_FEED = 200
"""Unknown fields of one feed and account that are remembered: more of them are ids in the place of names."""

LONGEST = 80
"""Characters of a type or a value that are kept."""

_SAME = "u.account = $account AND u.feed = $feed AND u.kind = s.kind AND u.name = s.name"
_FIELDS = "(SELECT count(*) FROM sync.unknown u WHERE u.account = $account AND u.feed = $feed AND u.kind = 'field')"
_SAME_VALUE = "(s.kind = 'field' OR u.seen = s.seen)"


@dataclass(frozen=True)
class Unknown:
    """A field or a value that the catalogue does not know.

    Args:
        account: who was served it.
        kind: ``field`` or ``value``.
        name: the field's way through the JSON, or the ``schema.table.column`` of the enumeration.
        seen: the type that the field seems to have, or the value.
        first_seen: when it was served first.
        last_seen: when it was served last.
    """

    account: str
    kind: str
    name: str
    seen: str
    first_seen: dt.datetime
    last_seen: dt.datetime


def keep(connection: duckdb.DuckDBPyConnection, part: FeedPart, batch: Batch, moment: dt.datetime) -> None:
    """Write down what a batch held that is not known, where it did; within its transaction."""
    strange = list(_strange(batch))
    if not strange:
        return
    kinds, names, seen = zip(*strange, strict=True)
    connection.register("strange", pa.table({"kind": kinds, "name": names, "seen": seen}))
    said: dict[str, object] = {"account": part.account, "feed": part.feed, "moment": moment}
    connection.execute(
        f"UPDATE sync.unknown u SET seen = s.seen, last_seen = $moment FROM strange s WHERE {_SAME} AND {_SAME_VALUE}",
        said,
    )
    connection.execute(
        "INSERT INTO sync.unknown SELECT $account, $feed, s.kind, s.name, s.seen, $moment, $moment FROM strange s"
        f" WHERE NOT EXISTS (SELECT 1 FROM sync.unknown u WHERE {_SAME} AND {_SAME_VALUE})"
        f" AND (s.kind <> 'field' OR {_FIELDS} < {FIELDS_A_FEED})",
        said,
    )
    connection.unregister("strange")


def _strange(batch: Batch) -> Iterator[tuple[str, str, str]]:
    for path, kind in batch.unknown_fields.items():
        yield "field", path, kind[:LONGEST]
    for name, values in batch.unknown_values.items():
        for value in sorted({value[:LONGEST] for value in values})[:VALUES_A_COLUMN]:
            yield "value", name, value


def still_unknown(connection: duckdb.DuckDBPyConnection, table: Table) -> list[Unknown]:
    """What a feed was served that the catalogue of today does not know either, by account, kind and name.

    How long ago it was served does not matter: ``raw`` holds it, and the tables do not.

    Args:
        connection: open for reading.
        table: the feed's, children within.
    """
    rows = connection.execute(
        "SELECT account, kind, name, seen, first_seen, last_seen FROM sync.unknown WHERE feed = ?"
        " ORDER BY account, kind, name, seen",
        [table.qualified_name],
    ).fetchall()
    return [one for one in (Unknown(*row) for row in rows) if not _knows(table, one)]


def _knows(table: Table, one: Unknown) -> bool:
    if one.kind == "field":
        return one.name.replace("[]", "") in set(_known_fields(table, ()))
    place, _, column = one.name.rpartition(".")
    values = next((part.by_name[column].values for part in table.walk() if _has(part, place, column)), ())
    return not values or one.seen in values


def _has(part: Table, place: str, column: str) -> bool:
    return part.qualified_name == place and column in part.by_name


def _known_fields(table: Table, above: Path) -> Iterator[str]:
    """The ways to all fields that the catalogue knows, and to the objects around them."""
    here = (*above, *table.array)
    for path in (*(column.path or () for column in table.own_columns), *table.silent):
        for end in range(1, len(path) + 1):
            yield ".".join((*here, *path[:end]))
    for child in table.children:
        yield from _known_fields(child, here)
