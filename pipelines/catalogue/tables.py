"""Makes the tables of a feed or snapshot from its record: names, types, order and keys of the columns.

Column names are in snake_case; those of nested objects are joined with ``_``. An array of objects becomes a child
table with the parent's key and a ``position``. DDL, Arrow schemas and documentation are made from these tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property

from pipelines.catalogue.types import Field, Kind, Record, Retention, Snapshot, Source, fields_of

Path = tuple[str, ...]

DELETION_SIGNALS: tuple[Path, ...] = (("isDeleted",), ("status", "isDeleted"), ("isDisabledForSync",))
"""Boolean fields that mark a record as deleted (docs/floriday.md: Deletion)."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
        name: name of the column.
        kind: scalar type of its values.
        description: text for ``COMMENT ON``, one line.
        path: JSON path from the table's record to the value; None for a column that is not filled from a field.
        repeated: whether it is a list of that type.
        personal: whether it is, or may contain, personal data.
        values: known values of an enumeration.
        formerly: names of the field in the JSON of other versions of the API.
    """

    name: str
    kind: Kind
    description: str
    path: Path | None = None
    repeated: bool = False
    personal: bool = False
    values: tuple[str, ...] = ()
    formerly: tuple[str, ...] = ()

    @property
    def type(self) -> str:
        """The DuckDB type, ``UUID[]`` for a list of UUIDs."""
        return f"{self.kind}[]" if self.repeated else str(self.kind)


@dataclass(frozen=True)
class Table:
    """A table of a feed or snapshot, with the child tables of the arrays in its records.

    Args:
        schema: DuckDB schema of the table.
        name: name without the schema.
        description: text for ``COMMENT ON``.
        columns: all columns in the order of the warehouse.
        key: names of the columns that identify a row, ``account`` first.
        array: for a child, JSON path from the parent's record to the array.
        children: tables of the arrays in its records.
        silent: JSON paths of the known fields that have no column.
    """

    schema: str
    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    array: Path = ()
    children: tuple[Table, ...] = field(default=())
    silent: tuple[Path, ...] = ()

    @property
    def qualified_name(self) -> str:
        """``schema.name``."""
        return f"{self.schema}.{self.name}"

    @cached_property
    def own_columns(self) -> tuple[Column, ...]:
        """The columns that are filled from a field of the table's own record."""
        return tuple(column for column in self.columns if column.path is not None)

    @cached_property
    def by_name(self) -> dict[str, Column]:
        """The columns by their names."""
        return {column.name: column for column in self.columns}

    def walk(self) -> Iterator[Table]:
        """The table and all tables below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


ACCOUNT = Column("account", Kind.TEXT, "Name in the settings of the account whose key read the row")
POSITION = Column("position", Kind.INT32, "Place in the array, counted from 0")
IS_DELETED = Column("is_deleted", Kind.BOOLEAN, "Whether the record says that it is deleted; never NULL")
IS_MISSING = Column("is_deleted", Kind.BOOLEAN, "Whether it was missing when its list was last read; never NULL")
SYNCED_AT = Column("synced_at", Kind.DATE_TIME, "When the content last changed in this warehouse")


@cache
def tables_of(source: Source) -> Table:
    """The table of a feed or snapshot, its children below it."""
    columns, arrays = _flatten(source.record, singular(source.table))
    own = {column.name: column for column in columns}
    leading = (ACCOUNT, *(replace(own[name], path=None) for name in source.key))
    return Table(
        schema=source.schema,
        name=source.table,
        description=_description(source),
        columns=(ACCOUNT, *_with_deletion(columns, listed=isinstance(source, Snapshot)), SYNCED_AT),
        key=(ACCOUNT.name, *source.key),
        children=tuple(_child(array, source.schema, leading, (ACCOUNT.name, *source.key)) for array in arrays),
        silent=_silent(source.record),
    )


def _with_deletion(columns: list[Column], *, listed: bool) -> list[Column]:
    """Add ``is_deleted``; a record of a list is also deleted when the list no longer contains it."""
    if all(column.name != IS_DELETED.name for column in columns):
        return [*columns, IS_MISSING if listed else IS_DELETED]
    ending = ", or was missing when its list was last read; never NULL" if listed else "; never NULL"
    return [
        replace(column, description=f"{column.description}{ending}") if column.name == IS_DELETED.name else column
        for column in columns
    ]


def deletion_paths(table: Table) -> tuple[Path, ...]:
    """The boolean fields that mark a record as deleted; top-level ones even if the specification lacks them."""
    known = {column.path for column in table.columns}
    return tuple(path for path in DELETION_SIGNALS if len(path) == 1 or path in known)


def json_key(source: Source) -> tuple[str, ...]:
    """The JSON names of the fields that identify a record."""
    columns = tables_of(source).by_name
    return tuple((columns[name].path or ("",))[-1] for name in source.key)


def has_status(table: Table) -> bool:
    """Whether the record has a status of its own, which may be DELETED."""
    return any(column.path == ("status",) for column in table.columns)


@dataclass(frozen=True)
class _Array:
    """An array of records: its field, the class of the records, its JSON path, and the name of its table."""

    member: Field
    record: type[Record]
    path: Path
    table: str

    @property
    def member_name(self) -> str:
        """The field's name in the singular."""
        return singular(self.member.name)


