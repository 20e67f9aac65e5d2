"""Two versions of one API side by side, with an invented catalogue of each: a warehouse moves from one to the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pipelines import catalogue as catalogue_module
from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.types import Feed, Int64, Record, Text, Uuid, field
from pipelines.cli.entry import run
from pipelines.floriday.endpoints import Endpoint
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from tests.command_line import Printed

FIRST, SECOND = "2026v1", "2026v2"
OLD_NAME, NEW_NAME = "catalog.plants", "supply.crops"
KEYS = [f"0aa7e2a0-51a4-4b1a-9f0e-{number:012d}" for number in range(5)]


class Pot(Record):
    """A pot of a plant."""

    size: Int64 = field("diameter in centimetres")


class Plant(Record):
    """A plant, as the first version serves it."""

    plant_id: Uuid = field("Floriday's identifier of the plant")
    sequence_number: Int64 = field("number of this state in the feed")
    image: Text | None = field("address of the picture", json="imageUrl")
    grower: Text | None = field("name of the grower", json="growerName", personal=True)
    pots: list[Pot] = field("pots of the plant")


class NewPot(Record):
    """A pot of a plant."""

    size: Int64 = field("diameter in centimetres", json="diameter", formerly=("size",))
    material: Text | None = field("what it is made of")


class Crop(Record):
    """A plant, as the second version serves it."""

    plant_id: Uuid = field("Floriday's identifier of the plant")
    sequence_number: Int64 = field("number of this state in the feed")
    image: Text | None = field("address of the picture", json="imageId", formerly=("imageUrl",))
    grower: Text | None = field("name of the grower", json="producer", personal=True, formerly=("growerName",))
    pots: list[NewPot] = field("pots of the plant", json="containers", formerly=("pots",))
    colour: Text | None = field("colour of the flower")


class Tool(Record):
    """A tool, which both versions serve alike."""

    tool_id: Uuid = field("Floriday's identifier of the tool")
    sequence_number: Int64 = field("number of this state in the feed")


PLANTS = Feed("catalog", "plants", Plant, ("plant_id",), Endpoint("/plants"), scope="catalog:read")
CROPS = Feed("supply", "crops", Crop, ("plant_id",), Endpoint("/crops"), scope="supply:read", formerly=(OLD_NAME,))
TOOLS = Feed("catalog", "tools", Tool, ("tool_id",), Endpoint("/tools"), scope="catalog:read")
BULBS = Feed("catalog", "bulbs", Tool, ("tool_id",), Endpoint("/bulbs"), scope="catalog:read")
"""A feed that the second version does not have."""
SEEDS = Feed("catalog", "seeds", Tool, ("tool_id",), Endpoint("/seeds"), scope="catalog:read")
"""A feed that the first version does not have."""


def plant(number: int, **others: object) -> dict[str, Any]:
    """Return a plant of the first version, with a field that only the second one has a column for."""
    return {
        "plantId": KEYS[number],
        "imageUrl": f"picture {number}",
        "growerName": "Rosa",
        "pots": [{"size": 12}, {"size": number}],
        "colour": "red" if number == 1 else None,
        **others,
    }


def crop(number: int, **others: object) -> dict[str, Any]:
    """Return the same plant as the second version serves it."""
    served = plant(number)
    return {
        "plantId": served["plantId"],
        "imageId": served["imageUrl"],
        "producer": served["growerName"],
        "containers": [{"diameter": pot["size"]} for pot in served["pots"]],
        "colour": served["colour"],
        **others,
    }


@pytest.fixture(autouse=True, scope="module")
def both_versions() -> Iterator[None]:
    """Replace the catalogues of the Suppliers API by two invented ones."""
    both = (
        Catalogue("suppliers", FIRST, (PLANTS, TOOLS, BULBS)),
        Catalogue("suppliers", SECOND, (CROPS, TOOLS, SEEDS)),
    )
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setitem(catalogue_module.CATALOGUES, "suppliers", both)
        monkeypatch.setenv("FLORIDAY_PUBLISHED", "off")
        monkeypatch.setenv("FLORIDAY_WAREHOUSE", "w.duckdb")
        yield


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@contextmanager
def serving(version: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A server of one version with the same records, named in the settings."""
    with Sandbox(empty=True, version=version) as sandbox:
        name, record = (OLD_NAME, plant) if version == FIRST else (NEW_NAME, crop)
        for number in range(4):
            sandbox.book(name).put(record(number), number=10 * (number + 1))
        sandbox.book(TOOLS.name).put({"toolId": KEYS[0]}, number=7)
        for variable, value in sandbox.environment().items():
            monkeypatch.setenv(variable, value)
        yield sandbox


