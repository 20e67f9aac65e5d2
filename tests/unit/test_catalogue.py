"""The catalogue holds the facts of Floriday's API, named, described and found as the contract says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import Column, Table, tables_of
from pipelines.catalogue.types import (
    Feed,
    Field,
    Kind,
    Record,
    camel_case,
    fields_of,
)
from pipelines.errors import UsageError
from pipelines.floriday.endpoints import SLOW, USUAL

SHARED = Path(__file__).parents[2].parent / "shared"
SUPPLIERS = catalogue_of("suppliers")
TABLES = [table for feed in SUPPLIERS.feeds for table in tables_of(feed).walk()]
COLUMNS = {f"{table.qualified_name}.{column.name}": column for table in TABLES for column in table.columns}
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


def read_shared(name: str) -> Any:
    """A file of facts about Floriday that lies beside this project, or skips the test."""
    file = SHARED / "floriday" / name
    if not file.exists():
        pytest.skip(f"{name} is not beside this project")
    return json.loads(file.read_text())


@pytest.fixture(scope="module")
def listed() -> list[dict[str, Any]]:
    """The tables as the contract's own file lists them."""
    tables: list[dict[str, Any]] = read_shared("tables.suppliers.json")
    return tables


@pytest.fixture(scope="module")
def specification() -> dict[str, Any]:
    """Floriday's own description of the API."""
    document: dict[str, Any] = read_shared("suppliers-api-2026v1.json")
    return document


def as_listed(table: Table, parent: Table | None = None) -> list[dict[str, Any]]:
    """A table and those below it in the words of the contract's file."""
    entry: dict[str, Any] = {"table": table.qualified_name, "key": list(table.key)}
    if parent:
        entry |= {"parent": parent.qualified_name, "array": ".".join(table.array)}
    entry["columns"] = [column_as_listed(column) for column in table.columns]
    return [entry, *(below for child in table.children for below in as_listed(child, table))]


def column_as_listed(column: Column) -> dict[str, Any]:
    """A column in the words of the contract's file."""
    entry: dict[str, Any] = {"name": column.name, "type": column.type}
    if column.path:
        entry["path"] = ".".join(column.path)
    if column.personal:
        entry["personal"] = True
    return entry


def feed_as_listed(feed: Feed) -> dict[str, Any]:
    """What the contract's file tells of a feed beside its tables."""
    return {
        "record": feed.record.__name__,
        "feed": feed.endpoint.page(0).removesuffix("0") + "{sequenceNumber}",
        "scope": feed.scope,
        "page_parameter": feed.endpoint.page_parameter,
        "page_maximum": feed.endpoint.page_maximum,
        "max_sequence": feed.endpoint.max_sequence,
        "required": [],
    }


def as_specified(item: Field) -> dict[str, Any]:
    """A field in the words of a Swagger definition, its enumeration written out."""
    if item.record:
        kind: dict[str, Any] = {"$ref": f"#/definitions/{item.record.__name__}"}
    elif item.values:
        kind = {"type": "string", "enum": list(item.values)}
    else:
        assert item.kind
        kind = SWAGGER[item.kind]
    return {"type": "array", "items": kind} if item.repeated else kind


