"""A Floriday specification is compared with the catalogue, and each real difference is listed."""

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
from tests.catalogue_listing import specification_of

JsonObject = dict[str, Any]
Row = tuple[str, str, str, str, str]
SYNC = "/bouquets/sync/{sequenceNumber}"


class Ribbon(Record):
    """A ribbon."""

    colour: Literal["RED", "BLUE"] = field("colour")
    is_wide: Boolean | None = field("whether it is wide")


class Bouquet(Record):
    """An invented record."""

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


def get_operation(summary: str, answer: JsonObject, *parameters: JsonObject) -> JsonObject:
    """Return a path with a GET operation."""
    return {"get": {"summary": summary, "parameters": [*parameters], "responses": {"200": {"schema": answer}}}}


def reference(name: str) -> JsonObject:
    """Return a reference to a definition."""
    return {"$ref": f"#/definitions/{name}"}


def query_parameter(name: str, **attributes: object) -> JsonObject:
    """Return a query parameter."""
    return {"name": name, "in": "query", **attributes}


def specification() -> JsonObject:
    """Return a specification that matches the invented catalogue."""
    number = {"type": "integer", "format": "int64"}
    slow = "rate limit: 2.0 per second - burst limit: 200"
    return {
        "swagger": "2.0",
        "basePath": "/suppliers-api-2026v1",
        "info": {"description": "* This version will be main after April 2026.", "version": "2026v1"},
        "paths": {
            SYNC: get_operation(
                f"catalog:read - {slow} - Pages.", reference("SyncResult"), query_parameter("limit", maximum=100.0)
            ),
            "/bouquets/current-max-sequence": get_operation("catalog:read - The number.", number),
            "/bouquets/{bouquetId}": get_operation("catalog:read - One.", reference("Bouquet")),
            "/ribbons": get_operation(
                "catalog:read - All.",
                {"type": "array", "items": reference("Ribbon")},
                query_parameter("at", required=True),
            ),
            "/bouquets": {"post": {"summary": "catalog:write - Makes one."}},
        },
        "definitions": {
            "SyncResult": {
                "type": "object",
                "properties": {
                    "maximumSequenceNumber": number,
                    "results": {"type": "array", "items": reference("Bouquet")},
                },
            },
            "Bouquet": {
                "type": "object",
                "required": ["bouquetId", "ribbons", "sequenceNumber"],
                "properties": {
                    "bouquetId": {"type": "string", "format": "uuid"},
                    "name": {"type": "string", "maxLength": 50},
                    "ribbons": {"type": "array", "items": reference("Ribbon")},
                    "sequenceNumber": number,
                },
            },
            "Ribbon": {
                "type": "object",
                "required": ["colour"],
                "properties": {"colour": {"allOf": [reference("Colour")]}, "isWide": {"type": "boolean"}},
            },
            "Colour": {"type": "string", "enum": ["RED", "BLUE"]},
        },
    }


def differences(document: JsonObject, catalogue: Catalogue = CATALOGUE) -> tuple[Difference, ...]:
    """Return the differences between a document and a catalogue."""
    return compare(read(json.dumps(document).encode()), catalogue)


def rows(change: Callable[[JsonObject], object]) -> list[Row]:
    """Return the differences that are listed after a change of the specification."""
    document = specification()
    change(document)
    return [
        (difference.topic, difference.change, difference.where, difference.catalogue, difference.specification)
        for difference in differences(document)
    ]


def operation_of(document: JsonObject, path: str = SYNC) -> JsonObject:
    """Return an operation of the document."""
    operation: JsonObject = document["paths"][path]["get"]
    return operation


def fields(document: JsonObject, name: str = "Bouquet") -> JsonObject:
    """Return the fields of a definition of the document."""
    properties: JsonObject = document["definitions"][name]["properties"]
    return properties


def test_a_matching_specification_has_no_differences() -> None:
    """A specification that matches the catalogue has no differences."""
    assert differences(specification()) == ()


