"""The catalogue in two other forms: as lines for a snapshot file, and as a Swagger file.

The lines have one table each. The Swagger file is the one that Floriday would publish for exactly this catalogue.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from pipelines.catalogue import Catalogue
from pipelines.catalogue.tables import Column, Table, tables_of
from pipelines.catalogue.types import Feed, Field, Kind, Record, Snapshot, Source, fields_of
from pipelines.floriday.endpoints import RateLimit

JsonObject = dict[str, Any]

SWAGGER = {
    Kind.UUID: {"type": "string", "format": "uuid"},
    Kind.TEXT: {"type": "string"},
    Kind.DATE_TIME: {"type": "string", "format": "date-time"},
    Kind.DATE: {"type": "string", "format": "date"},
    Kind.INT32: {"type": "integer", "format": "int32"},
    Kind.INT64: {"type": "integer", "format": "int64"},
    Kind.DECIMAL: {"type": "number", "format": "decimal"},
    Kind.BOOLEAN: {"type": "boolean"},
}


def lines_of(source: Source) -> list[str]:
    """Return a line for a feed or snapshot and for each child table, which changes with any fact of it."""
    parent, *children = (_line(entry) for entry in tables_as_listed(tables_of(source)))
    records = {each.__name__: record_as_specified(each) for each in records_below(source.record)}
    facts = " ".join(_operations(source))
    return [f"{parent} | {source.record.__name__} {digest(records)} | {facts}", *(f"  {child}" for child in children)]


def digest(value: object) -> str:
    """Return 16 digits that depend on every part of a JSON value and on its order."""
    text = json.dumps(value, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _line(entry: JsonObject) -> str:
    array = f" from {entry['array']}" if "array" in entry else ""
    return f"{entry['table']} ({', '.join(entry['key'])}){array}: {len(entry['columns'])} columns {digest(entry)}"


def tables_as_listed(table: Table, parent: Table | None = None) -> list[JsonObject]:
    """Return name, key, array and columns of a table and its child tables."""
    entry: JsonObject = {"table": table.qualified_name, "key": list(table.key)}
    if parent:
        entry |= {"parent": parent.qualified_name, "array": ".".join(table.array)}
    entry["columns"] = [_column_as_listed(column) for column in table.columns]
    return [entry, *(below for child in table.children for below in tables_as_listed(child, table))]


def _column_as_listed(column: Column) -> JsonObject:
    entry: JsonObject = {"name": column.name, "type": column.type}
    if column.path:
        entry["path"] = ".".join(column.path)
    if column.personal:
        entry["personal"] = True
    return entry


def _operations(source: Source) -> Iterator[str]:
    """Yield the operations of a feed with their parameters, scopes and rate limits."""
    if isinstance(source, Snapshot):
        yield f"{source.path} {','.join(source.parameters)} {source.scope} {_rate(source.rate)}"
        return
    assert isinstance(source, Feed)
    endpoint = source.endpoint
    yield f"{endpoint.sync} {endpoint.page_parameter}<={endpoint.page_maximum} {source.scope} {_rate(endpoint.rate)}"
    if endpoint.part_parameter:
        yield f"of each {endpoint.part_parameter}"
    for sent in (endpoint.parameters, endpoint.selected_only_parameters):
        if sent:
            yield "with " + "&".join(f"{name}={value}" for name, value in sent)
    if endpoint.max_sequence:
        yield f"| {endpoint.max_sequence} {endpoint.max_sequence_scope or ''} {_rate(endpoint.max_sequence_rate)}"
    if endpoint.by_id:
        yield f"| {endpoint.by_id}"


def _rate(rate: RateLimit) -> str:
    return f"{rate.per_second:g}/s,{rate.burst}"


def records_below(record: type[Record]) -> list[type[Record]]:
    """Return a record and all nested records, each once."""
    found = {record.__name__: record}
    for item in fields_of(record):
        if item.record:
            found |= {inner.__name__: inner for inner in records_below(item.record)}
    return list(found.values())


def record_as_specified(record: type[Record]) -> JsonObject:
    """Return a record as a Swagger definition, with the values of its enumerations."""
    fields = fields_of(record)
    return {
        "type": "object",
        "required": [item.json for item in fields if item.required],
        "properties": {item.json: _as_specified(item) for item in fields},
    }


def _as_specified(item: Field) -> JsonObject:
    """Return the Swagger type of a field.

    Values are sorted, because Literals with the same values in another order are equal in Python.
    """
    if item.record:
        kind: JsonObject = {"$ref": f"#/definitions/{item.record.__name__}"}
    elif item.values:
        kind = {"type": "string", "enum": sorted(item.values)}
    else:
        assert item.kind
        kind = SWAGGER[item.kind]
    return {"type": "array", "items": kind} if item.repeated else kind


def specification_of(catalogue: Catalogue) -> JsonObject:
    """Return the Swagger file of an API that serves exactly the feeds of the catalogue."""
    paths: JsonObject = {}
    definitions: JsonObject = {}
    for source in catalogue.sources:
        name = source.record.__name__
        definitions |= {each.__name__: record_as_specified(each) for each in records_below(source.record)}
        if isinstance(source, Snapshot):
            answer: JsonObject = {"type": "array", "items": _to(name)}
            paths[source.path] = _get(source.scope, source.rate, answer, *map(_required, source.parameters))
            continue
        assert isinstance(source, Feed)
        definitions[f"SyncResultOf{name}"] = {
            "type": "object",
            "properties": {
                "maximumSequenceNumber": SWAGGER[Kind.INT64],
                "results": {"type": "array", "items": _to(name)},
            },
        }
        paths |= _paths_of(source)
    return {
        "swagger": "2.0",
        "basePath": f"/{catalogue.api}-api-{catalogue.version}",
        "paths": paths,
        "definitions": definitions,
    }


def _paths_of(feed: Feed) -> JsonObject:
    endpoint, name = feed.endpoint, feed.record.__name__
    filters = dict(endpoint.parameters)
    part = [_required(endpoint.part_parameter)] if endpoint.part_parameter else []
    size = {"name": endpoint.page_parameter, "in": "query", "maximum": endpoint.page_maximum}
    sent = [size, *part, *({"name": each, "in": "query"} for each in filters)]
    paths = {endpoint.sync: _get(feed.scope, endpoint.rate, _to(f"SyncResultOf{name}"), *sent)}
    if endpoint.max_sequence:
        scope = endpoint.max_sequence_scope or feed.scope
        paths[endpoint.max_sequence] = _get(scope, endpoint.max_sequence_rate, SWAGGER[Kind.INT64])
    if endpoint.by_id:
        paths[endpoint.by_id] = _get(feed.scope, endpoint.rate, _to(name))
    return paths


def _get(scope: str, rate: RateLimit, answer: JsonObject, *parameters: JsonObject) -> JsonObject:
    limit = f"rate limit: {rate.per_second} per second - burst limit: {rate.burst}"
    return {
        "get": {
            "summary": f"{scope} - {limit}",
            "parameters": list(parameters),
            "responses": {"200": {"schema": answer}},
        }
    }


def _required(name: str) -> JsonObject:
    return {"name": name, "in": "query", "required": True}


def _to(name: str) -> JsonObject:
    return {"$ref": f"#/definitions/{name}"}
