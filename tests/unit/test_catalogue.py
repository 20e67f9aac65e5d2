"""The catalogue contains the facts of Floriday's APIs, with names and descriptions that follow the conventions."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.tables import Column, Table, tables_of
from pipelines.catalogue.types import Kind, Source, camel_case, fields_of
from pipelines.errors import UsageError
from pipelines.floriday.endpoints import SLOW
from tests.catalogue_listing import digest, lines_of, tables_as_listed

SUPPLIERS, CUSTOMERS = CATALOGUES = [catalogue_of("suppliers"), catalogue_of("customers")]
SHORTENED = (
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
    """All tables of the catalogue."""
    return [table for source in (*catalogue.feeds, *catalogue.snapshots) for table in tables_of(source).walk()]


@pytest.fixture
def columns(tables: list[Table]) -> dict[str, Column]:
    """All columns of the catalogue by their names, ``schema.table.column``."""
    return {f"{table.qualified_name}.{column.name}": column for table in tables for column in table.columns}


class TestFacts:
    """Every feed and snapshot is as agreed, and as Floriday specifies it."""

    def test_facts_are_unchanged(self, catalogue: Catalogue, snapshot: SnapshotAssertion) -> None:
        """Tables, columns, types, keys, JSON paths, marks, enumerations, operations and limits are as agreed.

        A line stands for a table. Its digests change with any fact of its columns, and of the record that it stores.
        After an intended change, ``pytest --snapshot-update`` writes the lines again.
        """
        lines = [line for source in catalogue.sources for line in lines_of(source)]

        assert "\n".join(lines) == snapshot

    def test_a_line_changes_with_each_fact(self) -> None:
        """A table's line changes with each fact of its columns and of its record."""
        feed = SUPPLIERS.feed("sales_orders")
        line = lines_of(feed)[0]
        endpoint = feed.endpoint
        others = (
            replace(feed, key=("sales_order_id", "batch_id")),
            replace(feed, scope="catalog:read"),
            replace(feed, record=SUPPLIERS.feed("batches").record, key=("batch_id",)),
            replace(feed, endpoint=replace(endpoint, page_maximum=999)),
            replace(feed, endpoint=replace(endpoint, by_id=None)),
            replace(feed, endpoint=replace(endpoint, max_sequence=None)),
            replace(feed, endpoint=replace(endpoint, rate=SLOW)),
        )
        entry = tables_as_listed(tables_of(feed))[0]
        first, second, *rest = entry["columns"]
        columns = [
            [second, first, *rest],
            [first, {**second, "type": "VARCHAR[]"}, *rest],
            [first, {**second, "path": "another"}, *rest],
            [first, {**second, "personal": True}, *rest],
        ]

        assert line not in {lines_of(other)[0] for other in others}
        assert digest(entry) not in {digest({**entry, "columns": some}) for some in columns}


class TestCompleteness:
    """The catalogue contains all tables and no others."""

    @pytest.mark.parametrize(("whole", "number"), [(SUPPLIERS, 88), (CUSTOMERS, 61)], ids=["suppliers", "customers"])
    def test_every_table(self, whole: Catalogue, number: int) -> None:
        """The catalogue defines as many tables as were agreed."""
        names = [
            table.qualified_name for source in (*whole.feeds, *whole.snapshots) for table in tables_of(source).walk()
        ]

        assert len(names) == number

    def test_key_fields_are_required(self, catalogue: Catalogue) -> None:
        """The key and a feed's sequence number, without which a record is rejected, are required fields."""
        needed: dict[Source, set[str]] = {snapshot: set(snapshot.key) for snapshot in catalogue.snapshots}
        needed |= {feed: {*feed.key, "sequence_number"} for feed in catalogue.feeds}
        required = {source: {item.name for item in fields_of(source.record) if item.required} for source in needed}

        assert [source.name for source in needed if not needed[source] <= required[source]] == []