class TestFeeds:
    """New, removed and moved feeds, and their operations, are listed."""

    def test_a_new_feed(self) -> None:
        """A new feed is listed with the facts that its catalogue entry needs."""

        def change(document: JsonObject) -> None:
            document["paths"]["/vases/sync/{number}"] = copy.deepcopy(document["paths"][SYNC])
            operation_of(document, "/vases/sync/{number}")["responses"]["200"]["schema"] = reference("Vases")
            document["definitions"]["Vases"] = copy.deepcopy(document["definitions"]["SyncResult"])
            fields(document, "Vases")["results"]["items"] = reference("Vase")

        ((topic, new, where, catalogue_value, specification_value),) = rows(change)

        assert (topic, new, where, catalogue_value) == ("feeds", "new", "/vases/sync/{sequenceNumber}", "–")
        for fact in ("record Vase", "scope catalog:read", "2 a second, burst 200", "limit, at most 100"):
            assert fact in specification_value

    def test_a_removed_feed(self) -> None:
        """A removed feed is one difference, without differences of its record."""
        assert rows(lambda document: document["paths"].pop(SYNC)) == [("feeds", "gone", "catalog.bouquets", SYNC, "–")]

    def test_a_moved_feed(self) -> None:
        """A new path that serves the same record is listed as the feed's new path, and its operations are compared."""

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
        """Scope and rate limit are read from the summary; without a stated rate the usual one applies."""
        what, catalogue_value, specification_value = expected

        assert rows(lambda document: operation_of(document).update(summary=summary)) == [
            ("operations", what, "catalog.bouquets", catalogue_value, specification_value)
        ]

    @pytest.mark.parametrize(
        ("parameters", "expected"),
        [
            ([query_parameter("limitResult", maximum=100.0)], ("page parameter", "limit", "limitResult")),
            ([query_parameter("limit", maximum=1000.0)], ("page maximum", "100", "1000")),
            (
                [query_parameter("limit", maximum=100.0), query_parameter("grower", required=True)],
                ("required parameters", "–", "grower"),
            ),
            (
                [query_parameter("limit", maximum=100.0), query_parameter("postFilterWilted")],
                ("filters", "–", "postFilterWilted"),
            ),
            ([], ("page parameter", "limit", "–")),
        ],
    )
    def test_parameters(self, parameters: list[JsonObject], expected: tuple[str, str, str]) -> None:
        """The page parameter, its maximum, required parameters and filters are compared."""
        what, catalogue_value, specification_value = expected

        assert rows(lambda document: operation_of(document).update(parameters=parameters)) == [
            ("operations", what, "catalog.bouquets", catalogue_value, specification_value)
        ]

    @pytest.mark.parametrize(
        "parameters",
        [
            [query_parameter("limit")],
            [query_parameter("limit", required=True, maximum=100.0)],
            [query_parameter("limit", maximum=100), query_parameter("colour")],
        ],
    )
    def test_irrelevant_parameters(self, parameters: list[JsonObject]) -> None:
        """Parameters that do not change how the feed is read are not listed."""
        assert rows(lambda document: operation_of(document).update(parameters=parameters)) == []

    def test_the_max_sequence_operation(self) -> None:
        """A removed max-sequence operation, and a change of its scope, are listed."""
        path = "/bouquets/current-max-sequence"
        where = "catalog.bouquets"

        assert rows(lambda document: document["paths"].pop(path)) == [("operations", "max-sequence", where, path, "–")]
        assert rows(lambda document: operation_of(document, path).update(summary="supply:read - The number.")) == [
            ("operations", "max-sequence scope", where, "catalog:read", "supply:read")
        ]

    def test_the_operation_by_id(self) -> None:
        """A removed operation by id is listed, and a renamed parameter is not."""
        paths: dict[str, Callable[[JsonObject], object]] = {
            "renamed": lambda document: document["paths"].update(
                {"/bouquets/{id}": document["paths"].pop("/bouquets/{bouquetId}")}
            ),
            "gone": lambda document: document["paths"].pop("/bouquets/{bouquetId}"),
        }

        assert rows(paths["renamed"]) == []
        assert rows(paths["gone"]) == [("operations", "by id", "catalog.bouquets", "/bouquets/{bouquetId}", "–")]

    def test_snapshots(self) -> None:
        """Snapshots are compared too."""

        def change(document: JsonObject) -> None:
            operation_of(document, "/ribbons")["parameters"] = [query_parameter("moment", required=True)]

        assert rows(lambda document: document["paths"].pop("/ribbons")) == [
            ("feeds", "gone", "catalog.ribbons", "/ribbons", "–")
        ]
        assert rows(change) == [("operations", "required parameters", "catalog.ribbons", "at", "moment")]


