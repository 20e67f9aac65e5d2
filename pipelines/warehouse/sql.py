"""SQL text that is composed only from names of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.catalogue.tables import Column, Table
from pipelines.catalogue.types import Kind


def quoted(name: str) -> str:
    """A quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def qualified(schema: str, name: str) -> str:
    """The quoted name of a table or view with its schema."""
    return f"{quoted(schema)}.{quoted(name)}"


def literal(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("'", "''") + "'"


def listed(names: Iterable[str], prefix: str = "") -> str:
    """Quoted identifiers with commas in between, each with a prefix such as ``t.``."""
    return ", ".join(f"{prefix}{quoted(name)}" for name in names)


def script(statements: Iterable[str]) -> str:
    """Statements as one text: thousands of small statements take 50 % longer when executed one by one."""
    return ";\n".join(statements)


def current_rows(table: Table) -> str:
    """The name of the table of current rows."""
    return qualified(table.schema, table.name)


def raw(table: Table) -> str:
    """The name of a feed's raw log."""
    return qualified("raw", table.name)


def versions(table: Table) -> str:
    """The name of the table behind the history view."""
    return qualified("versions", table.name)


def history(table: Table) -> str:
    """The name of the history view."""
    return qualified("history", table.name)


def place_in_log(alias: str) -> str:
    """What orders the versions of a record in the raw log: the newest version has the highest place."""
    return f"({alias}.series, coalesce({alias}.sequence_number, 0), {alias}.rowid)"


def from_frame(column: Column, alias: str) -> str:
    """A column of a normalized frame with the table's type; UUIDs in lists are text in frames."""
    name = f"{alias}.{quoted(column.name)}"
    return f"CAST({name} AS {column.type})" if column.kind is Kind.UUID and column.repeated else name


def from_row(table: Table, alias: str, synced_at: str) -> str:
    """The columns of a table, in order, selected from a normalized frame with an alias.

    The column ``account`` gets the parameter ``$account``, and ``synced_at`` the given SQL expression.
    """
    filled = {"account": "$account", "synced_at": synced_at}
    return ", ".join(filled.get(column.name) or from_frame(column, alias) for column in table.columns)


def record_key(table: Table) -> tuple[str, ...]:
    """The key columns of a feed's record, without the account."""
    return table.key[1:]


def joined_key(table: Table, alias: str) -> str:
    """The key of a feed's record as one text, its values joined with ``/``, as in ``sync.rejected_records``."""
    return " || '/' || ".join(f"CAST({alias}.{quoted(name)} AS VARCHAR)" for name in record_key(table))


def same_key(table: Table, left: str, right: str) -> str:
    """The condition that two rows belong to the same record."""
    return " AND ".join(f"{left}.{quoted(name)} = {right}.{quoted(name)}" for name in record_key(table))
