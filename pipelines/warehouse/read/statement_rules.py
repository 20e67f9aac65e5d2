"""Allow a query only if it is one statement that reads, as decided by DuckDB's own parse tree.

The text itself is searched for words only where there is no such tree. An allowed statement still runs in a process
that cannot write (:mod:`pipelines.warehouse.read.query_process`), so a wrong decision does no harm.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from itertools import pairwise

import duckdb

from pipelines.errors import UsageError

_READING = """
    duckdb_columns duckdb_constraints duckdb_databases duckdb_dependencies duckdb_functions duckdb_indexes
    duckdb_keywords duckdb_memory duckdb_optimizers duckdb_schemas duckdb_sequences duckdb_settings duckdb_tables
    duckdb_types duckdb_views generate_series icu_calendar_names json_each json_tree pg_timezone_names
    pragma_collations pragma_database_size pragma_platform pragma_show pragma_storage_info pragma_table_info
    pragma_version range repeat repeat_row summary test_all_types test_vector_types unnest
"""

READING_FUNCTIONS = frozenset(_READING.split())
"""DuckDB's table functions that read only the warehouse and its catalog."""

_WITHOUT_ERROR, _UNWRITABLE = '{"error":false,', '{"error":true,"error_type":"serialization"'
_FUNCTION_NAME = re.compile(r'"function_name":("(?:[^"\\]|\\.)*")')
"""Quotes within texts of the query are escaped, so this finds only names."""

_READING_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
_NODE = re.compile(r'"type":"((\w+?)(?:_QUERY)?_NODE)"')
"""The queries of a parse tree; since DuckDB 2, one within WITH may also change tables or write a file."""

_READING_WORDS = frozenset({"SELECT", "FROM", "WITH", "PIVOT", "PIVOT_WIDER", "UNPIVOT", "VALUES", "TABLE"})
_WRITING_WORDS = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "COPY"})
_WORD = re.compile(r"\s*(\w+|.)", re.DOTALL)

_KINDS = "SELECT, FROM, VALUES, WITH, PIVOT, DESCRIBE, SHOW, SUMMARIZE, or EXPLAIN of one of these"


