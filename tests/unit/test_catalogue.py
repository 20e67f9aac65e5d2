"""The catalogue holds the facts of Floriday's APIs, named, described and found as the contract says."""

from __future__ import annotations

import re

import pytest

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.tables import Column, Table, tables_of
from pipelines.catalogue.types import Feed, Kind, Record, Snapshot, Source, camel_case, fields_of
from pipelines.errors import UsageError
from tests.floriday_facts import (
    SWAGGER,
    answer,
    as_specified,
    get,
    listed,
    source_as_listed,
    specification,
    stated,
    written_out,
)

SUPPLIERS, CUSTOMERS = CATALOGUES = [catalogue_of("suppliers"), catalogue_of("customers")]
FEEDS = [pytest.param(each.api, feed, id=f"{each.api}-{feed.name}") for each in CATALOGUES for feed in each.feeds]
SNAPSHOTS = [
    pytest.param(each.api, snapshot, id=f"{each.api}-{snapshot.name}")
    for each in CATALOGUES
    for snapshot in each.snapshots
]
CUT_SHORT = (
    "orders.contract_lines.packing_configuration",
    "organizations.customer_trade_settings.accepts_purchase_tips",
    "organizations.customer_trade_settings.auto_accepts",
    "organizations.customer_trade_settings.suppliers_manage",
    "organizations.customer_trade_settings.trades_only",
    "organizations.delivery_conditions.additional_costs_delivery_surcharge",
    "organizations.delivery_conditions.non_working_day",
    "organizations.supplier_trade_settings.accepts_packing_requests",
    "organizations.supplier_trade_settings.auto_accepts_corrections",
    "organizations.supplier_trade_settings.uses_cancellation_grace_period",
)
BOOLEANS = (
    r"(^|_)(is|has|allow|uses|use|should|lies)_|(^|_)(primary|deliver_separately|fulfilled)$|_(only|supplier)$|^only_"
)


@pytest.fixture(params=CATALOGUES, ids=lambda each: each.api)
def catalogue(request: pytest.FixtureRequest) -> Catalogue:
    """The catalogue of each API."""
    each: Catalogue = request.param
    return each


@pytest.fixture
def tables(catalogue: Catalogue) -> list[Table]:
    """All its tables."""
    return [table for source in (*catalogue.feeds, *catalogue.snapshots) for table in tables_of(source).walk()]


@pytest.fixture
def columns(tables: list[Table]) -> dict[str, Column]:
    """All its columns by their names, ``schema.table.column``."""
    return {f"{table.qualified_name}.{column.name}": column for table in tables for column in table.columns}


def records_below(record: type[Record]) -> set[type[Record]]:
    """A record and all that it nests."""
    nested = (item.record for item in fields_of(record) if item.record)
    return {record}.union(*(records_below(inner) for inner in nested))


def unnamed(path: str) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"{\w+}", "{}", path)


@pytest.mark.parametrize(("api", "source"), [*FEEDS, *SNAPSHOTS])
class TestTheFacts:
    """Every feed and snapshot is what the contract lists and what Floriday specifies."""

    def test_tables(self, api: str, source: Source) -> None:
        """Names, types, order, keys, JSON paths, arrays and personal marks of all its tables equal the contract's."""
        made = source_as_listed(source)
        members = {entry["table"] for entry in made}
        expected = [entry for entry in listed(api) if entry["table"] in members or entry.get("parent") in members]

        assert {entry["table"]: entry for entry in expected} == {entry["table"]: entry for entry in made}

    def test_records(self, api: str, source: Source) -> None:
        """Fields, their order, types, known values and whether they are required equal the specification's."""
        definitions = specification(api)["definitions"]
        for record in records_below(source.record):
            specified = definitions[record.__name__]
            fields = fields_of(record)

            assert [item.json for item in fields] == list(specified["properties"])
            assert {item.json for item in fields if item.required} == set(specified.get("required", ()))
            assert {item.json: as_specified(item) for item in fields} == {
                name: written_out(schema, definitions) for name, schema in specified["properties"].items()
            }


