"""`floriday up` uses Floriday or the sandbox, and passes the matching settings to Dagster."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.cli import sandbox_or_floriday
from pipelines.cli.sandbox_or_floriday import check, dagster_variables, has_credentials, with_sandbox
from pipelines.errors import SettingError, UsageError, WarehouseBusyError
from pipelines.warehouse.file.sync_lock import hold_sync_lock

COMPLETE = {
    "FLORIDAY_CLIENT_ID": "client-1",
    "FLORIDAY_CLIENT_SECRET": "s3cr3t",
    "FLORIDAY_API_KEY": "k3y",
    "FLORIDAY_AUTH_URL": "https://idm.staging.floriday.io/oauth2/id/v1/token",
    "FLORIDAY_BASE_URL": "https://api.staging.floriday.io/suppliers-api-2026v1",
}
OTHER_SETTINGS = {"FLORIDAY_FEEDS": "batches", "FLORIDAY_AUTOMATION": "off", "FLORIDAY_WAREHOUSE": "mine.duckdb"}


@pytest.mark.parametrize("name", [*COMPLETE, "FLORIDAY_API_KEYS", "FLORIDAY_CLIENT_SECRET_FILE"])
def test_any_credential_selects_floriday(name: str) -> None:
    """A single setting that is needed to call Floriday, or its file, selects Floriday."""
    assert has_credentials({name: "x", **OTHER_SETTINGS})


def test_no_credential_selects_the_sandbox(tmp_path: Path) -> None:
    """Without credentials the sandbox is used, whatever other settings are set, and for either API."""
    assert not has_credentials(OTHER_SETTINGS)
    for api in (None, "suppliers", "customers"):
        check(OTHER_SETTINGS, tmp_path, api)


def test_incomplete_credentials_are_an_error(tmp_path: Path) -> None:
    """The error for incomplete credentials names the missing ones, and how to use the sandbox."""
    half = {name: COMPLETE[name] for name in ("FLORIDAY_CLIENT_ID", "FLORIDAY_BASE_URL")}

    with pytest.raises(SettingError) as caught:
        check(half, tmp_path, None)

    line = str(caught.value)
    assert all(f"{name} is missing" in line for name in COMPLETE.keys() - half.keys())
    assert not any(f"{name} is missing" in line for name in half)
    assert line.endswith("Without any credentials, `floriday up` uses the sandbox")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"FLORIDAY_AUTH_URL": "ftp://x"}, "FLORIDAY_AUTH_URL does not start with https://"),
        ({"FLORIDAY_FEEDS": "flowers"}, "FLORIDAY_FEEDS: "),
    ],
    ids=["address", "feed"],
)
def test_malformed_settings_are_an_error_before_the_start(
    changes: dict[str, str], message: str, tmp_path: Path
) -> None:
    """The error for a malformed setting does not mention the sandbox."""
    with pytest.raises(SettingError) as caught:
        check({**COMPLETE, **changes}, tmp_path, None)

    assert str(caught.value).startswith(message)
    assert "sandbox" not in str(caught.value)


@pytest.mark.parametrize(("variables", "api"), [({}, "buyers"), (COMPLETE, "customers")], ids=["unknown", "no sandbox"])
def test_the_api_option_is_for_the_sandbox(variables: dict[str, str], api: str, tmp_path: Path) -> None:
    """An unknown API is refused, and so is the option with credentials, whose settings name the API."""
    with pytest.raises(UsageError, match="--api is"):
        check(variables, tmp_path, api)


def test_automation_is_on_by_default(tmp_path: Path) -> None:
    """With credentials, Dagster gets all settings unchanged, and automation is on unless it is set."""
    with dagster_variables(COMPLETE, tmp_path, None) as variables:
        assert variables == {**COMPLETE, "FLORIDAY_AUTOMATION": "on"}
    with dagster_variables({**COMPLETE, **OTHER_SETTINGS}, tmp_path, None) as variables:
        assert variables == {**COMPLETE, **OTHER_SETTINGS}
    assert list(tmp_path.iterdir()) == []


def test_the_sandbox_has_its_own_files(tmp_path: Path) -> None:
    """The sandbox uses its own warehouse and copy, and all other settings unchanged."""
    own = tmp_path / "sandbox.duckdb"

    variables = with_sandbox(COMPLETE, own, {**OTHER_SETTINGS, "FLORIDAY_PUBLISHED": "mine.published.duckdb"})

    assert variables == {
        **COMPLETE,
        "FLORIDAY_FEEDS": "batches",
        "FLORIDAY_AUTOMATION": "off",
        "FLORIDAY_WAREHOUSE": str(own),
    }


@pytest.mark.slow
def test_the_sandboxs_warehouse_is_deleted_first(tmp_path: Path) -> None:
    """The files of an earlier sandbox are deleted, unless a sync still runs on them."""
    warehouse = tmp_path / sandbox_or_floriday.WAREHOUSES["customers"]
    files = [warehouse.with_name(name) for name in ("sandbox-customers.duckdb", "sandbox-customers.duckdb.wal")]
    files.append(warehouse.with_name("sandbox-customers.published.duckdb"))
    warehouse.parent.mkdir()
    for path in files:
        path.touch()

    with (
        hold_sync_lock(warehouse, "a run"),
        pytest.raises(WarehouseBusyError, match="a run"),
        dagster_variables({}, tmp_path, "customers"),
    ):
        pass
    kept = [path.exists() for path in files]
    with dagster_variables({}, tmp_path, "customers") as variables:
        remaining = [path for path in files if path.exists()]

    assert kept == [True, True, True]
    assert remaining == []
    assert variables["FLORIDAY_WAREHOUSE"] == str(warehouse)
    assert "/customers-api-" in variables["FLORIDAY_BASE_URL"]
