"""Comparing a specification of Floriday's with the catalogue: what is listed as a change, and what is none."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.types import Boolean, Feed, Int64, Record, Snapshot, Text, Uuid, field
from pipelines.catalogue.version_comparison.comparison import compare
from pipelines.catalogue.version_comparison.differences import Difference, Topic
from pipelines.catalogue.version_comparison.swagger import read
from pipelines.cli.entry import run
from pipelines.errors import UsageError
from pipelines.floriday.endpoints import SLOW, Endpoint
from tests.floriday_facts import specification_of

JsonObject = dict[str, Any]
Row = tuple[str, str, str, str, str]
SYNC = "/bouquets/sync/{sequenceNumber}"


class Ribbon(Record):
    """A ribbon."""

    colour: Literal["RED", "BLUE"] = field("colour")
    is_wide: Boolean | None = field("whether it is wide")


class Bouquet(Record):
    """A bouquet that nobody sells."""

    bouquet_id: Uuid = field("the bouquet's id")
    name: Text | None = field("name")
    ribbons: list[Ribbon] = field("ribbons of a bouquet")
    sequence_number: Int64 = field("number")


CATALOGUE = Catalogue(
    "suppliers",
    "2026v1",
    (
        Feed(
            "catalog",
            "bouquets",
            Bouquet,
            ("bouquet_id",),
            Endpoint("/bouquets", "limit", 100, SLOW, by_id="/bouquets/{bouquetId}"),
            scope="catalog:read",
        ),
    ),
    (
        Snapshot(
            "catalog",
            "ribbons",
            Ribbon,
            ("colour",),
            "/ribbons",
            asked_by="moment",
            parameters=("at",),
            scope="catalog:read",
        ),
    ),
)


def reading(summary: str, answer: JsonObject, *parameters: JsonObject) -> JsonObject:
    """A path that can be read."""
    return {"get": {"summary": summary, "parameters": [*parameters], "responses": {"200": {"schema": answer}}}}


def to(name: str) -> JsonObject:
    """A reference to a definition."""
    return {"$ref": f"#/definitions/{name}"}


def query(name: str, **told: object) -> JsonObject:
    """A parameter of a query."""
    return {"name": name, "in": "query", **told}


def made_up() -> JsonObject:
    """A specification that the catalogue above fits."""
    number = {"type": "integer", "format": "int64"}
    slow = "rate limit: 2.0 per second - burst limit: 200"
    return {
        "swagger": "2.0",
        "basePath": "/suppliers-api-2026v1",
        "info": {"description": "* This version will be main after April 2026.", "version": "2026v1"},
        "paths": {
            SYNC: reading(f"catalog:read - {slow} - Pages.", to("SyncResult"), query("limit", maximum=100.0)),
            "/bouquets/current-max-sequence": reading("catalog:read - The number.", number),
            "/bouquets/{bouquetId}": reading("catalog:read - One.", to("Bouquet")),
            "/ribbons": reading(
                "catalog:read - All.", {"type": "array", "items": to("Ribbon")}, query("at", required=True)
            ),
            "/bouquets": {"post": {"summary": "catalog:write - Makes one."}},
        },
        "definitions": {
            "SyncResult": {
                "type": "object",
                "properties": {
                    "maximumSequenceNumber": number,
                    "results": {"type": "array", "items": to("Bouquet")},
                },
            },
            "Bouquet": {
                "type": "object",
                "required": ["bouquetId", "ribbons", "sequenceNumber"],
                "properties": {
                    "bouquetId": {"type": "string", "format": "uuid"},
                    "name": {"type": "string", "maxLength": 50},
                    "ribbons": {"type": "array", "items": to("Ribbon")},
                    "sequenceNumber": number,
                },
            },
            "Ribbon": {
                "type": "object",
                "required": ["colour"],
                "properties": {"colour": {"allOf": [to("Colour")]}, "isWide": {"type": "boolean"}},
            },
            "Colour": {"type": "string", "enum": ["RED", "BLUE"]},
        },
    }


def differences(document: JsonObject, catalogue: Catalogue = CATALOGUE) -> tuple[Difference, ...]:
    """What differs between a document and a catalogue."""
    return compare(read(json.dumps(document).encode()), catalogue)


def rows(change: Callable[[JsonObject], object]) -> list[Row]:
    """What is listed after a change of the made-up specification."""
    document = made_up()
    change(document)
    return [(one.topic, one.change, one.where, one.catalogue, one.specification) for one in differences(document)]


def get(document: JsonObject, path: str = SYNC) -> JsonObject:
    """An operation of the document."""
    operation: JsonObject = document["paths"][path]["get"]
    return operation


def fields(document: JsonObject, name: str = "Bouquet") -> JsonObject:
    """The fields of a definition of the document."""
    properties: JsonObject = document["definitions"][name]["properties"]
    return properties


def test_what_fits() -> None:
    """A specification that says what the catalogue has leads to nothing."""
    assert differences(made_up()) == ()


class TestFeeds:
    """Feeds that come, go and move, and how they are called."""

    def test_a_new_one(self) -> None:
        """It is listed with what its entry needs, whatever its number is called."""

        def change(document: JsonObject) -> None:
            document["paths"]["/vases/sync/{number}"] = copy.deepcopy(document["paths"][SYNC])
            get(document, "/vases/sync/{number}")["responses"]["200"]["schema"] = to("Vases")
            document["definitions"]["Vases"] = copy.deepcopy(document["definitions"]["SyncResult"])
            fields(document, "Vases")["results"]["items"] = to("Vase")

        ((topic, new, where, ours, theirs),) = rows(change)

        assert (topic, new, where, ours) == ("feeds", "new", "/vases/sync/{sequenceNumber}", "–")
        for told in ("record Vase", "scope catalog:read", "2 a second, burst 200", "limit, at most 100"):
            assert told in theirs

    def test_one_that_is_gone(self) -> None:
        """It is one line: nothing is said of its record, which is served no more."""
        assert rows(lambda document: document["paths"].pop(SYNC)) == [("feeds", "gone", "catalog.bouquets", SYNC, "–")]

    def test_one_that_moved(self) -> None:
        """A path that serves the same record is the feed's new place, and compared as such."""

        def change(document: JsonObject) -> None:
            for path in [path for path in document["paths"] if path.startswith("/bouquets/")]:
                document["paths"][path.replace("/bouquets", "/bunches")] = document["paths"].pop(path)

        moved = "/bunches/sync/{sequenceNumber}"

        assert rows(change) == [
            ("feeds", "moved", "catalog.bouquets", SYNC, moved),
            ("operations", "by id", "catalog.bouquets", "/bouquets/{bouquetId}", "/bunches/{bouquetId}"),
            (
                "operations",
                "max-sequence",
                "catalog.bouquets",
                "/bouquets/current-max-sequence",
                "/bunches/current-max-sequence",
            ),
        ]

    @pytest.mark.parametrize(
        ("summary", "expected"),
        [
            (
                "supply:read - rate limit: 2.0 per second - burst limit: 200 - Pages.",
                ("scope", "catalog:read", "supply:read"),
            ),
            (
                "catalog:read - rate limit: 0.5 per second - burst limit: 20 - Pages.",
                ("rate", "2 a second, burst 200", "0.5 a second, burst 20"),
            ),
            ("catalog:read - Pages.", ("rate", "2 a second, burst 200", "3.4 a second, burst 1000")),
            ("rate limit: 2.0 per second - burst limit: 200 - Pages.", ("scope", "catalog:read", "–")),
        ],
    )
    def test_scope_and_rate(self, summary: str, expected: tuple[str, str, str]) -> None:
        """The summary tells them; where it tells no rate, the usual one holds."""
        what, ours, theirs = expected

        assert rows(lambda document: get(document).update(summary=summary)) == [
            ("operations", what, "catalog.bouquets", ours, theirs)
        ]

    @pytest.mark.parametrize(
        ("parameters", "expected"),
        [
            ([query("limitResult", maximum=100.0)], ("page parameter", "limit", "limitResult")),
            ([query("limit", maximum=1000.0)], ("page maximum", "100", "1000")),
            ([query("limit", maximum=100.0), query("grower", required=True)], ("required parameters", "–", "grower")),
            ([query("limit", maximum=100.0), query("postFilterWilted")], ("filters", "–", "postFilterWilted")),
            ([], ("page parameter", "limit", "–")),
        ],
    )
    def test_parameters(self, parameters: list[JsonObject], expected: tuple[str, str, str]) -> None:
        """The page parameter, its maximum, what must be given and what filters are compared."""
        what, ours, theirs = expected

        assert rows(lambda document: get(document).update(parameters=parameters)) == [
            ("operations", what, "catalog.bouquets", ours, theirs)
        ]

    @pytest.mark.parametrize(
        "parameters",
        [
            [query("limit")],
            [query("limit", required=True, maximum=100.0)],
            [query("limit", maximum=100), query("colour")],
        ],
    )
    def test_parameters_that_change_nothing(self, parameters: list[JsonObject]) -> None:
        """A maximum that is not stated, a page parameter that must be given, a further filter of the caller's."""
        assert rows(lambda document: get(document).update(parameters=parameters)) == []

    def test_maximum(self) -> None:
        """The operation that tells the highest number can go, and change its scope or rate."""
        path = "/bouquets/current-max-sequence"
        where = "catalog.bouquets"

        assert rows(lambda document: document["paths"].pop(path)) == [("operations", "max-sequence", where, path, "–")]
        assert rows(lambda document: get(document, path).update(summary="supply:read - The number.")) == [
            ("operations", "max-sequence scope", where, "catalog:read", "supply:read")
        ]

    def test_reading_one_record(self) -> None:
        """The name of the parameter does not matter; that the operation is gone does."""
        paths: dict[str, Callable[[JsonObject], object]] = {
            "renamed": lambda document: document["paths"].update(
                {"/bouquets/{id}": document["paths"].pop("/bouquets/{bouquetId}")}
            ),
            "gone": lambda document: document["paths"].pop("/bouquets/{bouquetId}"),
        }

        assert rows(paths["renamed"]) == []
        assert rows(paths["gone"]) == [("operations", "by id", "catalog.bouquets", "/bouquets/{bouquetId}", "–")]

    def test_snapshots(self) -> None:
        """A list without a feed is compared too."""

        def change(document: JsonObject) -> None:
            get(document, "/ribbons")["parameters"] = [query("moment", required=True)]

        assert rows(lambda document: document["paths"].pop("/ribbons")) == [
            ("feeds", "gone", "catalog.ribbons", "/ribbons", "–")
        ]
        assert rows(change) == [("operations", "required parameters", "catalog.ribbons", "at", "moment")]