class TestOperations:
    """What is called exists, and asks for what Floriday states."""

    @pytest.mark.parametrize(("api", "feed"), FEEDS)
    def test_pages(self, api: str, feed: Feed) -> None:
        """The sync operation serves the feed's record, asks for its scope and keeps its rate."""
        operation = get(api, feed.endpoint.sync)

        assert answer(operation) == {"$ref": f"#/definitions/SyncResultOf{feed.record.__name__}"}
        assert stated(operation) == (feed.scope, feed.endpoint.rate)

    @pytest.mark.parametrize(("api", "feed"), FEEDS)
    def test_parameters(self, api: str, feed: Feed) -> None:
        """The page parameter exists with its maximum, and Floriday is told to filter nothing."""
        endpoint = feed.endpoint
        known = {item["name"]: item for item in get(api, endpoint.sync)["parameters"]}
        filters = {name for name in known if name.startswith("postFilter")}

        assert known[endpoint.page_parameter].get("maximum", endpoint.page_maximum) == endpoint.page_maximum
        assert dict(endpoint.parameters) == dict.fromkeys(filters, "false")
        assert set(dict(endpoint.selected_only_parameters)) in (filters, set())

    @pytest.mark.parametrize(("api", "feed"), FEEDS)
    def test_maximum(self, api: str, feed: Feed) -> None:
        """The max-sequence operation is a number, asks for its scope and keeps its rate; one feed has no such."""
        endpoint = feed.endpoint
        if endpoint.max_sequence is None:
            assert feed.table == "inbound_fulfillment_orders"
            assert [path for path in specification(api)["paths"] if path.startswith(f"{endpoint.path}/current")] == []
        else:
            operation = get(api, endpoint.max_sequence)
            assert answer(operation) == SWAGGER[Kind.INT64]
            assert stated(operation) == (endpoint.max_sequence_scope or feed.scope, endpoint.max_sequence_rate)

    @pytest.mark.parametrize(("api", "feed"), FEEDS)
    def test_reading_one_record(self, api: str, feed: Feed) -> None:
        """Where Floriday serves the record by its id, the endpoint says so, and asks for the key's field."""
        record = {"$ref": f"#/definitions/{feed.record.__name__}"}
        single = [
            unnamed(path)
            for path, operations in specification(api)["paths"].items()
            if path.count("{") == 1 and "get" in operations and answer(operations["get"]) == record
        ]
        keys = {item.json for item in fields_of(feed.record) if item.name in feed.key}

        if feed.endpoint.by_id:
            assert unnamed(feed.endpoint.by_id) in single
            assert set(re.findall(r"{(\w+)}", feed.endpoint.by_id)) == keys
        else:
            assert single == []

    @pytest.mark.parametrize(("api", "snapshot"), SNAPSHOTS)
    def test_snapshots(self, api: str, snapshot: Snapshot) -> None:
        """A snapshot's operation asks for its scope and parameters, and its record has no number."""
        operation = get(api, snapshot.path)

        assert stated(operation) == (snapshot.scope, snapshot.rate)
        assert {one["name"] for one in operation["parameters"] if one["required"]} == set(snapshot.parameters)
        assert "sequence_number" not in tables_of(snapshot).by_name


class TestTheWhole:
    """Nothing is left out and nothing is made up."""

    @pytest.mark.parametrize(("whole", "number"), [(SUPPLIERS, 88), (CUSTOMERS, 61)], ids=["suppliers", "customers"])
    def test_every_table(self, whole: Catalogue, number: int) -> None:
        """The catalogue makes all tables of the contract and no others."""
        made = [
            table.qualified_name for source in (*whole.feeds, *whole.snapshots) for table in tables_of(source).walk()
        ]

        assert len(made) == number
        assert sorted(made) == sorted(entry["table"] for entry in listed(whole.api))

    def test_identity(self, catalogue: Catalogue) -> None:
        """The key and a feed's number, without which a record is rejected, are required fields."""
        asked: dict[Source, set[str]] = {snapshot: set(snapshot.key) for snapshot in catalogue.snapshots}
        asked |= {feed: {*feed.key, "sequence_number"} for feed in catalogue.feeds}
        required = {source: {item.name for item in fields_of(source.record) if item.required} for source in asked}

        assert [source.name for source in asked if not asked[source] <= required[source]] == []


