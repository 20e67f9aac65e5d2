"""The catalogue holds the facts of Floriday's API, named, described and found as the contract says."""

from __future__ import annotations

import json
import re
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import Column, Table, deletion_paths, tables_of
from pipelines.catalogue.types import (
    Feed,
    Field,
    Kind,
    Record,
    Snapshot,
    Source,
    camel_case,
    fields_of,
)
from pipelines.errors import UsageError
from pipelines.floriday.endpoints import SLOW, USUAL, RateLimit

SHARED = Path(__file__).parents[2].parent / "shared"
SUPPLIERS = catalogue_of("suppliers")
SOURCES: tuple[Source, ...] = (*SUPPLIERS.feeds, *SUPPLIERS.snapshots)
TABLES = [table for source in SOURCES for table in tables_of(source).walk()]
COLUMNS = {f"{table.qualified_name}.{column.name}": column for table in TABLES for column in table.columns}
CUT_SHORT = (
    "orders.contract_lines.packing_configuration",
    "organizations.customer_trade_settings.accepts_purchase_tips",
    "organizations.customer_trade_settings.auto_accepts",
    "organizations.customer_trade_settings.suppliers_manage",
    "organizations.customer_trade_settings.trades_only",
    "organizations.delivery_conditions.additional_costs_delivery_surcharge",
    "organizations.delivery_conditions.non_working_day",
)
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


def snapshot_as_listed(snapshot: Snapshot) -> dict[str, Any]:
    """What the contract's file tells of a snapshot beside its tables."""
    return {"record": snapshot.record.__name__, "snapshot": snapshot.path}


def source_as_listed(source: Source) -> list[dict[str, Any]]:
    """All that the contract's file tells of a feed or snapshot."""
    parent, *children = as_listed(tables_of(source))
    more = feed_as_listed(source) if isinstance(source, Feed) else {}
    more |= snapshot_as_listed(source) if isinstance(source, Snapshot) else {}
    return [parent | more, *children]


def stated(summary: str) -> tuple[str, RateLimit]:
    """The scope and the rate limit that an operation's summary begins with; the usual rate where it tells none."""
    scope, *_ = summary.split(" ")
    found = re.search(r"rate limit: ([\d.]+) per second - burst limit: (\d+)", summary)
    return scope, RateLimit(float(found[1]), int(found[2])) if found else USUAL


def answer_of(operations: dict[str, Any]) -> str | None:
    """What a path's GET answers with, by its definition."""
    schema = operations.get("get", {}).get("responses", {}).get("200", {}).get("schema", {})
    reference: str | None = schema.get("$ref")
    return reference


def unnamed(path: str | None) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"{\w+}", "{}", path or "")


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
    if kind.get("format") == "duration":
        return {"type": "string"}
    return DECIMAL if kind.get("format") == "double" else kind


def records_below(record: type[Record]) -> set[type[Record]]:
    """A record and all that it nests."""
    nested = (item.record for item in fields_of(record) if item.record)
    return {record}.union(*(records_below(inner) for inner in nested))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
class TestTheFacts:
    """Every feed and snapshot is what the contract lists and what Floriday specifies."""

    def test_tables(self, source: Source, listed: list[dict[str, Any]]) -> None:
        """Names, types, order, keys, JSON paths, arrays and personal marks of all its tables equal the contract's."""
        made = source_as_listed(source)
        members = {entry["table"] for entry in made}
        expected = [entry for entry in listed if entry["table"] in members or entry.get("parent") in members]

        assert {entry["table"]: entry for entry in expected} == {entry["table"]: entry for entry in made}

    def test_records(self, source: Source, specification: dict[str, Any]) -> None:
        """Fields, their order, types, known values and whether they are required equal the specification's."""
        definitions = specification["definitions"]
        for record in records_below(source.record):
            specified = definitions[record.__name__]
            fields = fields_of(record)

            assert [item.json for item in fields] == list(specified["properties"])
            assert {item.json for item in fields if item.required} == set(specified.get("required", ()))
            assert {item.json: as_specified(item) for item in fields} == {
                name: written_out(schema, definitions) for name, schema in specified["properties"].items()
            }

    def test_identity(self, source: Source) -> None:
        """The key and a feed's sequence number, without which a record is rejected, are required fields."""
        required = {item.name for item in fields_of(source.record) if item.required}
        numbered = {"sequence_number"} if isinstance(source, Feed) else set()

        assert {*source.key, *numbered} <= required


