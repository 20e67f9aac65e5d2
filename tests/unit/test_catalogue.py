"""The catalogue holds the facts of Floriday's API, named, described and found as the contract says."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.tables import Column, Table, deletion_paths, tables_of
from pipelines.catalogue.types import (
    Feed,
    Field,
    Kind,
    Record,
    camel_case,
    fields_of,
)
from pipelines.errors import UsageError
from pipelines.floriday.endpoints import SLOW, USUAL, RateLimit

SHARED = Path(__file__).parents[2].parent / "shared"
SUPPLIERS = catalogue_of("suppliers")
CUSTOMERS = catalogue_of("customers")
CATALOGUES = [SUPPLIERS, CUSTOMERS]
FEEDS = [pytest.param(each.api, feed, id=f"{each.api}-{feed.name}") for each in CATALOGUES for feed in each.feeds]
BOOLEANS = (
    r"^(is|has|allow|accepts|uses|lies|should)_|_is_|deliver_separately$|_should_be_printed$|_use_standard_"
    r"|^(primary|fulfilled|one_label_only|only_asap_delivery|created_by_supplier)$"
)
SHORTENED = {
    "tradeItemPackingConfiguration": "packingConfiguration",
    "nonWorkingDayDeliveryCondition": "nonWorkingDay",
    "nonWorkingDayNonWorkingDay": "nonWorkingDay",
    "SurchargeMinimumNumberOfLoadCarriers": "SurchargeLoadCarriers",
    "automaticallyAcceptsCorrectionRequests": "autoAcceptsCorrections",
    "usesCancellationGracePeriodIfMinimumQuantityIsNotMet": "usesCancellationGracePeriod",
    "acceptsPackingConfigurationRequests": "acceptsPackingRequests",
}
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


@cache
def listed(api: str) -> list[dict[str, Any]]:
    """The tables of an API as the contract's own file lists them."""
    tables: list[dict[str, Any]] = read_shared(f"tables.{api}.json")
    return tables


@cache
def specification(api: str) -> dict[str, Any]:
    """Floriday's own description of an API."""
    document: dict[str, Any] = read_shared(f"{api}-api-2026v1.json")
    return document


@pytest.fixture(params=CATALOGUES, ids=lambda each: each.api)
def catalogue(request: pytest.FixtureRequest) -> Catalogue:
    """The catalogue of each API."""
    each: Catalogue = request.param
    return each


@pytest.fixture
def tables(catalogue: Catalogue) -> list[Table]:
    """All its tables."""
    return [table for feed in catalogue.feeds for table in tables_of(feed).walk()]


@pytest.fixture
def columns(tables: list[Table]) -> dict[str, Column]:
    """All its columns by their names, ``schema.table.column``."""
    return {f"{table.qualified_name}.{column.name}": column for table in tables for column in table.columns}


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
        "required": [feed.endpoint.part_parameter] if feed.endpoint.part_parameter else [],
    }


def stated(operations: dict[str, Any]) -> tuple[str, RateLimit]:
    """The scope and the rate that the summary of a GET begins with."""
    summary = operations["get"]["summary"]
    words = re.match(r"([\w:-]+) - (?:rate limit: ([\d.]+) per second - burst limit: (\d+) - )?", summary)
    assert words, summary
    scope, per_second, burst = words.groups()
    return scope, RateLimit(float(per_second), int(burst)) if per_second else USUAL


def as_specified(item: Field) -> dict[str, Any]:
    """A field in the words of a Swagger definition, its enumeration written out.

    Values are sorted: to Python two Literals are one, whatever the order of their values.
    """
    if item.record:
        kind: dict[str, Any] = {"$ref": f"#/definitions/{item.record.__name__}"}
    elif item.values:
        kind = {"type": "string", "enum": sorted(item.values)}
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
        return {"type": "string", "enum": sorted(target["enum"])} if "enum" in target else {"$ref": schema["$ref"]}
    if schema["type"] == "array":
        return {"type": "array", "items": written_out(schema["items"], definitions)}
    kind: dict[str, Any] = {key: schema[key] for key in ("type", "format") if key in schema}
    return {"double": DECIMAL, "duration": SWAGGER[Kind.TEXT]}.get(kind.get("format", ""), kind)


def run_together(path: tuple[str, ...]) -> str:
    """The way to a value as one name in camel case, with the words left out that the contract leaves out."""
    first, *rest = path
    name = first + "".join(part[0].upper() + part[1:] for part in rest)
    for long, short in SHORTENED.items():
        name = name.replace(long, short)
    return name


def records_below(record: type[Record]) -> set[type[Record]]:
    """A record and all that it nests."""
    nested = (item.record for item in fields_of(record) if item.record)
    return {record}.union(*(records_below(inner) for inner in nested))


