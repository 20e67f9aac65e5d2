"""The relations between tables are derived from the descriptions of their columns."""

from __future__ import annotations

import re

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.relations import Relation, referred, relations
from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Feed, Int64, Kind, Record, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint

APIS = ("suppliers", "customers")
CASTS = {
    "suppliers": {("orders.sales_orders.batch_reference", "supply.batches.batch_reference")},
    "customers": set[tuple[str, str]](),
}
"""Relations that need a cast: a batch reference is a number in sales orders and text in batches."""


def tables(api: str) -> list[Table]:
    """Return all tables of an API."""
    return [table for source in catalogue_of(api).sources for table in tables_of(source).walk()]


def names(relation: Relation) -> tuple[str, str]:
    """Return both ends as ``schema.table.column``."""
    return (
        f"{relation.table.qualified_name}.{relation.column.name}",
        f"{relation.target.qualified_name}.{relation.target_column.name}",
    )


@pytest.mark.parametrize("api", APIS)
class TestCatalogue:
    """The relations of both APIs are consistent."""

    def test_targets(self, api: str) -> None:
        """Every table that a description refers to exists, and has a column for the join."""
        known = {table.qualified_name for table in tables(api)}
        referenced = {
            name for table in tables(api) for column in table.own_columns for name in referred(column.description)
        }

        assert referenced
        assert referenced <= known
        assert all(each.target_column in each.target.columns for each in relations(tables(api)))

    def test_types(self, api: str) -> None:
        """Both ends have the same type, except for batch references."""
        assert {names(each) for each in relations(tables(api)) if not each.types_match} == CASTS[api]

    def test_identifiers_are_to_one(self, api: str) -> None:
        """An identifier leads to at most one row; only references, names and codes may lead to several."""
        several = {each.column.name for each in relations(tables(api)) if not each.is_to_one}

        assert {name for name in several if not re.search(r"_(reference|name|gln|barcode)$", name)} == set()

    def test_every_identifier_has_a_target(self, api: str) -> None:
        """A column of UUIDs leads to a table, or its description explains what else it is."""
        with_target = {names(each)[0] for each in relations(tables(api))}
        identifiers = {
            f"{table.qualified_name}.{column.name}": column.description
            for table in tables(api)
            for column in table.own_columns
            if column.kind is Kind.UUID and column.name not in table.key
        }
        external = r"Floriday's identifier|Floricode|Photo of"
        external += r"|have in common|bundled offer share|Counter of|as \w+ tells"

        assert {
            name for name, text in identifiers.items() if name not in with_target and not re.search(external, text)
        } == set()


@pytest.mark.parametrize(
    ("column", "target"),
    [
        ("supply.supply_lines.batch_id", "supply.batches.batch_id"),
        ("supply.supply_lines.price_group_name", "supply.price_groups.name"),
        ("catalog.trade_items.parent_id", "catalog.trade_items.trade_item_id"),
        ("catalog.trade_items.customer_organization_ids", "organizations.organizations.organization_id"),
        ("orders.sales_orders.supply_line_id", "supply.supply_lines.supply_line_id"),
        ("orders.sales_orders.supply_line_id", "supply.clock_supply_lines.supply_line_id"),
        ("orders.sales_orders.supply_line_id", "supply.clock_presales_supply_lines.supply_line_id"),
        ("orders.sales_orders.batch_reference", "supply.batches.batch_reference"),
        ("orders.sales_orders.blanket_order_line_id", "orders.blanket_order_lines.blanket_order_line_id"),
        (
            "catalog.additional_services.commercial_service_type_commercial_service_type_id",
            "catalog.commercial_service_types.commercial_service_type_id",
        ),
        (
            "supply.clock_supply_lines.clock_presales_supply_reference",
            "supply.clock_presales_supply_lines.supply_line_id",
        ),
    ],
)
def test_relations_are_found(column: str, target: str) -> None:
    """Relations are found in columns with prefixes, in lists, to the own table, and to one of several tables."""
    assert (column, target) in {names(each) for each in relations(tables("suppliers"))}


def test_repeated_fields_of_a_nested_record_are_no_relations() -> None:
    """Of a nested record that another feed serves too, only the identifier is a relation."""
    services = [each for each in relations(tables("suppliers")) if each.table.name == "additional_services"]

    assert [each.column.name for each in services if each.target.name == "commercial_service_types"] == [
        "commercial_service_type_commercial_service_type_id"
    ]


class Leaf(Record):
    """An invented record."""

    leaf_id: Uuid = field("the leaf's id")
    part: Int64 = field("which part of it")
    stem: Text = field("stem that it grows on (catalog.leaves)")


def test_a_reference_without_a_column_is_an_error() -> None:
    """A description that names a table without a column for the join raises an error."""
    leaves = Feed("catalog", "leaves", Leaf, ("leaf_id", "part"), Endpoint("/leaves"), scope="catalog:read")

    with pytest.raises(ValueError, match=r"stem leads to catalog\.leaves"):
        relations(tables_of(leaves).walk())
