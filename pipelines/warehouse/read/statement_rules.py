"""Allow a query only if it is one statement that reads, as decided by DuckDB's own parse tree.

The text itself is never searched for words. An allowed statement still runs in a process that cannot write
(:mod:`pipelines.warehouse.read.query_process`), so a wrong decision does no harm.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

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
    if duckdb.StatementType.EXPLAIN in kinds:
        return f"EXPLAIN {_explained(connection, sql)}"
    if not _is_select(connection, sql):
        raise UsageError(f"a query is one statement that reads: {_KINDS}; {_reason(kinds)}")
    return sql


def _explained(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    """The statement after the word EXPLAIN, if it is allowed and there are no options."""
    explained = _without_first_word(sql)
    if not _is_select(connection, explained):
        raise UsageError("EXPLAIN takes one statement that reads, without ANALYZE and other options")
    if len(_kinds(connection, explained)) > 1:
        raise UsageError("EXPLAIN of a PIVOT needs its values: PIVOT … ON column IN (…)")
    return explained


def _kinds(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[duckdb.StatementType, ...]:
    return tuple(statement.type for statement in connection.extract_statements(sql))


def _reason(kinds: Sequence[duckdb.StatementType]) -> str:
    if len(kinds) == 1:
        return f"{_name(kinds[0])} is refused, and nothing was changed"
    return f"{len(kinds)} statements are refused, and nothing was changed" if kinds else "the text is empty"


def _name(kind: duckdb.StatementType) -> str:
    """The kind as SQL names it; DuckDB turns a PRAGMA that reads into a SELECT without a parse tree."""
    return "PRAGMA" if kind == duckdb.StatementType.SELECT else str(kind).rpartition(".")[2].replace("_", " ")


def _is_select(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """Whether the text is one SELECT; a PIVOT without its values counts as one (DuckDB collects the values first)."""
    try:
        kinds = _kinds(connection, sql)
    except duckdb.ParserException:
        return False
    if kinds == (duckdb.StatementType.SELECT,):
        tree = _parse_tree(connection, sql)
        if tree is not None:
            _check_functions(connection, tree)
        return tree is not None
    return _is_expanded_pivot(sql, kinds)


def _parse_tree(connection: duckdb.DuckDBPyConnection, sql: str) -> str | None:
    """DuckDB's parse tree as JSON; None if the text is no SELECT; empty if the tree has a type without JSON form."""
    ((tree,),) = connection.execute("SELECT json_serialize_sql($sql)", {"sql": sql}).fetchall()
    if tree.startswith(_UNWRITABLE):
        return ""
    return tree if tree.startswith(_WITHOUT_ERROR) else None


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


def _is_expanded_pivot(sql: str, kinds: Sequence[duckdb.StatementType]) -> bool:
    """Whether the text is one PIVOT, which DuckDB expands into temporary types with the values, and a SELECT.

    The expansion has no parse tree, so its functions are not checked here; the restricted process stops them.
    """
    *types, last = kinds or (None,)
    is_expansion = bool(types) and set(types) == {duckdb.StatementType.CREATE}
    return is_expansion and last == duckdb.StatementType.SELECT and not _has_second_statement(sql)


def _has_second_statement(sql: str) -> bool:
    """Whether anything but comments and semicolons follows a semicolon."""
    texts = [text for _, text in _tokens(sql)]
    return ";" in "".join(texts).rstrip(";")


def _without_first_word(sql: str) -> str:
    """The text from its second token on, without leading comments."""
    places = [place for place, _ in _tokens(sql)]
    return sql.encode()[places[1] :].decode() if len(places) > 1 else ""


def _tokens(sql: str) -> list[tuple[int, str]]:
    """The byte offset of each token except comments, with ``;`` for a semicolon and a dot for all others."""
    encoded = sql.encode()
    return [
        (place, ";" if kind == duckdb.token_type.operator and encoded[place : place + 1] == b";" else ".")
        for place, kind in duckdb.tokenize(sql)
        if kind != duckdb.token_type.comment
    ]