class TestOperations:
    """What is called exists, and asks for what Floriday states."""

    @pytest.mark.parametrize("feed", SUPPLIERS.feeds, ids=lambda feed: feed.name)
    def test_pages(self, feed: Feed, specification: dict[str, Any]) -> None:
        """The sync operation asks for the feed's scope and keeps its rate, and knows the page parameter."""
        operation = specification["paths"][feed.endpoint.sync]["get"]

        assert stated(operation["summary"]) == (feed.scope, feed.endpoint.rate)
        assert feed.endpoint.page_parameter in {parameter["name"] for parameter in operation["parameters"]}

    @pytest.mark.parametrize("feed", SUPPLIERS.feeds, ids=lambda feed: feed.name)
    def test_maximum(self, feed: Feed, specification: dict[str, Any]) -> None:
        """The max-sequence operation asks for the endpoint's scope and keeps its rate; one feed has no such."""
        endpoint = feed.endpoint
        if endpoint.max_sequence is None:
            assert feed.table == "inbound_fulfillment_orders"
            assert [path for path in specification["paths"] if path.startswith(f"{endpoint.path}/current")] == []
        else:
            summary = specification["paths"][endpoint.max_sequence]["get"]["summary"]
            assert stated(summary) == (endpoint.max_sequence_scope or feed.scope, endpoint.max_sequence_rate)

    def test_reading_one_record(self, specification: dict[str, Any]) -> None:
        """Where Floriday serves the record by its id, the endpoint says so."""
        answers = {unnamed(path): answer_of(operations) for path, operations in specification["paths"].items()}
        known = {
            feed.name: path
            for feed in SUPPLIERS.feeds
            for path, answer in answers.items()
            if path == f"{feed.endpoint.path}/{{}}" and answer == f"#/definitions/{feed.record.__name__}"
        }

        assert known == {feed.name: unnamed(feed.endpoint.by_id) for feed in SUPPLIERS.feeds if feed.endpoint.by_id}

    @pytest.mark.parametrize("snapshot", SUPPLIERS.snapshots, ids=lambda snapshot: snapshot.name)
    def test_snapshots(self, snapshot: Snapshot, specification: dict[str, Any]) -> None:
        """A snapshot's operation asks for its scope and parameters, and its record has no number."""
        operation = specification["paths"][snapshot.path]["get"]
        scope, rate = stated(operation["summary"])

        assert (scope, rate) == (snapshot.scope, snapshot.rate)
        assert {one["name"] for one in operation["parameters"] if one["required"]} == set(snapshot.parameters)
        assert "sequence_number" not in tables_of(snapshot).by_name


class TestTheWhole:
    """Nothing is left out and nothing is made up."""

    def test_every_table(self, listed: list[dict[str, Any]]) -> None:
        """The catalogue makes all 88 tables of the contract and no others."""
        assert {table.qualified_name for table in TABLES} == {entry["table"] for entry in listed}
        assert len(TABLES) == len(listed) == 88


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
        told = " ".join([*(table.description for table in TABLES), *(one.description for one in COLUMNS.values())])
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
            (Kind.UUID, r"(^|_)ids?$|^customers$|_reference$"),
            (
                Kind.BOOLEAN,
                r"(^|_)(is|has|allow|uses|use|should|lies)_|(^|_)(primary|deliver_separately|fulfilled)$|_(only|supplier)$|^only_",
            ),
            (Kind.DATE_TIME, r"_(date_time|date|at|on|on_hub|deadline)$|(^|_)(last_modified|added)$"),
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
        """A column's name, back in camel case, is the way to its value run together, but for those cut short."""
        ways = {name: column.path for name, column in COLUMNS.items() if column.path}
        together = {
            name: first + "".join(part[0].upper() + part[1:] for part in rest) for name, (first, *rest) in ways.items()
        }

        assert {name for name, way in together.items() if way != camel_case(COLUMNS[name].name)} == {
            name for name in ways if name.startswith(CUT_SHORT)
        }


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
    def test_ids_in_paths(self, feed: Feed) -> None:
        """Where one record can be read by itself, the path asks for the key's field."""
        keys = {item.json for item in fields_of(feed.record) if item.name in feed.key}
        asked = re.findall(r"{(\w+)}", feed.endpoint.by_id or "")

        assert set(asked) == (keys if feed.endpoint.by_id else set())

    def test_rates(self) -> None:
        """Organizations, trade items, warehouses and requests are read slowly, delivery locations still slower."""
        rates = {feed.table: feed.endpoint.rate for feed in SUPPLIERS.feeds if feed.endpoint.rate != USUAL}
        requests = {
            name for name in map(attrgetter("table"), SUPPLIERS.feeds) if re.search(r"(?<!correction)_requests$", name)
        }

        assert rates.pop("delivery_locations") == RateLimit(1.0, 200)
        assert rates == dict.fromkeys({"organizations", "trade_items", "warehouses", *requests}, SLOW)

    def test_page_maxima(self) -> None:
        """Contracts and delivery condition sets come a hundred to a page at most, all others a thousand."""
        maxima = {feed.table: feed.endpoint.page_maximum for feed in SUPPLIERS.feeds}

        assert {table for table, maximum in maxima.items() if maximum == 100} == {
            "contracts",
            "delivery_condition_sets",
        }
        assert set(maxima.values()) == {100, 1000}

    def test_deletion(self) -> None:
        """Contracts and blanket orders tell their deletion in their status."""
        nested = {feed.table for feed in SUPPLIERS.feeds if ("status", "isDeleted") in deletion_paths(tables_of(feed))}

        assert nested == {"contracts", "blanket_orders"}

    def test_tiers(self) -> None:
        """What moves by the minute is asked for fast, and has a maximum to compare with."""
        fast = {feed.table: feed.endpoint.max_sequence for feed in SUPPLIERS.feeds if feed.tier == "fast"}

        assert set(fast) == {
            "supply_lines",
            "clock_supply_lines",
            "clock_presales_supply_lines",
            "batches",
            "batch_mutations",
            "sales_orders",
            "delivery_orders",
            "fulfillment_orders",
        }
        assert all(fast.values())
