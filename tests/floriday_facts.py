"""The catalogue in the words of the contract's table lists and of Floriday's specifications, to compare them with.

Both lie beside this project; where they are missing, a test that asks for them skips.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue.tables import Column, Table, tables_of
from pipelines.catalogue.types import Feed, Field, Kind, Snapshot, Source
from pipelines.floriday.endpoints import USUAL, RateLimit

JsonObject = dict[str, Any]

SHARED = Path(__file__).parents[1].parent / "shared"
DECIMAL = {"type": "number", "format": "decimal"}
SWAGGER = {
    Kind.UUID: {"type": "string", "format": "uuid"},
    Kind.TEXT: {"type": "string"},
    Kind.DATE_TIME: {"type": "string", "format": "date-time"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.INT32: {"type": "integer", "format": "int32"},
    Kind.INT64: {"type": "integer", "format": "int64"},
    Kind.DECIMAL: DECIMAL,
    Kind.BOOLEAN: {"type": "boolean"},
}


@cache
def listed(api: str) -> list[JsonObject]:
    """The tables of an API as the contract's own file lists them."""
    tables: list[JsonObject] = _read(f"tables.{api}.json")
    return tables


@cache
def specification(api: str) -> JsonObject:
    """Floriday's own description of an API."""
    document: JsonObject = _read(f"{api}-api-2026v1.json")
    return document


def get(api: str, path: str) -> JsonObject:
    """What the specification says of reading from a path."""
    operation: JsonObject = specification(api)["paths"][path]["get"]
    return operation


def source_as_listed(source: Source) -> list[JsonObject]:
    """A feed or snapshot and its tables in the words of the contract's file."""
    parent, *children = _as_listed(tables_of(source))
    return [parent | _operations_as_listed(source), *children]


def stated(operation: JsonObject) -> tuple[str, RateLimit]:
    """The scope and the rate that an operation's summary begins with; the usual rate where it tells none."""
    scope, *_ = operation["summary"].split(" ")
    found = re.search(r"rate limit: ([\d.]+) per second - burst limit: (\d+)", operation["summary"])
    return scope, RateLimit(float(found[1]), int(found[2])) if found else USUAL


def answer(operation: JsonObject) -> JsonObject:
    """What an operation answers with when all is well."""
    schema: JsonObject = operation["responses"].get("200", {}).get("schema", {})
    return schema


def as_specified(item: Field) -> JsonObject:
    """A field in the words of a Swagger definition, its enumeration written out.

    Values are sorted: to Python two Literals are one, whatever the order of their values.
    """
    if item.record:
        kind: JsonObject = {"$ref": f"#/definitions/{item.record.__name__}"}
    elif item.values:
        kind = {"type": "string", "enum": sorted(item.values)}
    else:
        assert item.kind
        kind = SWAGGER[item.kind]
    return {"type": "array", "items": kind} if item.repeated else kind


def written_out(schema: JsonObject, definitions: JsonObject) -> JsonObject:
    """A property of a Swagger definition, reduced to its type, with what it refers to."""
    if "allOf" in schema:
        return written_out(schema["allOf"][0], definitions)
    if "$ref" in schema:
        target = definitions[schema["$ref"].rsplit("/", 1)[-1]]
        return {"type": "string", "enum": sorted(target["enum"])} if "enum" in target else {"$ref": schema["$ref"]}
    if schema["type"] == "array":
        return {"type": "array", "items": written_out(schema["items"], definitions)}
    kind: JsonObject = {key: schema[key] for key in ("type", "format") if key in schema}
    return {"double": DECIMAL, "duration": SWAGGER[Kind.TEXT]}.get(kind.get("format", ""), kind)


def _read(name: str) -> Any:
    file = SHARED / "floriday" / name
    if not file.exists():
        pytest.skip(f"{name} is not beside this project")
    return json.loads(file.read_text())


def _as_listed(table: Table, parent: Table | None = None) -> list[JsonObject]:
    entry: JsonObject = {"table": table.qualified_name, "key": list(table.key)}
    if parent:
        entry |= {"parent": parent.qualified_name, "array": ".".join(table.array)}
    entry["columns"] = [_column_as_listed(column) for column in table.columns]
    return [entry, *(below for child in table.children for below in _as_listed(child, table))]


def _column_as_listed(column: Column) -> JsonObject:
    entry: JsonObject = {"name": column.name, "type": column.type}
    if column.path:
        entry["path"] = ".".join(column.path)
    if column.personal:
        entry["personal"] = True
    return entry


def _operations_as_listed(source: Source) -> JsonObject:
    if isinstance(source, Snapshot):
        return {"record": source.record.__name__, "snapshot": source.path}
    assert isinstance(source, Feed)
    endpoint = source.endpoint
    return {
        "record": source.record.__name__,
        "feed": endpoint.page(0).removesuffix("0") + "{sequenceNumber}",
        "scope": source.scope,
        "page_parameter": endpoint.page_parameter,
        "page_maximum": endpoint.page_maximum,
        "max_sequence": endpoint.max_sequence,
        "required": [endpoint.part_parameter] if endpoint.part_parameter else [],
    }
