"""The types of the catalogue: records with their fields, and the feeds and snapshots that serve them.

To add a field, add one line to the record's class, at the position of the column in the table. The class is in
``suppliers`` or ``customers``, or in ``both_apis`` if both APIs serve it alike:

    price_per_piece: Decimal | None = field("price of a piece, without packing")

The annotation is the type: one of the scalars below, a ``Literal`` for an enumeration, another record for a nested
object, ``list[…]`` for an array; ``| None`` where the specification does not require the field. Columns, child tables,
their types and the documentation follow from that line (:mod:`pipelines.catalogue.tables`). Then run ``make docs``.

A record that inherits from a ``…Base`` record may have annotations without a description: it is that of the base.
"""

from __future__ import annotations

import datetime as dt
import decimal
import types
import typing
import uuid
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal

from pipelines.floriday.endpoints import USUAL, Endpoint, RateLimit


class Kind(StrEnum):
    """The DuckDB type of a scalar."""

    UUID = "UUID"
    TEXT = "VARCHAR"
    DATE_TIME = "TIMESTAMP WITH TIME ZONE"
    DATE = "DATE"
    INT32 = "INTEGER"
    INT64 = "BIGINT"
    DECIMAL = "DECIMAL(18,6)"
    BOOLEAN = "BOOLEAN"


Uuid = Annotated[uuid.UUID, Kind.UUID]
Text = Annotated[str, Kind.TEXT]
Duration = Annotated[str, Kind.TEXT]
DateTime = Annotated[dt.datetime, Kind.DATE_TIME]
Date = Annotated[dt.date, Kind.DATE]
Int32 = Annotated[int, Kind.INT32]
Int64 = Annotated[int, Kind.INT64]
Decimal = Annotated[decimal.Decimal, Kind.DECIMAL]
Boolean = Annotated[bool, Kind.BOOLEAN]


class Record:
    """Base of all records. The annotations of a subclass are its fields, in order; its docstring is the description."""


@dataclass(frozen=True)
class FieldNote:
    """The properties of a field beside its type; see :func:`field`."""

    description: str
    json: str | None = None
    column: str | None = None
    table: str | None = None
    id: str | None = None
    personal: bool = False
    stored: bool = True
    formerly: tuple[str, ...] = ()


def field(
    description: str,
    *,
    json: str | None = None,
    column: str | None = None,
    table: str | None = None,
    id: str | None = None,
    personal: bool = False,
    stored: bool = True,
    formerly: tuple[str, ...] = (),
) -> Any:
    """Describe one field of a record.

    Args:
        description: noun phrase in lower case (except for names) without a full stop. The description of a nested
            record's column begins with the phrases of the fields above it: ``Delivery, place: city``.
        json: JSON name, if it is not the field's name in camelCase.
        column: name of the column, or prefix of a nested record's columns; None for the names of the fields on the
            path, joined with ``_``.
        table: for a list of records, name of the child table without schema; None for ``<parent>_<field>``.
        id: for a list of records, name of the member's id field that is also a column of the tables of its own lists.
        personal: whether it is, or may contain, personal data.
        stored: False for a field that repeats another one; it gets no column.
        formerly: JSON names of the field in other versions of the API; stored records that have one of them keep their
            value when their tables are created again from the raw log.
    """
    return FieldNote(description, json, column, table, id, personal, stored, formerly)


@dataclass(frozen=True)
class Field:
    """One field of a record, with its type resolved.

    Exactly one of ``kind`` and ``record`` is set. ``values`` are the known values of an enumeration.
    """

    name: str
    json: str
    note: FieldNote
    kind: Kind | None
    record: type[Record] | None
    values: tuple[str, ...]
    repeated: bool
    required: bool


Tier = Literal["fast", "hourly", "daily"]


@dataclass(frozen=True)
class Retention:
    """How long Floriday serves a record (docs/floriday.md: Retention).

    Args:
        keeps: minimum time for which it is served.
        counted_from: event from which the time counts, as a phrase; empty where Floriday does not state it.
    """

    keeps: dt.timedelta
    counted_from: str = ""


