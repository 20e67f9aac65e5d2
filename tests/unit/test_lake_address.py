"""The address of a lake: what the settings accept, and what is shown of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import SettingError
from pipelines.lake_address import LakeAddress
from pipelines.settings import LocalSettings, load_local_settings

CATALOGUE = "ducklake:postgres:dbname=floriday host=db.example user=writer"


def loaded(folder: Path, **settings: str) -> LocalSettings:
    """Return the settings of a project in a folder."""
    variables = {f"FLORIDAY_{name}": value for name, value in settings.items()}
    return load_local_settings(variables, folder, dotenv=False)


def test_a_lake_has_a_catalogue_a_folder_and_a_schema(tmp_path: Path) -> None:
    """A relative folder starts from the project, and the schema has a default."""
    lake = loaded(tmp_path, WAREHOUSE=CATALOGUE, LAKE_DATA="lake").warehouse

    assert isinstance(lake, LakeAddress)
    assert lake.attach_string == CATALOGUE
    assert (lake.data, lake.schema, lake.is_remote) == (f"{tmp_path}/lake/", "floriday", False)


def test_files_beside_a_lake_are_in_the_folder_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dashboard of a lake is below the folder of the `.env` file, wherever a command is started."""
    (tmp_path / ".env").write_text(f"FLORIDAY_WAREHOUSE={CATALOGUE}\nFLORIDAY_LAKE_DATA=s3://flowers/lake\n")
    (started := tmp_path / "below").mkdir()
    monkeypatch.chdir(started)

    assert load_local_settings({}, tmp_path).beside == tmp_path / "data" / "floriday.lake"
    assert load_local_settings({}, started).beside == tmp_path / "data" / "floriday.lake"


def test_a_bucket_is_no_path(tmp_path: Path) -> None:
    """``s3://bucket/prefix`` is used as it is."""
    lake = loaded(tmp_path, WAREHOUSE=CATALOGUE, LAKE_DATA="s3://flowers/lake", LAKE_SCHEMA="north").warehouse

    assert isinstance(lake, LakeAddress)
    assert (lake.data, lake.schema, lake.is_remote) == ("s3://flowers/lake/", "north", True)


def test_the_text_of_a_lake_names_the_place_only(tmp_path: Path) -> None:
    """Messages show database, host and schema, and neither the user nor anything that follows."""
    lake = loaded(tmp_path, WAREHOUSE=f"{CATALOGUE} sslkey=/etc/secret", LAKE_DATA="lake").warehouse

    assert str(lake) == "ducklake:postgres:dbname=floriday host=db.example, schema floriday"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"WAREHOUSE": "ducklake:lake.sqlite", "LAKE_DATA": "lake"}, "expects ducklake:postgres:dbname="),
        ({"WAREHOUSE": "ducklake:postgres:floriday", "LAKE_DATA": "lake"}, "pairs such as dbname="),
        ({"WAREHOUSE": "ducklake:postgres:host=localhost", "LAKE_DATA": "lake"}, "expects dbname="),
        ({"WAREHOUSE": f"{CATALOGUE} password=hunter2", "LAKE_DATA": "lake"}, "PGPASSFILE"),
        ({"WAREHOUSE": CATALOGUE}, "expects FLORIDAY_LAKE_DATA beside it"),
        ({"WAREHOUSE": CATALOGUE, "LAKE_DATA": "gs://bucket/lake"}, "FLORIDAY_LAKE_DATA expects a folder or s3://"),
        ({"WAREHOUSE": CATALOGUE, "LAKE_DATA": "s3://B/"}, "FLORIDAY_LAKE_DATA expects s3://bucket/prefix"),
        ({"WAREHOUSE": CATALOGUE, "LAKE_DATA": "lake", "LAKE_SCHEMA": "a b"}, "FLORIDAY_LAKE_SCHEMA expects a name"),
        ({"WAREHOUSE": CATALOGUE, "LAKE_DATA": "lake", "PUBLISHED": "copy.duckdb"}, "FLORIDAY_PUBLISHED expects off"),
    ],
)
def test_a_wrong_address_is_explained(settings: dict[str, str], expected: str, tmp_path: Path) -> None:
    """The error names the setting and what it expects, and shows no value of it."""
    with pytest.raises(SettingError) as raised:
        loaded(tmp_path, **settings)

    assert expected in raised.value.message
    assert "hunter2" not in raised.value.message
    assert "db.example" not in raised.value.message


def test_a_lake_needs_no_published_copy(tmp_path: Path) -> None:
    """Without the setting, and with ``off``, there is none."""
    for published in ({}, {"PUBLISHED": "off"}):
        assert loaded(tmp_path, WAREHOUSE=CATALOGUE, LAKE_DATA="lake", **published).published is None
