"""Errors about tables and columns that do not exist, with the nearest names that do.

DuckDB's own suggestions also name internal tables, and leave out schemas.
"""

from __future__ import annotations

import difflib  # noqa: F401 - `nearest` needs it, and the process of a query cannot import anything later
import re

import duckdb

from pipelines.text_format import did_you_mean, nearest
from pipelines.warehouse.read.tables import ALL_NAMES, LIST_OF_TABLES, suggested_names

_NO_TABLE = re.compile(r"Catalog Error: Table (Function )?with name \"?([^\"!]+?)\"? does not exist")
_NO_COLUMN = re.compile(
    r"Binder Error: (?:Referenced column \"(?P<name>.+?)\" not found in FROM clause"
    r"|Table \"(?P<table>.+?)\" does not have a column named \"(?P<of_table>.+?)\""
    r"|Column \"(?P<joined>.+?)\" does not exist on)"
)
_CANDIDATES = re.compile(r"Candidate bindings:[ :]*(.+)")
_COLUMNS_OF = "`floriday tables NAME` lists the columns of a table"
_COLUMNS_OF_NAMED = """
    SELECT DISTINCT column_name FROM duckdb_columns()
    WHERE database_name = current_database() AND NOT internal AND schema_name NOT IN ('versions', 'history', 'raw')
        AND contains(?, lower(table_name)) ORDER BY ALL
"""
_MACROS = """
    SELECT DISTINCT schema_name, function_name FROM duckdb_functions()
    WHERE database_name = current_database() AND NOT internal AND function_type = 'table_macro' ORDER BY ALL
"""


def unknown_name(connection: duckdb.DuckDBPyConnection, sql: str, error: Exception) -> str | None:
    """What to say instead of DuckDB's error about an unknown table, macro or column; None for any other error.

    Args:
        connection: connection on which the statement failed.
        sql: the statement that failed on it.
        error: what DuckDB raised for the statement.
    """
    text = str(error)
    if found := _NO_TABLE.match(text):
        return _no_table(connection, sql, found[2], is_macro=found[1] is not None)
    if found := _NO_COLUMN.match(text):
        name = found["name"] or found["of_table"] or found["joined"]
        return _no_column(name, _columns(connection, sql, text), found["table"])
    return None


def _no_table(connection: duckdb.DuckDBPyConnection, sql: str, name: str, *, is_macro: bool) -> str | None:
    written = _as_written(sql, name)
    rows = connection.execute(_MACROS if is_macro else ALL_NAMES).fetchall()
    known = [f"{schema}.{macro}" for schema, macro in rows] if is_macro else suggested_names(rows, written)
    if same := [each for each in known if each.rpartition(".")[2].casefold() == written.casefold()]:
        return f"{written} needs its schema: write {' or '.join(same)}; {LIST_OF_TABLES}"
    if is_macro and not nearest(written, known):
        return None  # it may be a misspelt function of DuckDB
    return f"the warehouse has no table {written!r}: {_likely(written, known)}{LIST_OF_TABLES}"


def _no_column(name: str, known: list[str], table: str | None) -> str:
    place = f"{table} has" if table else "the tables of the query have"
    return f"{place} no column {name!r}: {_likely(name, known)}{_COLUMNS_OF}"


def _columns(connection: duckdb.DuckDBPyConnection, sql: str, text: str) -> list[str]:
    """The columns that DuckDB proposes, at most five, and those of all tables that the statement names."""
    candidates = _CANDIDATES.search(text)
    proposed = re.findall(r'"(.+?)"', candidates[1]) if candidates else []
    known = {each.rpartition(".")[2] for each in proposed}
    every = connection.execute(_COLUMNS_OF_NAMED, [sql.casefold()]).fetchall()
    return [*proposed, *(column for (column,) in every if column not in known)]


def _likely(name: str, known: list[str]) -> str:
    likely = did_you_mean(name, known, "")
    return f"{likely} " if likely else ""


def _as_written(sql: str, name: str) -> str:
    """The name with its schema, if the statement has one before it; DuckDB's error leaves it out."""
    found = re.search(rf'(?:\b(\w+)"?\s*\.\s*)?"?\b{re.escape(name)}\b', sql, re.IGNORECASE)
    return f"{found[1]}.{name}" if found and found[1] else name
