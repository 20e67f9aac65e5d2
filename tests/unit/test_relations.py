"""What joins to what follows from the columns' descriptions."""

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
"""What cannot be compared as it is: sales orders tell as a number what batches tell as text."""


def tables(api: str) -> list[Table]:
    """All tables of an API."""
    return [table for source in catalogue_of(api).sources for table in tables_of(source).walk()]


def names(relation: Relation) -> tuple[str, str]:
    """Both ends as ``schema.table.column``."""
    return (
        f"{relation.table.qualified_name}.{relation.column.name}",
        f"{relation.target.qualified_name}.{relation.target_column.name}",
    )


@pytest.mark.parametrize("api", APIS)
class TestTheCatalogue:
    """The relations of both APIs."""

    def test_targets(self, api: str) -> None:
        """Every table that a description refers to is there, and so is a column for the join."""
        known = {table.qualified_name for table in tables(api)}
        told = {name for table in tables(api) for column in table.own_columns for name in referred(column.description)}

        assert told
        assert told <= known
        assert all(each.target_column in each.target.columns for each in relations(tables(api)))

    def test_types(self, api: str) -> None:
        """Both ends have one type, but where a batch's reference is text here and a number there."""
        assert {names(each) for each in relations(tables(api)) if not each.types_match} == CASTS[api]

    def test_identifiers_are_to_one(self, api: str) -> None:
        """What leads to an identifier finds one row at most; only references, names and codes may find several."""
        several = {each.column.name for each in relations(tables(api)) if not each.is_to_one}

        assert {name for name in several if not re.search(r"_(reference|name|gln|barcode)$", name)} == set()

    def test_every_identifier_leads_somewhere(self, api: str) -> None:
        """A column of UUIDs leads to a table, or its description says what else it is."""
        leading = {names(each)[0] for each in relations(tables(api))}
        lost = {
            f"{table.qualified_name}.{column.name}": column.description
            for table in tables(api)
            for column in table.own_columns
            if column.kind is Kind.UUID and column.name not in table.key
        }
        elsewhere = r"Floriday's identifier|Floricode|Photo of|have in common|Counter of|as \w+ tells"

        assert {name for name, told in lost.items() if name not in leading and not re.search(elsewhere, told)} == set()


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
def test_a_relation(column: str, target: str) -> None:
    """Names with something before them, lists, references to the own table and to one of several are understood."""
    assert (column, target) in {names(each) for each in relations(tables("suppliers"))}


def test_what_a_nested_record_repeats_is_no_relation() -> None:
    """Of a record that another feed serves too, the identifier leads there, its other fields do not."""
    services = [each for each in relations(tables("suppliers")) if each.table.name == "additional_services"]

    assert [each.column.name for each in services if each.target.name == "commercial_service_types"] == [
        "commercial_service_type_commercial_service_type_id"
    ]


class Leaf(Record):
    """A leaf that nobody sells."""

    leaf_id: Uuid = field("the leaf's id")
    part: Int64 = field("which part of it")
    stem: Text = field("stem that it grows on (catalog.leaves)")


def test_a_reference_that_leads_to_no_column() -> None:
    """A description that names a table without a column for the join is a mistake, and told as one."""
    leaves = Feed("catalog", "leaves", Leaf, ("leaf_id", "part"), Endpoint("/leaves"), scope="catalog:read")

    with pytest.raises(ValueError, match=r"stem leads to catalog\.leaves"):
        relations(tables_of(leaves).walk())