def _flatten(record: type[Record], stem: str) -> tuple[list[Column], list[_Array]]:
    columns: list[Column] = []
    arrays: list[_Array] = []

    def flatten(part: type[Record], path: Path, prefix: str, phrases: tuple[str, ...]) -> None:
        for item in fields_of(part):
            note = item.note
            if not note.stored:
                continue
            here = (*path, item.json)
            name = note.column or prefix + item.name
            if item.record and item.repeated:
                arrays.append(_Array(item, item.record, here, note.table or f"{stem}_{prefix}{item.name}"))
            elif item.record:
                flatten(item.record, here, f"{name}_", (*phrases, note.description))
            elif item.kind:
                text = _composed(phrases, note.description)
                known = (item.repeated, note.personal, item.values, note.formerly)
                columns.append(Column(name, item.kind, text, here, *known))

    flatten(record, (), "", ())
    return columns, arrays


def _composed(phrases: tuple[str, ...], description: str) -> str:
    """``delivery``, ``place``, ``city`` → ``Delivery, place: city``."""
    text = f"{', '.join(phrases)}: {description}" if phrases else description
    return _sentence(text)


def _sentence(phrase: str) -> str:
    return phrase[:1].upper() + phrase[1:]


def _child(array: _Array, schema: str, leading: tuple[Column, ...], key: tuple[str, ...]) -> Table:
    columns, arrays = _flatten(array.record, singular(array.table))
    level = f"{array.member_name}_position"
    words = array.member_name.replace("_", " ")
    deeper = [*leading, Column(level, Kind.INT32, f"Place of the {words} that it belongs to, counted from 0")]
    if array.member.note.id:
        own = {column.name: column for column in columns}
        deeper.append(replace(own[array.member.note.id], path=None))
    return Table(
        schema=schema,
        name=array.table,
        description=f"{_sentence(array.member.note.description)}. {_words_of(array.record)}",
        columns=(*leading, POSITION, *columns),
        key=(*key, POSITION.name),
        array=array.path,
        children=tuple(_child(item, schema, tuple(deeper), (*key, level)) for item in arrays),
        silent=_silent(array.record),
    )


def _silent(record: type[Record]) -> tuple[Path, ...]:
    return tuple((item.json,) for item in fields_of(record) if not item.note.stored)


def singular(plural: str) -> str:
    """``supply_lines`` → ``supply_line``, ``batches`` → ``batch``, ``availabilities`` → ``availability``."""
    if plural.endswith("ies"):
        return f"{plural[:-3]}y"
    if plural.endswith(("ches", "shes", "sses", "xes")):
        return plural[:-2]
    return plural.removesuffix("s")


def _words_of(record: type[Record]) -> str:
    return " ".join((record.__doc__ or "").split())


def _description(source: Source) -> str:
    served = [_retention(source.retention)] if source.retention else []
    return " ".join([_words_of(source.record), *served, *(f"{note}." for note in source.notes)])


def _retention(retention: Retention) -> str:
    since = f" from {retention.counted_from}" if retention.counted_from else ""
    return f"Floriday serves it for at least {_span(retention.keeps.days)}{since}."


def _span(days: int) -> str:
    years, rest = divmod(days, 365)
    if rest:
        return f"{days} days"
    return "a year" if years == 1 else f"{years} years"
