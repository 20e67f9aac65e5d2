"""SQL text from names of the catalogue, and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.catalogue.tables import Column, Table
from pipelines.catalogue.types import Kind


def quoted(name: str) -> str:
    """An identifier, safe whatever it is called."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A string constant."""
    return "'" + text.replace("'", "''") + "'"


def listed(names: Iterable[str], prefix: str = "") -> str:
    """Identifiers, comma separated, each with a prefix such as ``t.``."""
    return ", ".join(f"{prefix}{quoted(name)}" for name in names)


def current(table: Table) -> str:
    """The table of current rows."""
    return f"{quoted(table.schema)}.{quoted(table.name)}"


def raw(table: Table) -> str:
    """The raw log of a feed."""
    return f"raw.{quoted(table.name)}"


def versions(table: Table) -> str:
    """The table behind the history view."""
    return f"versions.{quoted(table.name)}"


def history(table: Table) -> str:
    """The history view."""
    return f"history.{quoted(table.name)}"


def definition(column: Column) -> str:
    """A column in CREATE TABLE."""
    return f"{quoted(column.name)} {column.type}"


def from_frame(column: Column, alias: str) -> str:
    """A column of a normalized frame as the table takes it; frames hold UUIDs as text."""
    name = f"{alias}.{quoted(column.name)}"
    return f"CAST({name} AS {column.type})" if column.kind is Kind.UUID else name


def record_key(table: Table) -> tuple[str, ...]:
    """The key columns of a feed's record, without the account."""
    return table.key[1:]


def same_key(table: Table, left: str, right: str) -> str:
    """The condition that two rows are of the same record."""
    return " AND ".join(f"{left}.{quoted(name)} = {right}.{quoted(name)}" for name in record_key(table))
