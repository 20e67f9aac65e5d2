"""Groups of accounts: what the setting accepts, and what a cell has of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import SettingError, UsageError
from pipelines.lake_address import LakeAddress, LakeCells
from pipelines.settings import LocalSettings, Settings, load_local_settings, load_settings
from pipelines.settings.overrides import overriding

LAKE = {"WAREHOUSE": "ducklake:postgres:dbname=floriday host=db.example", "LAKE_DATA": "lake"}
CELLS = '{"a": ["north", "west"], "b": ["south"]}'
FLORIDAY = {
    "BASE_URL": "https://api.staging.floriday.io/suppliers-api-2026v1",
    "AUTH_URL": "https://idm.staging.floriday.io/oauth2/token",
    "CLIENT_ID": "id",
    "CLIENT_SECRET": "secret",
    "API_KEYS": '{"north": "key1", "south": "key2", "west": "key3"}',
}


def local(folder: Path, **settings: str) -> LocalSettings:
    """Return the settings of local commands."""
    return load_local_settings({f"FLORIDAY_{name}": text for name, text in settings.items()}, folder, dotenv=False)


def complete(folder: Path, **settings: str) -> Settings:
    """Return the settings for calls to Floriday."""
    variables = {f"FLORIDAY_{name}": text for name, text in (FLORIDAY | settings).items()}
    return load_settings(variables, folder, dotenv=False)


def test_a_cell_has_a_schema_and_a_folder_of_its_own(tmp_path: Path) -> None:
    """Both names end with the name of the cell."""
    lake = local(tmp_path, **LAKE, CELLS=CELLS).in_cell("b").warehouse

    assert isinstance(lake, LakeAddress)
    assert (lake.schema, lake.data) == ("floriday_b", f"{tmp_path}/lake/b/")


def test_without_a_cell_readers_get_all(tmp_path: Path) -> None:
    """The address is that of all cells, and says so."""
    settings = local(tmp_path, **LAKE, CELLS=CELLS)

    assert isinstance(settings.warehouse, LakeCells)
    assert settings.cell_names == ("a", "b")
    assert str(settings.warehouse).endswith("schema floriday, cells a, b")


def test_a_cell_has_its_accounts_alone(tmp_path: Path) -> None:
    """Of the API keys, a cell has those of its accounts."""
    assert list(complete(tmp_path, **LAKE, CELLS=CELLS).in_cell("a").accounts) == ["north", "west"]


@pytest.mark.parametrize("warehouse", [{}, LAKE], ids=["file", "lake"])
def test_a_warehouse_without_cells_is_the_cell_main(warehouse: dict[str, str], tmp_path: Path) -> None:
    """It can be named, and is the whole warehouse."""
    settings = local(tmp_path, **warehouse)

    assert settings.in_cell("main") == settings
    with pytest.raises(UsageError, match="there is no cell 'a'; there are: main"):
        settings.in_cell("a")


def test_the_option_chooses_a_cell(tmp_path: Path) -> None:
    """With ``--cell``, all settings are those of the cell."""
    with overriding(None, None, "b"):
        assert complete(tmp_path, **LAKE, CELLS=CELLS).accounts.keys() == {"south"}
        assert isinstance(local(tmp_path, **LAKE, CELLS=CELLS).warehouse, LakeAddress)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("a, b", "expects a JSON object of cells"),
        ("{}", "expects a JSON object of cells"),
        ("[]", "expects a JSON object of cells"),
        ('{"a": "north"}', "expects a JSON object of cells"),
        ('{"a": []}', "expects a JSON object of cells"),
        ('{"a": [1]}', "expects a JSON object of cells"),
        ('{"A": ["north"]}', "expects a JSON object of cells"),
        ('{"a b": ["north"]}', "expects a JSON object of cells"),
        (f'{{"{"a" * 55}": ["north"]}}', "at most 54 of them"),
        ('{"a": ["north"], "b": ["north"]}', "names the account north twice"),
        ('{"a": ["north"], "a": ["south"]}', "names the cell a twice"),
        ('{"a": [" north"]}', "expects account names"),
    ],
)
def test_wrong_cells_are_explained(cells: str, expected: str, tmp_path: Path) -> None:
    """The error names the setting, and says what it expects."""
    with pytest.raises(SettingError, match="FLORIDAY_CELLS") as caught:
        local(tmp_path, **LAKE, CELLS=cells)

    assert expected in str(caught.value)


def test_a_file_has_no_cells(tmp_path: Path) -> None:
    """Cells are lakes."""
    with pytest.raises(SettingError, match="FLORIDAY_WAREHOUSE expects ducklake:postgres:… beside FLORIDAY_CELLS"):
        local(tmp_path, CELLS=CELLS)


@pytest.mark.parametrize("name", ["LAKE_DATA", "LAKE_SCHEMA"])
def test_settings_of_a_lake_are_not_ignored_for_a_file(name: str, tmp_path: Path) -> None:
    """Where only the address of the lake was forgotten, no new file is made in its place."""
    expected = f"FLORIDAY_WAREHOUSE expects ducklake:postgres:… beside FLORIDAY_{name}"
    with pytest.raises(SettingError, match=expected):
        local(tmp_path, **{name: "other"})


def test_each_account_with_a_key_has_a_cell(tmp_path: Path) -> None:
    """Otherwise it would never be synced."""
    with pytest.raises(SettingError, match="FLORIDAY_CELLS names no cell for west"):
        complete(tmp_path, **LAKE, CELLS='{"a": ["north"], "b": ["south"]}')


def test_accounts_without_a_key_are_named_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """They are not synced from here, which is no error: other workers may have their keys."""
    cells = '{"a": ["north", "east"], "b": ["south", "west"], "c": ["far"]}'
    for _ in range(2):
        complete(tmp_path, **LAKE, CELLS=cells)

    assert caplog.messages == [
        "FLORIDAY_API_KEYS has no key of east (cell a), far (cell c): not synced from here",
    ]


def test_a_cell_without_any_key_cannot_be_chosen(tmp_path: Path) -> None:
    """There would be nothing to sync."""
    expected = r"FLORIDAY_API_KEYS has no key of an account of cell c \(far\)"
    with overriding(None, None, "c"), pytest.raises(SettingError, match=expected):
        complete(tmp_path, **LAKE, CELLS='{"a": ["north", "south", "west"], "c": ["far"]}')
