"""SQL text from names of the catalogue, and from nothing else."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.catalogue.tables import Column, Table
from pipelines.catalogue.types import Kind


def quoted(name: str) -> str:
    """An identifier, safe whatever it is called."""
    return '"' + name.replace('"', '""') + '"'


def qualified(schema: str, name: str) -> str:
    """A table or view within its schema."""
    return f"{quoted(schema)}.{quoted(name)}"


def literal(text: str) -> str:
    """A string constant."""
    return "'" + text.replace("'", "''") + "'"


def listed(names: Iterable[str], prefix: str = "") -> str:
    """Identifiers, comma separated, each with a prefix such as ``t.``."""
    return ", ".join(f"{prefix}{quoted(name)}" for name in names)


def script(statements: Iterable[str]) -> str:
    """Statements as one text: handed over one by one, thousands of small ones take half as long again."""
    return ";\n".join(statements)


def current(table: Table) -> str:
    """The table of current rows."""
    return qualified(table.schema, table.name)


def raw(table: Table) -> str:
    """The raw log of a feed."""
    return qualified("raw", table.name)


def versions(table: Table) -> str:
    """The table behind the history view."""
    return qualified("versions", table.name)


def history(table: Table) -> str:
    """The history view."""
    return qualified("history", table.name)


def from_frame(column: Column, alias: str) -> str:
    """A column of a normalized frame as the table takes it; frames hold UUIDs within lists as text."""
    name = f"{alias}.{quoted(column.name)}"
    return f"CAST({name} AS {column.type})" if column.kind is Kind.UUID and column.repeated else name


def from_row(table: Table, alias: str, synced_at: str) -> str:
    """The columns of a table, in its order, from a normalized frame; ``$account`` and ``synced_at`` fill the rest.

    Args:
        table: which.
        alias: of the frame.
        synced_at: an expression.
    """
    filled = {"account": "$account", "synced_at": synced_at}
    return ", ".join(filled.get(column.name) or from_frame(column, alias) for column in table.columns)


def record_key(table: Table) -> tuple[str, ...]:
    """The key columns of a feed's record, without the account."""
    return table.key[1:]


def joined_key(table: Table, alias: str) -> str:
    """The key of a feed's record as one text, its values joined with ``/``, as rejected records are known by it."""
    return " || '/' || ".join(f"CAST({alias}.{quoted(name)} AS VARCHAR)" for name in record_key(table))


def same_key(table: Table, left: str, right: str) -> str:
    """The condition that two rows are of the same record."""
    return " AND ".join(f"{left}.{quoted(name)} = {right}.{quoted(name)}" for name in record_key(table))