class TestFields:
    """Fields of the records that are served, nested ones among them."""

    def test_new_and_gone(self) -> None:
        """Both are listed with their types."""

        def change(document: JsonObject) -> None:
            del fields(document)["name"]
            fields(document)["weight"] = {"type": "number", "format": "double"}

        assert rows(change) == [
            ("fields", "gone", "Bouquet.name", "string, optional", "–"),
            ("fields", "new", "Bouquet.weight", "–", "decimal, optional"),
        ]

    def test_renamed(self) -> None:
        """A field that is gone and a new one of a similar name may be one."""

        def change(document: JsonObject) -> None:
            fields(document)["bouquetName"] = fields(document).pop("name")
            fields(document)["bouquetUuid"] = fields(document).pop("bouquetId")

        assert rows(change) == [
            ("fields", "renamed?", "Bouquet.bouquetId", "uuid", "bouquetUuid: uuid, optional"),
            ("fields", "gone", "Bouquet.name", "string, optional", "–"),
            ("fields", "new", "Bouquet.bouquetName", "–", "string, optional"),
        ]

    @pytest.mark.parametrize(
        ("schema", "told"),
        [
            ({"type": "integer", "format": "int32"}, "int32"),
            ({"type": "array", "items": {"type": "string"}}, "[string]"),
            (to("Ribbon"), "→ Ribbon"),
            (to("Colour"), "enumeration"),
            ({"type": "string", "enum": ["A"]}, "enumeration"),
            (to("Gone"), "→ Gone"),
            ({}, "anything"),
        ],
    )
    def test_retyped(self, schema: JsonObject, told: str) -> None:
        """A field of another type is listed with both."""
        assert rows(lambda document: fields(document).update(name=schema)) == [
            ("fields", "retyped", "Bouquet.name", "string", told)
        ]

    def test_same_type_in_other_words(self) -> None:
        """A duration is text, a name for a plain type is that type."""

        def change(document: JsonObject) -> None:
            document["definitions"]["Key"] = {"type": "string", "format": "uuid"}
            fields(document).update(bouquetId=to("Key"), name={"type": "string", "format": "duration"})

        assert rows(change) == []

    def test_inherited(self) -> None:
        """Fields that an object has from another one are its own."""

        def change(document: JsonObject) -> None:
            bouquet = document["definitions"]["Bouquet"]
            document["definitions"]["Bouquet"] = {"allOf": [to("Base"), bouquet]}
            document["definitions"]["Base"] = {"properties": {"name": bouquet["properties"].pop("name")}}

        assert rows(change) == []

    def test_optional_and_required(self) -> None:
        """What may be left out now, or is always there now, is listed."""

        def change(document: JsonObject) -> None:
            document["definitions"]["Bouquet"]["required"] = ["bouquetId", "name", "sequenceNumber"]

        assert rows(change) == [
            ("fields", "now required", "Bouquet.name", "optional", "required"),
            ("fields", "now optional", "Bouquet.ribbons", "required", "optional"),
        ]

    def test_a_nested_record(self) -> None:
        """It is told once, though two sources nest it."""
        assert rows(lambda document: fields(document, "Ribbon").pop("isWide")) == [
            ("fields", "gone", "Ribbon.isWide", "boolean, optional", "–")
        ]

    def test_a_record_of_another_name(self) -> None:
        """The name is listed, and its fields are compared all the same."""

        def change(document: JsonObject) -> None:
            document["definitions"]["Band"] = document["definitions"].pop("Ribbon")
            fields(document)["ribbons"]["items"] = to("Band")
            get(document, "/ribbons")["responses"]["200"]["schema"]["items"] = to("Band")
            del fields(document, "Band")["isWide"]

        assert rows(change) == [
            ("operations", "record", "catalog.ribbons", "Ribbon", "Band"),
            ("fields", "retyped", "Bouquet.ribbons", "[→ Ribbon]", "[→ Band]"),
            ("fields", "gone", "Ribbon.isWide", "boolean, optional", "–"),
        ]

    def test_values(self) -> None:
        """A value that came and one that went are listed, once, with the fields that may have them."""

        def change(document: JsonObject) -> None:
            document["definitions"]["Colour"]["enum"] = ["GREEN", "RED"]

        assert rows(change) == [
            ("values", "new", "Colour in Ribbon.colour", "–", "GREEN"),
            ("values", "gone", "Colour in Ribbon.colour", "BLUE", "–"),
        ]


