"""The catalogue holds the facts of Floriday's APIs, named, described and found as the contract says."""

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
from tests.floriday_facts import digest, lines_of, tables_as_listed

SUPPLIERS, CUSTOMERS = CATALOGUES = [catalogue_of("suppliers"), catalogue_of("customers")]
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


class TestTheFacts:
    """Every feed and snapshot is what the contract lists and what Floriday specifies."""

    def test_nothing_changes_unnoticed(self, catalogue: Catalogue, snapshot: SnapshotAssertion) -> None:
        """Tables, columns, types, keys, JSON paths, marks, enumerations, operations and limits are as they were agreed.

        A line stands for a table. Its digests change with any fact of its columns, and of the record that it stores;
        after a change that is meant, ``pytest --snapshot-update`` writes the lines anew.
        """
        lines = [line for source in catalogue.sources for line in lines_of(source)]

        assert "\n".join(lines) == snapshot

    def test_a_line_changes_with_each_fact(self) -> None:
        """Another type, path, mark or order of columns, another field, value, key, limit or path of a record."""
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


class TestTheWhole:
    """Nothing is left out and nothing is made up."""

    @pytest.mark.parametrize(("whole", "number"), [(SUPPLIERS, 88), (CUSTOMERS, 61)], ids=["suppliers", "customers"])
    def test_every_table(self, whole: Catalogue, number: int) -> None:
        """The catalogue makes as many tables as the contract has."""
        made = [
            table.qualified_name for source in (*whole.feeds, *whole.snapshots) for table in tables_of(source).walk()
        ]

        assert len(made) == number

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