class TestFields:
    """Fields of all served records, including nested ones, are compared."""

    def test_new_and_removed_fields(self) -> None:
        """New and removed fields are listed with their types."""

        def change(document: JsonObject) -> None:
            del fields(document)["name"]
            fields(document)["weight"] = {"type": "number", "format": "double"}

        assert rows(change) == [
            ("fields", "gone", "Bouquet.name", "string, optional", "–"),
            ("fields", "new", "Bouquet.weight", "–", "decimal, optional"),
        ]

    def test_renamed_fields(self) -> None:
        """A removed field and a new one of a similar name and type are listed as a possible renaming."""

        def change(document: JsonObject) -> None:
            fields(document)["bouquetName"] = fields(document).pop("name")
            fields(document)["bouquetUuid"] = fields(document).pop("bouquetId")

        assert rows(change) == [
            ("fields", "renamed?", "Bouquet.bouquetId", "uuid", "bouquetUuid: uuid, optional"),
            ("fields", "gone", "Bouquet.name", "string, optional", "–"),
            ("fields", "new", "Bouquet.bouquetName", "–", "string, optional"),
        ]

    @pytest.mark.parametrize(
        ("schema", "new_type"),
        [
            ({"type": "integer", "format": "int32"}, "int32"),
            ({"type": "array", "items": {"type": "string"}}, "[string]"),
            (reference("Ribbon"), "→ Ribbon"),
            (reference("Colour"), "enumeration"),
            ({"type": "string", "enum": ["A"]}, "enumeration"),
            (reference("Gone"), "→ Gone"),
            ({}, "anything"),
        ],
    )
    def test_fields_of_another_type(self, schema: JsonObject, new_type: str) -> None:
        """A field of another type is listed with both types."""
        assert rows(lambda document: fields(document).update(name=schema)) == [
            ("fields", "retyped", "Bouquet.name", "string", new_type)
        ]

    def test_other_names_for_the_same_type(self) -> None:
        """A duration is text, and a definition of a plain type is that type."""

        def change(document: JsonObject) -> None:
            document["definitions"]["Key"] = {"type": "string", "format": "uuid"}
            fields(document).update(bouquetId=reference("Key"), name={"type": "string", "format": "duration"})

        assert rows(change) == []

    def test_inherited_fields(self) -> None:
        """Fields that an object inherits are compared as its own."""

        def change(document: JsonObject) -> None:
            bouquet = document["definitions"]["Bouquet"]
            document["definitions"]["Bouquet"] = {"allOf": [reference("Base"), bouquet]}
            document["definitions"]["Base"] = {"properties": {"name": bouquet["properties"].pop("name")}}

        assert rows(change) == []

    def test_optional_and_required(self) -> None:
        """A field that becomes optional or required is listed."""

        def change(document: JsonObject) -> None:
            document["definitions"]["Bouquet"]["required"] = ["bouquetId", "name", "sequenceNumber"]

        assert rows(change) == [
            ("fields", "now required", "Bouquet.name", "optional", "required"),
            ("fields", "now optional", "Bouquet.ribbons", "required", "optional"),
        ]

    def test_a_nested_record_is_listed_once(self) -> None:
        """A difference of a record that two sources contain is listed once."""
        assert rows(lambda document: fields(document, "Ribbon").pop("isWide")) == [
            ("fields", "gone", "Ribbon.isWide", "boolean, optional", "–")
        ]

    def test_a_renamed_record(self) -> None:
        """A renamed record is listed, and its fields are compared."""

        def change(document: JsonObject) -> None:
            document["definitions"]["Band"] = document["definitions"].pop("Ribbon")
            fields(document)["ribbons"]["items"] = reference("Band")
            operation_of(document, "/ribbons")["responses"]["200"]["schema"]["items"] = reference("Band")
            del fields(document, "Band")["isWide"]

        assert rows(change) == [
            ("operations", "record", "catalog.ribbons", "Ribbon", "Band"),
            ("fields", "retyped", "Bouquet.ribbons", "[→ Ribbon]", "[→ Band]"),
            ("fields", "gone", "Ribbon.isWide", "boolean, optional", "–"),
        ]

    def test_enumeration_values(self) -> None:
        """New and removed values are listed once, with the fields that may have them."""

        def change(document: JsonObject) -> None:
            document["definitions"]["Colour"]["enum"] = ["GREEN", "RED"]

        assert rows(change) == [
            ("values", "new", "Colour in Ribbon.colour", "–", "GREEN"),
            ("values", "gone", "Colour in Ribbon.colour", "BLUE", "–"),
        ]