class TestDescriptions:
    """Every table and column has a description."""

    def test_tables(self, tables: list[Table]) -> None:
        """A table's description consists of whole sentences."""
        descriptions = {table.qualified_name: table.description for table in tables}

        assert {name: text for name, text in descriptions.items() if not re.fullmatch(r"[A-Z].{19,}[^.]\.", text)} == {}

    def test_columns(self, columns: dict[str, Column]) -> None:
        """A column's description is a phrase that begins with a capital letter."""
        descriptions = {name: column.description for name, column in columns.items()}

        assert {name: text for name, text in descriptions.items() if not re.fullmatch(r"[A-Z].+[^.\s]", text)} == {}

    def test_referenced_tables_exist(self, tables: list[Table], columns: dict[str, Column]) -> None:
        """The tables that descriptions refer to exist."""
        schemas = "|".join({table.schema for table in tables})
        items: list[Table | Column] = [*tables, *columns.values()]
        text = " ".join(item.description for item in items)
        referred = set(re.findall(rf"\b(?:{schemas})\.\w+", text))

        assert referred
        assert referred <= {table.qualified_name for table in tables}


class TestNames:
    """Names follow one set of conventions."""

    def test_snake_case(self, columns: dict[str, Column]) -> None:
        """Names of tables and columns are in snake case."""
        names = {part for name in columns for part in name.split(".")}

        assert {name for name in names if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)} == set()

    @pytest.mark.parametrize(
        ("kind", "pattern"),
        [
            (Kind.UUID, r"(^|_)ids?$|^customers$|_reference$"),
            (Kind.BOOLEAN, BOOLEANS),
            (Kind.DATE_TIME, r"(^|_)(date_time|date|at|on|on_hub|deadline|last_modified|added)$"),
        ],
    )
    def test_kinds(self, columns: dict[str, Column], kind: Kind, pattern: str) -> None:
        """Names of identifiers, booleans and times show their kind, as far as Floriday's own names allow."""
        names = {column.name for column in columns.values() if column.kind is kind}

        assert {name for name in names if not re.search(pattern, name)} == set()

    def test_column_names_are_unique(self, tables: list[Table]) -> None:
        """No table has two columns of one name, and its key consists of its columns."""
        assert [table.name for table in tables if len(table.by_name) != len(table.columns)] == []
        assert [table.name for table in tables if not set(table.key) <= set(table.by_name)] == []

    def test_table_names_are_unique(self, tables: list[Table]) -> None:
        """No two tables share a name, because ``raw`` and ``history`` leave the schema out."""
        names = [table.name for table in tables]

        assert sorted(set(names)) == sorted(names)

    def test_camel_case(self, columns: dict[str, Column]) -> None:
        """A column's name in camel case is its JSON path without separators, except for shortened names."""
        paths = {name: column.path for name, column in columns.items() if column.path}
        joined_paths = {
            name: first + "".join(part[0].upper() + part[1:] for part in rest) for name, (first, *rest) in paths.items()
        }

        assert {name for name, joined in joined_paths.items() if joined != camel_case(columns[name].name)} == {
            name for name in paths if name.startswith(SHORTENED)
        }


class TestLookup:
    """Feeds and APIs are found by name."""

    @pytest.mark.parametrize("name", ["sales_orders", "orders.sales_orders"])
    def test_feed(self, catalogue: Catalogue, name: str) -> None:
        """A feed is found by its name, with or without its schema."""
        assert catalogue.feed(name).name == "orders.sales_orders"

    def test_unknown_feed(self, catalogue: Catalogue) -> None:
        """The error for an unknown feed lists the existing feeds."""
        with pytest.raises(UsageError, match=r"no feed 'sales_order': did you mean orders\.sales_orders, "):
            catalogue.feed("sales_order")

    def test_unknown_api(self) -> None:
        """The error for an unknown API lists the existing APIs."""
        with pytest.raises(UsageError, match=r"'growers'.*suppliers, customers"):
            catalogue_of("growers")

    def test_scopes(self, catalogue: Catalogue) -> None:
        """The scopes are unique and in alphabetical order, and all of them are for reading."""
        assert catalogue.scopes == tuple(sorted(set(catalogue.scopes)))
        assert all(scope.endswith(":read") for scope in catalogue.scopes)
