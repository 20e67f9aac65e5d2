"""Tables are derived from records by fixed rules, shown with an invented feed."""

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
    unit: Literal["G", "KG"] | None = field("unit of measurement")


class Bud(Record):
    """One bud."""

    colour: Text | None = field("colour", personal=True)


class Stem(Record):
    """One stem."""

    stem_id: Uuid = field("the stem's own id")
    is_deleted: Boolean = field("whether it was cut off")
    buds: list[Bud] = field("buds of a stem")


class Wrapping(Record):
    """The wrapping of a bouquet."""

    labels: list[Bud] | None = field("labels on the wrapping")
    weight: Weight = field("weight")


class Bouquet(Record):
    """An invented record."""

    bouquet_id: Uuid = field("the bouquet's id")
    bound_on: Date | None = field("day of binding")
    names: list[Text] | None = field("names")
    weight: Weight = field("gross weight")
    stems: list[Stem] = field("stems of a bouquet", id="stem_id")
    wrapping: Wrapping | None = field("wrapping", column="wrap")
    sold_at: DateTime | None = field("when it was sold", json="soldMoment")
    checksum: Text | None = field("a field that is not stored", stored=False)
    sequence_number: Int64 = field("number")


class Wreath(Record):
    """A wreath that can wither."""

    wreath_id: Uuid = field("the wreath's id")
    is_deleted: Boolean | None = field("whether it withered")
    status: Literal["FRESH", "DELETED"] = field("state")


BOUQUETS = Feed("catalog", "bouquets", Bouquet, ("bouquet_id",), Endpoint("/bouquets"), scope="catalog:read")


def snapshot(table: str, record: type[Record], key: str) -> Snapshot:
    """Return an invented snapshot."""
    return Snapshot(
        "catalog", table, record, (key,), f"/{table}", scope="catalog:read", asked_by="moment", parameters=("at",)
    )


def bouquet_tables() -> dict[str, Table]:
    """Return the tables of the invented feed by name."""
    return {table.name: table for table in tables_of(BOUQUETS).walk()}


def names(table: Table) -> list[str]:
    """Return the names of a table's columns, in order."""
    return [column.name for column in table.columns]


class TestFields:
    """The annotations of a record define its fields."""

    def test_order(self) -> None:
        """Fields are in the order of the class."""
        assert [item.name for item in fields_of(Stem)] == ["stem_id", "is_deleted", "buds"]

    def test_scalars(self) -> None:
        """A scalar has a kind and no record; a Literal is text with known values, and None makes it optional."""
        grams, unit = fields_of(Weight)

        assert (grams.kind, grams.record, grams.required, grams.repeated) == (Kind.DECIMAL, None, True, False)
        assert (unit.kind, unit.values, unit.required) == (Kind.TEXT, ("G", "KG"), False)

    def test_records(self) -> None:
        """A nested record has no kind, and a list is repeated."""
        by_name = {item.name: item for item in fields_of(Bouquet)}

        assert (by_name["stems"].record, by_name["stems"].kind, by_name["stems"].repeated) == (Stem, None, True)
        assert (by_name["names"].kind, by_name["names"].repeated) == (Kind.TEXT, True)
        assert (by_name["sold_at"].json, by_name["bound_on"].json) == ("soldMoment", "boundOn")

    @pytest.mark.parametrize("members", [{}, {"length": "length of a thorn"}], ids=["nothing", "text"])
    def test_a_field_without_a_description_is_refused(self, members: dict[str, str]) -> None:
        """The error names the record and the field, and the function to use."""
        thorn = type("Thorn", (Record,), {"__annotations__": {"length": Int64}, **members})

        with pytest.raises(TypeError, match=r"Thorn\.length has no description: use field\(\.\.\.\)"):
            fields_of(thorn)


class TestTables:
    """Tables and columns are derived from the records of an invented feed."""

    def test_nested_record(self) -> None:
        """A nested record's fields are columns of the parent's table, with the name of the field as a prefix."""
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
        """A column has a type, a JSON path, the values of its enumeration, and a description in one phrase."""
        columns = bouquet_tables()["bouquets"].by_name

        assert columns["names"].type == "VARCHAR[]"
        assert columns["bound_on"].type == "DATE"
        assert columns["weight_unit"].values == ("G", "KG")
        assert columns["wrap_weight_grams"].path == ("wrapping", "weight", "grams")
        assert columns["wrap_weight_grams"].description == "Wrapping, weight: weight in grams"
        assert columns["sold_at"].path == ("soldMoment",)

    def test_columns_without_a_field(self) -> None:
        """Columns that the warehouse adds have no JSON path, and a field that is not stored is listed as known."""
        bouquets = bouquet_tables()["bouquets"]

        assert [column.name for column in bouquets.columns if not column.path] == ["account", "is_deleted", "synced_at"]
        assert "account" not in [column.name for column in bouquets.own_columns]
        assert bouquets.silent == (("checksum",),)

    def test_child(self) -> None:
        """A list of records becomes a child table with the parent's key and the position in the list."""
        stems = bouquet_tables()["bouquet_stems"]

        assert names(stems) == ["account", "bouquet_id", "position", "stem_id", "is_deleted"]
        assert stems.key == ("account", "bouquet_id", "position")
        assert stems.array == ("stems",)
        assert stems.description == "Stems of a bouquet. One stem."

    def test_child_of_child(self) -> None:
        """A list within a list has the position and the id of the level in between."""
        buds = bouquet_tables()["bouquet_stem_buds"]

        assert names(buds) == ["account", "bouquet_id", "stem_position", "stem_id", "position", "colour"]
        assert buds.key == ("account", "bouquet_id", "stem_position", "position")
        assert buds.by_name["stem_id"].path is None
        assert buds.by_name["colour"].personal

    def test_child_in_nested_record(self) -> None:
        """A list in a nested record is a child of the parent, with a path of several steps."""
        labels = bouquet_tables()["bouquet_wrap_labels"]

        assert labels.array == ("wrapping", "labels")
        assert names(labels) == ["account", "bouquet_id", "position", "colour"]

    def test_deletion(self) -> None:
        """Deletion is read from a record's own fields and its status, never from a child's fields."""
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
        """A snapshot's table has no sequence number, and records missing from its list are marked as deleted."""
        colours = tables_of(snapshot("colours", Bud, "colour"))
        wreaths = tables_of(snapshot("wreaths", Wreath, "wreath_id"))

        assert names(colours) == ["account", "colour", "is_deleted", "synced_at"]
        assert colours.by_name["is_deleted"].path is None
        assert "missing when its list was last read" in colours.by_name["is_deleted"].description
        assert wreaths.by_name["is_deleted"].path == ("isDeleted",)
        assert "missing when its list was last read" in wreaths.by_name["is_deleted"].description

    @pytest.mark.parametrize(
        ("plural", "singular_name"),
        [("supply_lines", "supply_line"), ("batches", "batch"), ("availabilities", "availability"), ("stock", "stock")],
    )
    def test_singular(self, plural: str, singular_name: str) -> None:
        """The singular of a table's name is correct English."""
        assert singular(plural) == singular_name