class TestDescriptions:
    """Whoever opens the warehouse finds every table and column explained."""

    def test_tables(self, tables: list[Table]) -> None:
        """A table's description is one or more whole sentences."""
        told = {table.qualified_name: table.description for table in tables}

        assert {name: text for name, text in told.items() if not re.fullmatch(r"[A-Z].{19,}[^.]\.", text)} == {}

    def test_columns(self, columns: dict[str, Column]) -> None:
        """A column's description is a phrase that begins with a capital."""
        told = {name: column.description for name, column in columns.items()}

        assert {name: text for name, text in told.items() if not re.fullmatch(r"[A-Z].+[^.\s]", text)} == {}

    def test_references(self, tables: list[Table], columns: dict[str, Column]) -> None:
        """The tables that descriptions refer to exist."""
        schemas = "|".join({table.schema for table in tables})
        told = " ".join([*(table.description for table in tables), *(one.description for one in columns.values())])
        referred = set(re.findall(rf"\b(?:{schemas})\.\w+", told))

        assert referred
        assert referred <= {table.qualified_name for table in tables}


class TestNames:
    """Names follow one set of conventions."""

    def test_snake_case(self, columns: dict[str, Column]) -> None:
        """Tables and columns are in snake case."""
        told = {part for name in columns for part in name.split(".")}

        assert {name for name in told if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)} == set()

    @pytest.mark.parametrize(
        ("kind", "pattern"),
        [
            (Kind.UUID, r"(^|_)ids?$|^customers$|_reference$"),
            (Kind.BOOLEAN, BOOLEANS),
            (Kind.DATE_TIME, r"(^|_)(date_time|date|at|on|on_hub|deadline|last_modified|added)$"),
        ],
    )
    def test_kinds(self, columns: dict[str, Column], kind: Kind, pattern: str) -> None:
        """Identifiers, booleans and times are recognized by their names, as far as Floriday's own names allow."""
        told = {column.name for column in columns.values() if column.kind is kind}

        assert {name for name in told if not re.search(pattern, name)} == set()

    def test_once_in_a_table(self, tables: list[Table]) -> None:
        """No table has two columns of one name, and its key consists of its columns."""
        assert [table.name for table in tables if len(table.by_name) != len(table.columns)] == []
        assert [table.name for table in tables if not set(table.key) <= set(table.by_name)] == []

    def test_once_in_the_catalogue(self, tables: list[Table]) -> None:
        """No two tables share a bare name, because ``raw`` and ``history`` leave the schema out."""
        bare = [table.name for table in tables]

        assert sorted(set(bare)) == sorted(bare)

    def test_camel_case(self, columns: dict[str, Column]) -> None:
        """A column's name, back in camel case, is the way to its value run together, but for those cut short."""
        ways = {name: column.path for name, column in columns.items() if column.path}
        together = {
            name: first + "".join(part[0].upper() + part[1:] for part in rest) for name, (first, *rest) in ways.items()
        }

        assert {name for name, way in together.items() if way != camel_case(columns[name].name)} == {
            name for name in ways if name.startswith(CUT_SHORT)
        }


class TestCatalogue:
    """A feed is found by its name."""

    @pytest.mark.parametrize("name", ["sales_orders", "orders.sales_orders"])
    def test_feed(self, catalogue: Catalogue, name: str) -> None:
        """With or without its schema."""
        assert catalogue.feed(name).name == "orders.sales_orders"

    def test_unknown_feed(self, catalogue: Catalogue) -> None:
        """An unknown name is answered with the names that exist."""
        with pytest.raises(UsageError, match=r"no feed 'sales_order'.*catalog\.trade_items.*orders\.sales_orders"):
            catalogue.feed("sales_order")

    def test_unknown_api(self) -> None:
        """An unknown API is answered with those that exist."""
        with pytest.raises(UsageError, match=r"'growers'.*suppliers, customers"):
            catalogue_of("growers")

    def test_scopes(self, catalogue: Catalogue) -> None:
        """Each scope is named once, in alphabetical order, and none of them may write."""
        assert catalogue.scopes == tuple(sorted(set(catalogue.scopes)))
        assert all(scope.endswith(":read") for scope in catalogue.scopes)
