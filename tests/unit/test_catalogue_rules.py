"""Tables follow from records by the contract's rules, shown on a feed that nobody serves."""

from __future__ import annotations

from typing import Literal

import pytest

from pipelines.catalogue.tables import Table, deletion_paths, has_status, singular, tables_of
from pipelines.catalogue.types import (
    Boolean,
    Date,
    DateTime,
    Decimal,
    Feed,
    Int64,
    Kind,
    Record,
    Snapshot,
    Text,
    Uuid,
    field,
    fields_of,
)
from pipelines.floriday.endpoints import Endpoint


class Weight(Record):
    """A weight."""

    grams: Decimal = field("weight in grams")
    unit: Literal["G", "KG"] | None = field("unit it was told in")


class Bud(Record):
    """One bud."""

    colour: Text | None = field("colour", personal=True)


class Stem(Record):
    """One stem."""

    stem_id: Uuid = field("the stem's own id")
    is_deleted: Boolean = field("whether it was cut off")
    buds: list[Bud] = field("buds of a stem")


class Wrapping(Record):
    """What is around it."""

    labels: list[Bud] | None = field("labels on the wrapping")
    weight: Weight = field("weight")


class Bouquet(Record):
    """A bouquet that nobody sells."""

    bouquet_id: Uuid = field("the bouquet's id")
    bound_on: Date | None = field("day of binding")
    names: list[Text] | None = field("names")
    weight: Weight = field("gross weight")
    stems: list[Stem] = field("stems of a bouquet", id="stem_id")
    wrapping: Wrapping | None = field("wrapping", column="wrap")
    sold_at: DateTime | None = field("when it was sold", json="soldMoment")
    checksum: Text | None = field("repeats what is known", stored=False)
    sequence_number: Int64 = field("number")


class Wreath(Record):
    """A wreath that can wither."""

    wreath_id: Uuid = field("the wreath's id")
    is_deleted: Boolean | None = field("whether it withered")
    status: Literal["FRESH", "DELETED"] = field("state")


BOUQUETS = Feed("catalog", "bouquets", Bouquet, ("bouquet_id",), Endpoint("/bouquets"), scope="catalog:read")


def snapshot(table: str, record: type[Record], key: str) -> Snapshot:
    """A list that nobody serves."""
    return Snapshot(
        "catalog", table, record, (key,), f"/{table}", scope="catalog:read", asked_by="moment", parameters=("at",)
    )


def bouquet_tables() -> dict[str, Table]:
    """The tables of the made-up feed by their names."""
    return {table.name: table for table in tables_of(BOUQUETS).walk()}


def names(table: Table) -> list[str]:
    """The names of a table's columns, in order."""
    return [column.name for column in table.columns]


class TestFields:
    """A record's annotations say what a field is."""

    def test_order(self) -> None:
        """Fields come in the order in which the class names them."""
        assert [item.name for item in fields_of(Stem)] == ["stem_id", "is_deleted", "buds"]

    def test_scalars(self) -> None:
        """A scalar has a kind and no record; an enumeration is text with known values, and None makes it optional."""
        grams, unit = fields_of(Weight)

        assert (grams.kind, grams.record, grams.required, grams.repeated) == (Kind.DECIMAL, None, True, False)
        assert (unit.kind, unit.values, unit.required) == (Kind.TEXT, ("G", "KG"), False)

    def test_records(self) -> None:
        """A nested record has no kind; a list is repeated."""
        by_name = {item.name: item for item in fields_of(Bouquet)}

        assert (by_name["stems"].record, by_name["stems"].kind, by_name["stems"].repeated) == (Stem, None, True)
        assert (by_name["names"].kind, by_name["names"].repeated) == (Kind.TEXT, True)
        assert (by_name["sold_at"].json, by_name["bound_on"].json) == ("soldMoment", "boundOn")