class TestVersion:
    """The version and its calendar are compared."""

    def test_another_version(self) -> None:
        """Another version is listed with the dates that are announced for it."""

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

    def test_a_changed_date(self) -> None:
        """A changed date of a known version is listed with the date in the calendar."""
        assert rows(
            lambda document: document["info"].update(description="This version will be removed after October 2027.")
        ) == [("version", "calendar", "removed_from", "2027-05-01", "2027-11-01")]


class TestInvalidFiles:
    """Files that are no specification are refused."""

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
            json.dumps(specification() | {"basePath": "/growers-api-2026v1"}).encode(),
            json.dumps(specification() | {"swagger": "1.2"}).encode(),
            json.dumps(specification() | {"paths": []}).encode(),
        ],
    )
    def test_no_specification(self, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A file that is no specification ends the command with exit code 2 and one line that names the file."""
        path = tmp_path / "file.json"
        path.write_bytes(content)

        assert run(["catalogue", str(path)]) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"floriday: {path}: this is no ")
        assert err.count("\n") == 1

    def test_a_missing_file(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A missing file ends the command with exit code 2."""
        assert run(["catalogue", str(tmp_path / "none.json")]) == 2
        assert "cannot be read: No such file" in capsys.readouterr().err

    def test_the_other_api(self) -> None:
        """A specification is compared only with the catalogue of its own API."""
        with pytest.raises(UsageError, match="suppliers API, not of the customers API"):
            differences(specification(), catalogue_of("customers"))


@pytest.mark.parametrize("api", ["suppliers", "customers"])
class TestWholeApis:
    """Specifications of whole APIs, built from the facts of the catalogue, are compared."""

    def test_no_differences(self, api: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """A specification without differences ends the command with exit code 0."""
        catalogue = catalogue_of(api)
        path = tmp_path / "swagger.json"
        path.write_text(json.dumps(specification_of(catalogue)))

        assert run(["catalogue", str(path)]) == 0
        assert capsys.readouterr().out == (
            f"no difference between the catalogue and the specification of the {api} API, {catalogue.version}\n"
        )

    def test_differences(self, api: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Differences are listed by topic or as JSON, with exit code 1."""
        document = specification_of(catalogue_of(api))
        document["paths"].pop("/contracts/current-max-sequence")
        orders = fields(document, "SalesOrder")
        orders["auctionClock"] = {"type": "integer", "format": "int32"}
        document["definitions"]["SalesOrder"]["required"].remove("numberOfPieces")
        orders["status"]["enum"].append("LOST")
        path = tmp_path / "swagger.json"
        path.write_text(json.dumps(document))

        assert run(["catalogue", str(path)]) == 1
        text = capsys.readouterr().out
        assert run(["catalogue", str(path), "--format", "json"]) == 1
        listed = json.loads(capsys.readouterr().out)

        assert [line for line in text.splitlines() if line in list(Topic)] == ["operations", "fields", "values"]
        assert text.splitlines()[-1].startswith("4 differences between the catalogue and the specification")
        assert [(row["change"], row["where"], row["specification"]) for row in listed] == [
            ("max-sequence", "orders.contracts", "–"),
            ("new", "SalesOrder.auctionClock", "int32, optional"),
            ("now optional", "SalesOrder.numberOfPieces", "optional"),
            ("new", "SalesOrder.status", "LOST"),
        ]