@pytest.mark.parametrize(("api", "feed"), FEEDS)
class TestTheFacts:
    """Every feed is what the contract lists and what Floriday specifies."""

    def test_tables(self, api: str, feed: Feed) -> None:
        """Names, types, order, keys, JSON paths, arrays and personal marks of all its tables equal the contract's."""
        made = as_listed(tables_of(feed))
        made[0] |= feed_as_listed(feed)
        members = {entry["table"] for entry in made}
        expected = [entry for entry in listed(api) if entry["table"] in members or entry.get("parent") in members]

        assert {entry["table"]: entry for entry in expected} == {entry["table"]: entry for entry in made}

    def test_records(self, api: str, feed: Feed) -> None:
        """Fields, their order, types, known values and whether they are required equal the specification's."""
        definitions = specification(api)["definitions"]
        for record in records_below(feed.record):
            specified = definitions[record.__name__]
            fields = fields_of(record)

            assert [item.json for item in fields] == list(specified["properties"])
            assert {item.json for item in fields if item.required} == set(specified.get("required", ()))
            assert {item.json: as_specified(item) for item in fields} == {
                name: written_out(schema, definitions) for name, schema in specified["properties"].items()
            }

    def test_operations(self, api: str, feed: Feed) -> None:
        """Its operations exist: pages and single records hold what the catalogue says, the maximum is a number."""
        endpoint, record = feed.endpoint, {"$ref": f"#/definitions/{feed.record.__name__}"}
        page = {"$ref": f"#/definitions/SyncResultOf{feed.record.__name__}"}
        answers = {endpoint.sync: page, endpoint.max_sequence: SWAGGER[Kind.INT64], endpoint.by_id: record}
        operations = {path: specification(api)["paths"][path]["get"] for path in answers if path}

        assert {path: operation["responses"]["200"]["schema"] for path, operation in operations.items()} == {
            path: answer for path, answer in answers.items() if path
        }

    def test_scopes_and_rates(self, api: str, feed: Feed) -> None:
        """Pages and maximum ask for the scopes, and keep to the rates, that Floriday states."""
        endpoint, paths = feed.endpoint, specification(api)["paths"]

        assert stated(paths[endpoint.sync]) == (feed.scope, endpoint.rate)
        if endpoint.max_sequence:
            asked = endpoint.max_sequence_scope or feed.scope
            assert stated(paths[endpoint.max_sequence]) == (asked, endpoint.max_sequence_rate)

    def test_parameters(self, api: str, feed: Feed) -> None:
        """Its parameters exist, and whatever Floriday would filter by default is said to be wanted or not."""
        endpoint = feed.endpoint
        known = {item["name"]: item for item in specification(api)["paths"][endpoint.sync]["get"]["parameters"]}
        filters = {name for name in known if name.startswith("postFilter")}
        page = known[endpoint.page_parameter]

        assert (page["minimum"], page.get("maximum", endpoint.page_maximum)) == (1, endpoint.page_maximum)
        assert dict(endpoint.parameters) == dict.fromkeys(filters, "false")
        assert set(dict(endpoint.selected_only_parameters)) in (filters, set())


def test_no_table_is_missing() -> None:
    """Every table that the contract lists for the Customers API is there."""
    made = [table.qualified_name for feed in CUSTOMERS.feeds for table in tables_of(feed).walk()]

    assert sorted(made) == sorted(entry["table"] for entry in listed("customers"))


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
        told = " ".join(column.description for column in columns.values())
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
            (Kind.UUID, r"^id$|_ids?$"),
            (Kind.BOOLEAN, BOOLEANS),
            (Kind.DATE_TIME, r"^added$|(^|_)(date_time|date|at|on|deadline|last_modified)$"),
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
        """A column's name, back in camel case, is the way to its value run together, but for a few long ones."""
        ways = {name: run_together(column.path) for name, column in columns.items() if column.path}

        assert ways == {name: camel_case(columns[name].name) for name in ways}


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

    def test_scopes(self, catalogue: Catalogue) -> None:
        """Each scope is named once, in alphabetical order, and none of them may write."""
        assert catalogue.scopes == tuple(sorted(set(catalogue.scopes)))
        assert all(scope.endswith(":read") for scope in catalogue.scopes)

    def test_identity(self, catalogue: Catalogue) -> None:
        """The key and the sequence number, without which a record is rejected, are required fields."""
        required = {feed: {item.name for item in fields_of(feed.record) if item.required} for feed in catalogue.feeds}

        assert [feed.name for feed in required if not {*feed.key, "sequence_number"} <= required[feed]] == []

    def test_reading_one_record(self, catalogue: Catalogue) -> None:
        """Where one record can be read by itself, the path asks for the key's field."""
        single = {feed: feed.endpoint.by_id for feed in catalogue.feeds if feed.endpoint.by_id}
        keys = {feed.name: {item.json for item in fields_of(feed.record) if item.name in feed.key} for feed in single}

        assert keys == {feed.name: set(re.findall(r"{(\w+)}", path)) for feed, path in single.items()}

    def test_rates(self) -> None:
        """Growers read organizations and trade items slowly, all other feeds are read at the usual rate."""
        slow = {feed.table for feed in SUPPLIERS.feeds if feed.endpoint.rate == SLOW}

        assert slow == {"organizations", "trade_items"}
        assert {feed.endpoint.rate for feed in SUPPLIERS.feeds} == {SLOW, USUAL}
        assert {feed.endpoint.rate for feed in CUSTOMERS.feeds} == {USUAL}

    def test_nothing_left_out(self) -> None:
        """Buyers get everything by default; trade items and supply lines alone can be limited to the selected ones."""
        limited = {feed.table for feed in CUSTOMERS.feeds if feed.endpoint.selected_only_parameters}

        assert limited == {"trade_items", "supply_lines"}
        assert {value for feed in CUSTOMERS.feeds for _, value in feed.endpoint.parameters} == {"false"}

    def test_parts(self) -> None:
        """Of all feeds, only the groups of contracts' trade items are read one supplier at a time."""
        parted = {feed.table: feed.endpoint.part_parameter for feed in CUSTOMERS.feeds if feed.endpoint.part_parameter}

        assert parted == {"contract_trade_item_groups": "supplierOrganizationId"}

    def test_selection(self) -> None:
        """Custom supply lines alone are a selection, with an address and a maximum of their own."""
        (feed,) = (feed for feed in CUSTOMERS.feeds if feed.selection)

        assert feed.name == "supply.custom_supply_lines"
        assert feed.endpoint.page(7) == "/supply-lines/sync/custom/7"
        assert feed.endpoint.max_sequence == "/supply-lines/sync/custom/current-max-sequence"
        assert ("isDisabledForSync",) in deletion_paths(tables_of(feed))