class TestTables:
    """A made-up feed shows the rules by which tables follow from records."""

    def test_nested_record(self) -> None:
        """A nested record's fields stand in the parent's table, with its name, or another one, before theirs."""
        assert names(bouquet_tables()["bouquets"]) == [
            "account",
            "bouquet_id",
            "bound_on",
            "names",
            "weight_grams",
            "weight_unit",
            "wrap_weight_grams",
            "wrap_weight_unit",
            "sold_at",
            "sequence_number",
            "is_deleted",
            "synced_at",
        ]

    def test_columns(self) -> None:
        """A column knows its type, the way to its value in the JSON, its enumeration, and reads as one phrase."""
        columns = bouquet_tables()["bouquets"].by_name

        assert columns["names"].type == "VARCHAR[]"
        assert columns["bound_on"].type == "DATE"
        assert columns["weight_unit"].values == ("G", "KG")
        assert columns["wrap_weight_grams"].path == ("wrapping", "weight", "grams")
        assert columns["wrap_weight_grams"].description == "Wrapping, weight: weight in grams"
        assert columns["sold_at"].path == ("soldMoment",)

    def test_columns_without_field(self) -> None:
        """What the warehouse itself adds has no way to a value; a field that is not stored is remembered as known."""
        bouquets = bouquet_tables()["bouquets"]

        assert [column.name for column in bouquets.columns if not column.path] == ["account", "is_deleted", "synced_at"]
        assert "account" not in [column.name for column in bouquets.own_columns]
        assert bouquets.silent == (("checksum",),)

    def test_child(self) -> None:
        """A list of records becomes a table with the parent's key and the place in the list."""
        stems = bouquet_tables()["bouquet_stems"]

        assert names(stems) == ["account", "bouquet_id", "position", "stem_id", "is_deleted"]
        assert stems.key == ("account", "bouquet_id", "position")
        assert stems.array == ("stems",)
        assert stems.description == "Stems of a bouquet. One stem."

    def test_child_of_child(self) -> None:
        """A list within a list carries the place and the id of the level in between."""
        buds = bouquet_tables()["bouquet_stem_buds"]

        assert names(buds) == ["account", "bouquet_id", "stem_position", "stem_id", "position", "colour"]
        assert buds.key == ("account", "bouquet_id", "stem_position", "position")
        assert buds.by_name["stem_id"].path is None
        assert buds.by_name["colour"].personal

    def test_child_in_nested_record(self) -> None:
        """A list in a nested record belongs to the parent, at a way of more than one step."""
        labels = bouquet_tables()["bouquet_wrap_labels"]

        assert labels.array == ("wrapping", "labels")
        assert names(labels) == ["account", "bouquet_id", "position", "colour"]

    def test_deletion(self) -> None:
        """A record's fields tell its deletion, named or not, and its status; of a child they are only fields."""
        signals = (("isDeleted",), ("isDisabledForSync",))
        bouquets = tables_of(BOUQUETS)
        withered = tables_of(
            Feed("catalog", "wreaths", Wreath, ("wreath_id",), Endpoint("/wreaths"), scope="catalog:read")
        )

        assert (deletion_paths(bouquets), has_status(bouquets)) == (signals, False)
        assert (deletion_paths(withered), has_status(withered)) == (signals, True)
        assert names(withered) == ["account", "wreath_id", "is_deleted", "status", "synced_at"]
        assert withered.by_name["is_deleted"].description == "Whether it withered; never NULL"

    def test_snapshot(self) -> None:
        """A snapshot's table has no number; what its list no longer holds is deleted too."""
        colours = tables_of(snapshot("colours", Bud, "colour"))
        wreaths = tables_of(snapshot("wreaths", Wreath, "wreath_id"))

        assert names(colours) == ["account", "colour", "is_deleted", "synced_at"]
        assert colours.by_name["is_deleted"].path is None
        assert "missing when its list was last read" in colours.by_name["is_deleted"].description
        assert wreaths.by_name["is_deleted"].path == ("isDeleted",)
        assert "missing when its list was last read" in wreaths.by_name["is_deleted"].description

    @pytest.mark.parametrize(
        ("plural", "one"),
        [("supply_lines", "supply_line"), ("batches", "batch"), ("availabilities", "availability"), ("stock", "stock")],
    )
    def test_singular(self, plural: str, one: str) -> None:
        """A table's name for one of its rows is English."""
        assert singular(plural) == one