def rows(sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query of the warehouse."""
    with Warehouse(Path("w.duckdb")).reading() as connection:
        return connection.execute(sql).fetchall()


def read_a_month_ago() -> None:
    """Change the times of all reads, so that no page counts as read recently, which the next sync would read again."""
    with Warehouse(Path("w.duckdb")).writing() as connection:
        connection.execute(
            "UPDATE sync.windows SET started_at = started_at - INTERVAL 30 DAY,"
            " committed_at = committed_at - INTERVAL 30 DAY"
        )


def stored(table: str) -> list[tuple[Any, ...]]:
    """Return what is stored of each plant, with its pots."""
    pots = "plant_pots" if table == OLD_NAME else "crop_pots"
    schema = table.partition(".")[0]
    return rows(
        f"SELECT CAST(plant_id AS VARCHAR), sequence_number, image, grower,"
        f" (SELECT list(size ORDER BY position) FROM {schema}.{pots} p WHERE p.plant_id = t.plant_id)"
        f" FROM {table} t ORDER BY plant_id"
    )


def content() -> list[tuple[Any, ...]]:
    """Return what is expected of the four plants."""
    return [(KEYS[n], 10 * (n + 1), f"picture {n}", "Rosa", [12, n]) for n in range(4)]


@pytest.fixture(scope="module")
def moved_file(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[str]]:
    """A warehouse that was filled from the first version and then synced with the second; and that sync's calls."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(tmp_path_factory.mktemp("moved"))
        with serving(FIRST, monkeypatch) as first:
            assert run(["sync"]) == 0
            for number, changes in ((41, {"imageUrl": "older picture"}), (42, {})):
                first.book(OLD_NAME).put(plant(3, **changes), number=number)
                assert run(["sync"]) == 0
            read_a_month_ago()
        with serving(SECOND, monkeypatch) as second:
            second.book(NEW_NAME).put(crop(3), number=42)
            second.book(NEW_NAME).put(crop(4, colour="blue"), number=50)
            assert run(["sync"]) == 0
            return Path("w.duckdb").read_bytes(), [call.path for call in second.calls]


@pytest.fixture
def moved(moved_file: tuple[bytes, list[str]], folder: Path) -> list[str]:
    """That warehouse in the folder of the test; returns the calls."""
    content, calls = moved_file
    (folder / "w.duckdb").touch(mode=0o600)
    (folder / "w.duckdb").write_bytes(content)
    return calls


def test_a_renamed_feed_continues_at_its_cursor(moved: list[str]) -> None:
    """The sync asks for changes since the cursor of the former name, and reads only the new record."""
    asked = [path for path in moved if "/crops/sync/" in path]

    assert asked
    assert all(int(path.rpartition("/")[2]) >= 40 for path in asked)
    assert rows("SELECT feed, cursor FROM sync.cursors ORDER BY feed") == [
        (BULBS.name, 0),
        (SEEDS.name, 0),
        (TOOLS.name, 7),
        (NEW_NAME, 50),
    ]
    assert rows("SELECT DISTINCT feed FROM sync.windows WHERE feed LIKE '%plants'") == []


@pytest.mark.usefixtures("moved")
def test_every_record_keeps_its_values() -> None:
    """Rows have the values of renamed fields, in nested records too, and the numbers that they had."""
    expected = content()
    expected[3] = (KEYS[3], 42, "picture 3", "Rosa", [12, 3])

    assert stored(NEW_NAME) == [*expected, (KEYS[4], 50, "picture 4", "Rosa", [12, 4])]
    assert rows("SELECT count(*) FROM raw.crops") == [(7,)]
    assert rows(f"SELECT image FROM history.crops WHERE plant_id = '{KEYS[3]}' ORDER BY version") == [
        ("picture 3",),
        ("older picture",),
        ("picture 3",),
    ]


@pytest.mark.usefixtures("moved")
def test_a_new_column_has_what_the_raw_log_holds() -> None:
    """A field that the first version had no column for is read from the stored records."""
    colours = dict(rows("SELECT CAST(plant_id AS VARCHAR), colour FROM supply.crops"))

    assert colours == {KEYS[0]: None, KEYS[1]: "red", KEYS[2]: None, KEYS[3]: None, KEYS[4]: "blue"}


@pytest.mark.usefixtures("moved")
def test_no_table_has_the_former_name() -> None:
    """No table has the former name; a feed that the new version does not have keeps its tables."""
    names = {f"{schema}.{name}" for schema, name in rows("SELECT schema_name, table_name FROM duckdb_tables()")}

    assert {name for name in names if "plant" in name} == set()
    assert {"catalog.bulbs", "catalog.tools", "catalog.seeds", "raw.bulbs"} <= names
    assert rows("SELECT layout_version, api_version FROM sync.settings")[0][1] == SECOND


@pytest.mark.usefixtures("moved")
def test_an_idle_sync_changes_nothing(monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    """After the move, a sync with nothing new writes no table again."""
    before = rows("SELECT * FROM history.crops ORDER BY ALL")
    with serving(SECOND, monkeypatch) as second:
        second.book(NEW_NAME).put(crop(3), number=42)
        second.book(NEW_NAME).put(crop(4, colour="blue"), number=50)
        code, out, _ = printed("sync")

    assert code == 0
    assert "0 new" in out
    assert rows("SELECT * FROM history.crops ORDER BY ALL") == before


@pytest.mark.usefixtures("moved")
def test_a_rebuild_gives_the_same_tables(printed: Printed) -> None:
    """A rebuild from the raw log, whose records have both forms, changes nothing."""
    before = stored(NEW_NAME), rows("SELECT * FROM history.crops ORDER BY ALL")

    assert printed("rebuild", "crops")[0] == 0

    assert (stored(NEW_NAME), rows("SELECT * FROM history.crops ORDER BY ALL")) == before


@pytest.mark.usefixtures("moved")
def test_a_warehouse_moves_back(monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    """With the first version in the settings again, the feed has its former name and columns, and loses no record."""
    with serving(FIRST, monkeypatch) as first:
        first.book(OLD_NAME).put(plant(3), number=42)
        first.book(OLD_NAME).put(plant(4), number=50)
        code, out, err = printed("sync")

    assert code == 0, (out, err)
    columns = [name for (name,) in rows("SELECT column_name FROM (DESCRIBE catalog.plants)")]
    assert "colour" not in columns
    assert len(stored(OLD_NAME)) == 5
    assert rows(f"SELECT cursor FROM sync.cursors WHERE feed = '{OLD_NAME}'") == [(50,)]
    assert (OLD_NAME, 5) in rows("SELECT feed, records FROM sync.row_counts")


def test_a_failed_move_changes_nothing(monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    """If the raw log cannot be read with the new catalogue, the warehouse stays as it is, and the old version works."""
    with serving(FIRST, monkeypatch):
        assert printed("sync")[0] == 0
    before = stored(OLD_NAME)

    class Stricter(Crop):
        """A plant whose size of a pot is no number any more."""

        image: Int64 | None = field("number of the picture", json="imageId", formerly=("imageUrl",))  # type: ignore[assignment]

    strict = Feed(
        "supply", "crops", Stricter, ("plant_id",), Endpoint("/crops"), scope="supply:read", formerly=(OLD_NAME,)
    )
    first, _ = catalogue_module.CATALOGUES["suppliers"]
    second = Catalogue("suppliers", SECOND, (strict, TOOLS))
    monkeypatch.setitem(catalogue_module.CATALOGUES, "suppliers", (first, second))
    with serving(SECOND, monkeypatch):
        code, _, err = printed("sync")

    assert code == 1
    assert "Nothing was changed" in err
    assert stored(OLD_NAME) == before


@pytest.mark.usefixtures("moved")
def test_a_former_personal_name_is_protected(monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    """Personal data of stored records of the first version are removed from the raw log of the renamed feed too."""
    monkeypatch.setenv("FLORIDAY_PERSONAL_DATA", "drop")

    assert printed("redact")[0] == 0

    assert b"Rosa" not in Path("w.duckdb").read_bytes()
    assert rows("SELECT DISTINCT grower FROM supply.crops") == [(None,)]


def test_commands_use_the_catalogue_of_the_settings(monkeypatch: pytest.MonkeyPatch, printed: Printed) -> None:
    """Each version has its own feeds and scopes, and none of the two is reported as unknown."""
    for version, name in ((FIRST, OLD_NAME), (SECOND, NEW_NAME)):
        with serving(version, monkeypatch):
            code, out, err = printed("check", "--format", "json")

            assert code == 0
            assert name in {row["feed"] for row in json.loads(out)["feeds"]}
            assert "this program supports" not in err


def test_a_specification_is_compared_with_the_catalogue_of_its_version(folder: Path, printed: Printed) -> None:
    """`floriday catalogue` reports another version only if no catalogue has that version."""
    file = folder / "swagger.json"
    topics = {}
    for version in (FIRST, SECOND, "2027v1"):
        info = {"version": version, "description": "* This version will be main after April 2026."}
        empty = {"swagger": "2.0", "info": info, "basePath": f"/suppliers-api-{version}", "paths": {}}
        file.write_text(json.dumps({**empty, "definitions": {}}))
        found = json.loads(printed("catalogue", str(file), "--format", "json")[1])
        topics[version] = {(row["topic"], row["where"]) for row in found}

    assert ("version", "version") not in topics[FIRST] | topics[SECOND]
    assert ("version", "version") in topics["2027v1"]
    assert ("feeds", OLD_NAME) in topics[FIRST]
    assert ("feeds", NEW_NAME) in topics[SECOND]


@pytest.mark.usefixtures("moved")
def test_tables_and_status_use_the_catalogue_of_the_warehouse(printed: Printed) -> None:
    """Commands that only read the warehouse know the feeds of the version that it was last synced with."""
    code, out, _ = printed("status", "--offline", "--format", "json")

    assert code == 0
    assert NEW_NAME in out
    assert OLD_NAME not in out
    assert "What it is made of" in printed("tables", "crop_pots")[1]


@pytest.mark.parametrize(
    ("version", "expected"), [(None, SECOND), (FIRST, FIRST), (SECOND, SECOND), ("2025v2", FIRST), ("2027v1", SECOND)]
)
def test_a_version_without_a_catalogue_gets_the_one_before(version: str | None, expected: str) -> None:
    """A newer version gets the newest catalogue, and one that is older than all the oldest."""
    assert catalogue_of("suppliers", version).version == expected