def reading_statement(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The statement to execute for a query; any connection parses it, and executes nothing of it.

    Returns:
        The query, or for a plain EXPLAIN the word EXPLAIN and the checked statement.

    Raises:
        UsageError: the text is not exactly one statement that only reads.
        duckdb.Error: DuckDB cannot parse it.
    """
    if "\0" in sql:
        raise UsageError("a query contains no NUL character: DuckDB would ignore the text after it")
    kinds = _kinds(connection, sql)
    if duckdb.StatementType.EXPLAIN in kinds or _words(sql)[:1] == ["EXPLAIN"]:
        return f"EXPLAIN {_explained(connection, sql)}"
    if not _is_select(connection, sql):
        raise UsageError(f"a query is one statement that reads: {_KINDS}; {_reason(kinds)}")
    return sql


def _explained(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The statement after the word EXPLAIN, if it is allowed and there are no options."""
    explained = _without_first_word(sql)
    if not _is_select(connection, explained):
        raise UsageError("EXPLAIN takes one statement that reads, without ANALYZE and other options")
    if _is_expanded_pivot(_kinds(connection, explained)):
        raise UsageError("EXPLAIN of a PIVOT needs its values: PIVOT … ON column IN (…)")
    return explained


def _kinds(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[duckdb.StatementType, ...]:
    return tuple(_kind(statement) for statement in connection.extract_statements(sql))


def _kind(statement: duckdb.Statement) -> duckdb.StatementType:
    """The kind; INVALID for those that DuckDB's Python module has no name for, such as CONNECT."""
    try:
        return statement.type
    except ValueError:
        return duckdb.StatementType.INVALID


def _reason(kinds: Sequence[duckdb.StatementType]) -> str:
    if len(kinds) == 1:
        return f"{_name(kinds[0])} is refused, and nothing was changed"
    return f"{len(kinds)} statements are refused, and nothing was changed" if kinds else "the text is empty"


_OTHER_NAMES = {
    duckdb.StatementType.SELECT: "PRAGMA",
    duckdb.StatementType.MULTI: "PIVOT within another statement",
    duckdb.StatementType.INVALID: "another kind of statement",
}


def _name(kind: duckdb.StatementType) -> str:
    """The kind as SQL names it; DuckDB 1 turns a PRAGMA that reads into a SELECT without a parse tree."""
    if kind in _OTHER_NAMES:
        return _OTHER_NAMES[kind]
    return str(kind).rpartition(".")[2].replace("_", " ")


def _is_select(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether the text is one SELECT; a PIVOT without its values counts as one (DuckDB collects the values first)."""
    try:
        kinds = _kinds(connection, sql)
    except duckdb.ParserException:
        return False
    if _is_expanded_pivot(kinds):
        return not _has_second_statement(sql) and _has_reading_words(sql)
    tree = _parse_tree(connection, sql) if kinds == (duckdb.StatementType.SELECT,) else None
    if not tree:
        return tree is not None and _has_reading_words(sql)
    _check_nodes(tree)
    _check_functions(connection, tree)
    return True


def _parse_tree(connection: duckdb.DuckDBPyConnection, sql: str) -> str | None:
    """DuckDB's parse tree as JSON; None if the text is no SELECT; empty if the tree has a type without JSON form."""
    ((tree,),) = connection.execute("SELECT json_serialize_sql($sql)", {"sql": sql}).fetchall()
    if tree.startswith(_UNWRITABLE):
        return ""
    return tree if tree.startswith(_WITHOUT_ERROR) else None


def _check_nodes(tree: str) -> None:
    for node, name in _NODE.findall(tree):
        if node not in _READING_NODES:
            raise UsageError(f"a query is one statement that reads: {name} is refused, and nothing was changed")


def _check_functions(connection: duckdb.DuckDBPyConnection, tree: str) -> None:
    """Refuse DuckDB's table functions that read or write outside of the warehouse, or change the session.

    No other function of DuckDB has the name of one of them, so the position of a name in the tree does not matter. The
    tree is not decoded, because it may be nested deeper than Python can decode.
    """
    names = {json.loads(name).lower() for name in _FUNCTION_NAME.findall(tree)}
    sql = (
        "SELECT min(function_name) FROM duckdb_functions() WHERE internal AND function_type = 'table'"
        " AND list_contains($names, lower(function_name))"
    )
    ((refused,),) = connection.execute(sql, {"names": sorted(names - READING_FUNCTIONS)}).fetchall()
    if refused is not None:
        raise UsageError(f"a query reads the warehouse alone: the function {refused} is refused")


def _is_expanded_pivot(kinds: Sequence[duckdb.StatementType]) -> bool:
    """Whether DuckDB expanded the text into temporary types with the values of a PIVOT, and another statement.

    DuckDB 2 does not tell which statement. An expansion has no parse tree, so its functions are not checked here; the
    restricted process stops them.
    """
    if tuple(kinds) == (duckdb.StatementType.MULTI,):
        return True
    *types, last = kinds or (None,)
    return set(types) == {duckdb.StatementType.CREATE} and last == duckdb.StatementType.SELECT


def _has_reading_words(sql: str) -> bool:
    """Whether the text begins like a query, and no query within it, or after it, begins like a statement that writes.

    Each of those stands after a parenthesis. A column in parentheses with such a name must be quoted.
    """
    words = _words(sql)
    first = next((word for word in words if word != "("), "")
    inner = {word for before, word in pairwise(words) if before in {"(", ")"}}
    return first in _READING_WORDS and inner.isdisjoint(_WRITING_WORDS)


def _has_second_statement(sql: str) -> bool:
    """Whether anything but comments and semicolons follows a semicolon."""
    return ";" in "".join(_words(sql)).rstrip(";")


def _without_first_word(sql: str) -> str:
    """The text from its second token on, without leading comments."""
    places = _places(sql)
    return sql.encode()[places[1] :].decode() if len(places) > 1 else ""


def _words(sql: str) -> list[str]:
    """The tokens of the text: words in capitals, and of all others, such as texts and operators, the first letter."""
    encoded, places = sql.encode(), _places(sql)
    tokens = (encoded[place:end].decode(errors="replace") for place, end in pairwise([*places, len(encoded)]))
    found = map(_WORD.match, tokens)
    return [word[1].upper() for word in found if word]


def _places(sql: str) -> list[int]:
    """The byte offset of each token except comments."""
    return [place for place, kind in duckdb.tokenize(sql) if kind != duckdb.token_type.comment]