@dataclass(frozen=True)
class Source:
    """The source of a table and its child tables: a :class:`Feed` or a :class:`Snapshot`.

    Args:
        schema: DuckDB schema and Dagster group.
        table: name of the parent table without schema.
        record: class of the records that it serves.
        key: columns of the record's identifying fields; in the table, ``account`` precedes them.
        scope: scope that is required to read it.
        tier: how often it is read (docs/floriday.md: Change feeds).
        retention: how long Floriday serves a record; None where it is long and not stated.
        notes: sentences of :mod:`pipelines.catalogue.notes` for the description of the table.
        formerly: names, as ``schema.table``, that it has in catalogues of other versions of the API.
    """

    schema: str
    table: str
    record: type[Record]
    key: tuple[str, ...]
    _: KW_ONLY
    scope: str
    tier: Tier = "daily"
    retention: Retention | None = None
    notes: tuple[str, ...] = ()
    formerly: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """``schema.table``, the name of the source."""
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True)
class Feed(Source):
    """A change feed: pages of the records that are new, changed or deleted since a sequence number.

    Args:
        endpoint: operations of the feed.
        selection: whether it serves a selection; after a restart, records that a complete read does not return are
            deleted (docs/floriday.md: Change feeds).
        widened_by: names of feeds whose new records make older records of this feed visible, below any cursor
            (docs/floriday.md: Change feeds).
        selected_only_widened_by: further such feeds if only the selected assortment is read.
    """

    endpoint: Endpoint
    _: KW_ONLY
    selection: bool = False
    widened_by: tuple[str, ...] = ()
    selected_only_widened_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snapshot(Source):
    """A list without a change feed: it is read whole and compared with what was read before (the specification).

    Args:
        path: path of the operation, relative to the API's base address; it returns an array of records.
        asked_by: ``week`` for one call for each ISO week, ``moment`` for one call with a point in time.
        parameters: names of the query parameters: those of year and week, or that of the point in time.
        rate: rate limit of the operation.
    """

    path: str
    _: KW_ONLY
    asked_by: Literal["week", "moment"]
    parameters: tuple[str, ...]
    rate: RateLimit = USUAL


def camel_case(name: str) -> str:
    """``price_per_piece`` → ``pricePerPiece``."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        rest = [part for part in typing.get_args(annotation) if part is not types.NoneType]
        return rest[0], False
    return annotation, True


def _resolve(record: type[Record], name: str, annotation: Any) -> Field:
    note = getattr(record, name, None)
    if not isinstance(note, FieldNote):
        raise TypeError(f"{record.__name__}.{name} has no description: use field(...), as in {name}: Text = field('…')")
    inner, required = _without_none(annotation)
    repeated = typing.get_origin(inner) is list
    if repeated:
        (inner,) = typing.get_args(inner)
    kind, nested, values = None, None, ()
    if typing.get_origin(inner) is Annotated:
        kind = typing.get_args(inner)[1]
    elif typing.get_origin(inner) is Literal:
        # Sorted: `typing` treats Literals with the same values as equal and may return one with another order.
        kind, values = Kind.TEXT, tuple(sorted(typing.get_args(inner)))
    else:
        nested = inner
    return Field(name, note.json or camel_case(name), note, kind, nested, values, repeated, required)


_FIELDS: dict[type[Record], tuple[Field, ...]] = {}


def fields_of(record: type[Record]) -> tuple[Field, ...]:
    """The fields of a record in the order of its annotations, those of its base classes first.

    Raises:
        TypeError: a field is not made with :func:`field`.
    """
    if record not in _FIELDS:
        hints = typing.get_type_hints(record, include_extras=True)
        _FIELDS[record] = tuple(_resolve(record, name, hint) for name, hint in hints.items())
    return _FIELDS[record]
