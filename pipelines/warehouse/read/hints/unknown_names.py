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
        return _no_column(text, found["name"] or found["of_table"] or found["joined"], found["table"])
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


def _no_column(text: str, name: str, table: str | None) -> str:
    candidates = _CANDIDATES.search(text)
    known = re.findall(r'"(.+?)"', candidates[1]) if candidates else []
    place = f"{table} has" if table else "the tables of the query have"
    return f"{place} no column {name!r}: {_likely(name, known)}{_COLUMNS_OF}"


def _likely(name: str, known: list[str]) -> str:
    likely = did_you_mean(name, known, "")
    return f"{likely} " if likely else ""


def _as_written(sql: str, name: str) -> str:
    """The name with its schema, if the statement has one before it; DuckDB's error leaves it out."""
    found = re.search(rf'(?:\b(\w+)"?\s*\.\s*)?"?\b{re.escape(name)}\b', sql, re.IGNORECASE)
    return f"{found[1]}.{name}" if found and found[1] else name