class TestVersion:
    """The version itself, and its calendar."""

    def test_another_version(self) -> None:
        """Its number changes in the catalogue, and what is announced of it belongs in the calendar."""

        def change(document: JsonObject) -> None:
            document["basePath"] = "/suppliers-api-2031v1"
            document["info"]["description"] = (
                "This version will be main after April 2031. This version will be removed after April 2032."
                " This version will be deprecated after Smarch 2031."
            )

        assert rows(change) == [
            ("version", "changed", "version", "2026v1", "2031v1"),
            ("version", "calendar", "main_from", "–", "2031-05-01"),
            ("version", "calendar", "removed_from", "–", "2032-05-01"),
        ]

    def test_a_date_that_was_moved(self) -> None:
        """What Floriday announces anew of a known version is listed with what the calendar has."""
        assert rows(
            lambda document: document["info"].update(description="This version will be removed after October 2027.")
        ) == [("version", "calendar", "removed_from", "2027-05-01", "2027-11-01")]


class TestFiles:
    """What is no specification is refused."""

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"tulips",
            b"[]",
            b"{}",
            b"\xff",
            b"[" * 100_000,
            json.dumps({"openapi": "3.0.0", "paths": {}}).encode(),
            json.dumps(made_up() | {"basePath": "/growers-api-2026v1"}).encode(),
            json.dumps(made_up() | {"swagger": "1.2"}).encode(),
            json.dumps(made_up() | {"paths": []}).encode(),
        ],
    )
    def test_no_specification(self, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """The command ends with exit code 2 and one line that names the file."""
        path = tmp_path / "file.json"
        path.write_bytes(content)

        assert run(["catalogue", str(path)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"floriday: {path}: this is no ")
        assert err.count("\n") == 1

    def test_no_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A file that is not there is exit code 2 too."""
        assert run(["catalogue", str(tmp_path / "none.json")]) == 2
        assert "cannot be read: No such file" in capsys.readouterr().err

    def test_the_other_api(self) -> None:
        """A specification is compared with the catalogue of its own API only."""
        with pytest.raises(UsageError, match="suppliers API, not of the customers API"):
            differences(made_up(), catalogue_of("customers"))


@pytest.mark.parametrize("api", ["suppliers", "customers"])
class TestWholeApis:
    """Specifications of whole APIs, as Floriday would publish them if they had exactly what the catalogue has."""

    def test_nothing_to_change(self, api: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """The catalogue fits them; exit code 0."""
        catalogue = catalogue_of(api)
        path = tmp_path / "swagger.json"
        path.write_text(json.dumps(specification_of(catalogue)))

        assert run(["catalogue", str(path)]) == 0
        assert capsys.readouterr().out == (
            f"no difference between the catalogue and the specification of the {api} API, {catalogue.version}\n"
        )

    def test_changes(self, api: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Changes made to them are listed, by topic or as JSON; exit code 1."""
        document = specification_of(catalogue_of(api))
        document["paths"].pop("/contracts/current-max-sequence")
        orders = fields(document, "SalesOrder")
        orders["auctionClock"] = {"type": "integer", "format": "int32"}
        document["definitions"]["SalesOrder"]["required"].remove("numberOfPieces")
        orders["status"]["enum"].append("LOST")
        path = tmp_path / "swagger.json"
        path.write_text(json.dumps(document))

        assert run(["catalogue", str(path)]) == 1
        told = capsys.readouterr().out
        assert run(["catalogue", str(path), "--format", "json"]) == 1
        listed = json.loads(capsys.readouterr().out)

        assert [line for line in told.splitlines() if line in list(Topic)] == ["operations", "fields", "values"]
        assert told.splitlines()[-1].startswith("4 differences between the catalogue and the specification")
        assert [(row["change"], row["where"], row["specification"]) for row in listed] == [
            ("max-sequence", "orders.contracts", "–"),
            ("new", "SalesOrder.auctionClock", "int32, optional"),
            ("now optional", "SalesOrder.numberOfPieces", "optional"),
            ("new", "SalesOrder.status", "LOST"),
        ]
