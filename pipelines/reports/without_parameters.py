"""A report's query in which no parameter is given, for views of a database that cannot store the report's macro.

DuckDB parses the query and writes it again; a parameter is a column name without a table's alias, as in a macro.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import duckdb

from pipelines.reports.report import Report

_NULL = {"type": {"id": "NULL", "type_info": None}, "is_null": True}


def query_without_parameters(connection: duckdb.DuckDBPyConnection, report: Report) -> str:
    """The query with NULL in place of each parameter."""
    ((parsed,),) = connection.execute("SELECT json_serialize_sql($sql)", {"sql": report.sql}).fetchall()
    tree = _replaced(json.loads(parsed), report.parameters)
    ((sql,),) = connection.execute("SELECT json_deserialize_sql($tree)", {"tree": json.dumps(tree)}).fetchall()
    return str(sql).rstrip(";")


def _replaced(node: Any, parameters: Collection[str]) -> Any:
    if isinstance(node, list):
        return [_replaced(each, parameters) for each in node]
    if not isinstance(node, dict):
        return node
    names = node.get("column_names")
    if node.get("class") == "COLUMN_REF" and names is not None and len(names) == 1 and names[0] in parameters:
        kept = {name: node[name] for name in ("alias", "query_location") if name in node}
        return {"class": "CONSTANT", "type": "VALUE_CONSTANT", **kept, "value": _NULL}
    return {name: _replaced(each, parameters) for name, each in node.items()}