def written_out(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A property of a Swagger definition, reduced to its type, with what it refers to."""
    if "allOf" in schema:
        return written_out(schema["allOf"][0], definitions)
    if "$ref" in schema:
        target = definitions[schema["$ref"].rsplit("/", 1)[-1]]
        return {"type": "string", "enum": target["enum"]} if "enum" in target else {"$ref": schema["$ref"]}
    if schema["type"] == "array":
        return {"type": "array", "items": written_out(schema["items"], definitions)}
    kind: dict[str, Any] = {key: schema[key] for key in ("type", "format") if key in schema}
    return DECIMAL if kind.get("format") == "double" else kind


def records_below(record: type[Record]) -> set[type[Record]]:
    """A record and all that it nests."""
    nested = (item.record for item in fields_of(record) if item.record)
    return {record}.union(*(records_below(inner) for inner in nested))


@pytest.mark.parametrize("feed", SUPPLIERS.feeds, ids=lambda feed: feed.name)
class TestTheFacts:
    """Every feed is what the contract lists and what Floriday specifies."""

    def test_tables(self, feed: Feed, listed: list[dict[str, Any]]) -> None:
        """Names, types, order, keys, JSON paths, arrays and personal marks of all its tables equal the contract's."""
        made = as_listed(tables_of(feed))
        made[0] |= feed_as_listed(feed)
        members = {entry["table"] for entry in made}
        expected = [entry for entry in listed if entry["table"] in members or entry.get("parent") in members]

        assert {entry["table"]: entry for entry in expected} == {entry["table"]: entry for entry in made}

    def test_records(self, feed: Feed, specification: dict[str, Any]) -> None:
        """Fields, their order, types, known values and whether they are required equal the specification's."""
        definitions = specification["definitions"]
        for record in records_below(feed.record):
            specified = definitions[record.__name__]
            fields = fields_of(record)

            assert [item.json for item in fields] == list(specified["properties"])
            assert {item.json for item in fields if item.required} == set(specified.get("required", ()))
            assert {item.json: as_specified(item) for item in fields} == {
                name: written_out(schema, definitions) for name, schema in specified["properties"].items()
            }

    def test_operations(self, feed: Feed, specification: dict[str, Any]) -> None:
        """The paths of its operations exist."""
        endpoint = feed.endpoint
        paths = {f"{endpoint.path}/sync/{{sequenceNumber}}", endpoint.max_sequence, endpoint.by_id}

        assert paths - {None} <= set(specification["paths"])

    def test_identity(self, feed: Feed) -> None:
        """The key and the sequence number, without which a record is rejected, are required fields."""
        required = {item.name for item in fields_of(feed.record) if item.required}

        assert {*feed.key, "sequence_number"} <= required


class TestDescriptions:
    """Whoever opens the warehouse finds every table and column explained."""

    def test_tables(self) -> None:
        """A table's description is one or more whole sentences."""
        told = {table.qualified_name: table.description for table in TABLES}

        assert {name: text for name, text in told.items() if not re.fullmatch(r"[A-Z].{19,}[^.]\.", text)} == {}

    def test_columns(self) -> None:
        """A column's description is a phrase that begins with a capital."""
        told = {name: column.description for name, column in COLUMNS.items()}

        assert {name: text for name, text in told.items() if not re.fullmatch(r"[A-Z].+[^.\s]", text)} == {}

    def test_references(self) -> None:
        """The tables that descriptions refer to exist."""
        schemas = "|".join({table.schema for table in TABLES})
        told = " ".join(column.description for column in COLUMNS.values())
        referred = set(re.findall(rf"\b(?:{schemas})\.\w+", told))

        assert referred
        assert referred <= {table.qualified_name for table in TABLES}


class TestNames:
    """Names follow one set of conventions."""

    def test_snake_case(self) -> None:
        """Tables and columns are in snake case."""
        told = {part for name in COLUMNS for part in name.split(".")}

        assert {name for name in told if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)} == set()

    @pytest.mark.parametrize(
        ("kind", "pattern"),
        [
            (Kind.UUID, r"_ids?$"),
            (Kind.BOOLEAN, r"^(is|has)_|^(primary|fulfilled|one_label_only|only_asap_delivery|created_by_supplier)$"),
            (Kind.DATE_TIME, r"_(date_time|date|at|on|deadline|last_modified)$"),
        ],
    )
    def test_kinds(self, kind: Kind, pattern: str) -> None:
        """Identifiers, booleans and times are recognized by their names, as far as Floriday's own names allow."""
        told = {column.name for column in COLUMNS.values() if column.kind is kind}

        assert {name for name in told if not re.search(pattern, name)} == set()

    def test_once_in_a_table(self) -> None:
        """No table has two columns of one name, and its key consists of its columns."""
        assert [table.name for table in TABLES if len(table.by_name) != len(table.columns)] == []
        assert [table.name for table in TABLES if not set(table.key) <= set(table.by_name)] == []

    def test_once_in_the_catalogue(self) -> None:
        """No two tables share a bare name, because ``raw`` and ``history`` leave the schema out."""
        bare = [table.name for table in TABLES]

        assert sorted(set(bare)) == sorted(bare)

    def test_camel_case(self) -> None:
        """A column's name, back in camel case, is the way to its value run together."""
        ways = {column.name: column.path for column in COLUMNS.values() if column.path}
        together = {
            name: first + "".join(part[0].upper() + part[1:] for part in rest) for name, (first, *rest) in ways.items()
        }

        assert together == {name: camel_case(name) for name in ways}


class TestCatalogue:
    """A feed is found by its name."""

    @pytest.mark.parametrize("name", ["sales_orders", "orders.sales_orders"])
    def test_feed(self, name: str) -> None:
        """With or without its schema."""
        assert SUPPLIERS.feed(name).name == "orders.sales_orders"

    def test_unknown_feed(self) -> None:
        """An unknown name is answered with the names that exist."""
        with pytest.raises(UsageError, match=r"no feed 'sales_order'.*catalog\.trade_items.*orders\.sales_orders"):
            SUPPLIERS.feed("sales_order")

    def test_unknown_api(self) -> None:
        """An unknown API is answered with those that exist."""
        with pytest.raises(UsageError, match=r"'growers'.*suppliers"):
            catalogue_of("growers")

    def test_scopes(self) -> None:
        """Each scope is named once, in alphabetical order, and none of them may write."""
        assert SUPPLIERS.scopes == tuple(sorted(set(SUPPLIERS.scopes)))
        assert all(scope.endswith(":read") for scope in SUPPLIERS.scopes)

    @pytest.mark.parametrize("feed", SUPPLIERS.feeds, ids=lambda feed: feed.name)
    def test_reading_one_record(self, feed: Feed) -> None:
        """Where one record can be read by itself, the path asks for the key's field."""
        keys = {item.json for item in fields_of(feed.record) if item.name in feed.key}
        asked = re.findall(r"{(\w+)}", feed.endpoint.by_id or "")

        assert set(asked) == (keys if feed.endpoint.by_id else set())

    def test_rates(self) -> None:
        """Organizations and trade items are read slowly, all other feeds at the usual rate."""
        slow = {feed.table for feed in SUPPLIERS.feeds if feed.endpoint.rate == SLOW}

        assert slow == {"organizations", "trade_items"}
        assert {feed.endpoint.rate for feed in SUPPLIERS.feeds} == {SLOW, USUAL}
