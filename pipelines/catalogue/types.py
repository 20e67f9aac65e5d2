"""The small language in which the catalogue says what Floriday serves.

A record is a class whose annotations are its fields; a feed says where the record is served. Facts about
single feeds do not belong here.
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
    """How a scalar is stored: a type of DuckDB."""

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
    """Base of every record. A subclass' docstring describes it, its annotations are its fields, in order."""


@dataclass(frozen=True)
class FieldNote:
    """What a field's annotation cannot say; made by :func:`field`."""

    description: str
    json: str | None = None
    column: str | None = None
    table: str | None = None
    id: str | None = None
    personal: bool = False
    stored: bool = True


def field(
    description: str,
    *,
    json: str | None = None,
    column: str | None = None,
    table: str | None = None,
    id: str | None = None,
    personal: bool = False,
    stored: bool = True,
) -> Any:
    """Describe one field of a record.

    Args:
        description: a noun phrase, in lower case but for names and without a full stop. Columns of a nested
            record say the phrases on the way down to them: ``Delivery, place: city``.
        json: the JSON name, where it is not the camelCase of the field's name.
        column: the column's name, or for a nested record the prefix of its columns, instead of the one that
            follows from the way down to the field.
        table: for a list of records, the child table's name without schema, instead of ``<parent>_<field>``.
        id: for a list of records, the member's own id that its grandchildren carry too.
        personal: whether it is, or may hold, personal data.
        stored: False for a field that repeats what the table already knows; it gets no column.
    """
    return FieldNote(description, json, column, table, id, personal, stored)


@dataclass(frozen=True)
class Field:
    """One field of a record, resolved.

    Exactly one of ``kind`` and ``record`` is set; ``values`` are the known values of an enumeration.
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
    """How long Floriday goes on serving a record (docs/floriday.md: Retention).

    Args:
        keeps: the least time.
        counted_from: what the time is counted from, in words; empty where Floriday does not say.
    """

    keeps: dt.timedelta
    counted_from: str = ""


@dataclass(frozen=True)
class Source:
    """What fills a table and its children: a :class:`Feed` or a :class:`Snapshot`.

    Args:
        schema: DuckDB schema and Dagster group.
        table: the parent table's name without schema.
        record: one of what Floriday serves here.
        key: the record's identifying fields, as columns; ``account`` comes before them in the table.
        scope: the scope that reading it asks for.
        tier: how often it is worth asking (docs/floriday.md: Change feeds).
        retention: how long Floriday serves a record, where it is short or stated.
        notes: sentences of :mod:`pipelines.catalogue.notes` that a reader of the table must know.
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

    @property
    def name(self) -> str:
        """``schema.table``, its name everywhere."""
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True)
class Feed(Source):
    """A change feed: pages of the records that are new, changed or deleted since a sequence number.

    Args:
        endpoint: the operations.
        selection: whether it serves a selection, so that after a restart what the complete walk does not serve is gone
            (docs/floriday.md: Change feeds).
        widened_by: names of the feeds whose new records bring older ones of this feed into view, below any cursor
            (docs/floriday.md: Change feeds).
        selected_only_widened_by: those that do so besides where a buyer wants the selected assortment only.
    """

    endpoint: Endpoint
    _: KW_ONLY
    selection: bool = False
    widened_by: tuple[str, ...] = ()
    selected_only_widened_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snapshot(Source):
    """A list without a change feed: it is read as a whole and compared with the last reading (the specification).

    Args:
        path: the operation, relative to the API's base; it answers with a bare array of records.
        asked_by: ``week``, for one call an ISO week, or ``moment``, for one call with a moment in time.
        parameters: names of the query parameters that tell it: those of the year and the week, or that of the moment.
        rate: the limit of the operation.
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


def _resolve(name: str, annotation: Any, note: FieldNote) -> Field:
    inner, required = _without_none(annotation)
    repeated = typing.get_origin(inner) is list
    if repeated:
        (inner,) = typing.get_args(inner)
    kind, record, values = None, None, ()
    if typing.get_origin(inner) is Annotated:
        kind = typing.get_args(inner)[1]
    elif typing.get_origin(inner) is Literal:
        # Sorted: `typing` takes Literals of another order for equal, and hands out whichever it met first.
        kind, values = Kind.TEXT, tuple(sorted(typing.get_args(inner)))
    else:
        record = inner
    return Field(name, note.json or camel_case(name), note, kind, record, values, repeated, required)


_FIELDS: dict[type[Record], tuple[Field, ...]] = {}


def fields_of(record: type[Record]) -> tuple[Field, ...]:
    """The fields of a record, in the order in which the class names them."""
    if record not in _FIELDS:
        hints = typing.get_type_hints(record, include_extras=True)
        _FIELDS[record] = tuple(_resolve(name, hint, getattr(record, name)) for name, hint in hints.items())
    return _FIELDS[record]
