"""Which Floriday `floriday up` works on, and what Dagster is told of it."""

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
ELSEWHERE = {"FLORIDAY_FEEDS": "batches", "FLORIDAY_AUTOMATION": "off", "FLORIDAY_WAREHOUSE": "mine.duckdb"}


@pytest.mark.parametrize("name", [*COMPLETE, "FLORIDAY_API_KEYS", "FLORIDAY_CLIENT_SECRET_FILE"])
def test_anything_set_for_floriday_means_floriday(name: str) -> None:
    """A single one of the settings that calling it takes is enough, its file too."""
    assert has_credentials({name: "x", **ELSEWHERE})


def test_nothing_set_for_floriday_means_the_sandbox(tmp_path: Path) -> None:
    """Other settings change nothing about it, and both APIs may be asked for."""
    assert not has_credentials(ELSEWHERE)
    for api in (None, "suppliers", "customers"):
        check(ELSEWHERE, tmp_path, api)


def test_half_of_the_credentials_is_an_error(tmp_path: Path) -> None:
    """What is missing is named, what is there is not, and how to get the sandbox is told."""
    half = {name: COMPLETE[name] for name in ("FLORIDAY_CLIENT_ID", "FLORIDAY_BASE_URL")}

    with pytest.raises(SettingError) as caught:
        check(half, tmp_path, None)

    line = str(caught.value)
    assert all(f"{name} is missing" in line for name in COMPLETE.keys() - half.keys())
    assert not any(f"{name} is missing" in line for name in half)
    assert line.endswith("Without any credentials, `floriday up` uses the sandbox")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"FLORIDAY_AUTH_URL": "ftp://x"}, "FLORIDAY_AUTH_URL does not start with https://"),
        ({"FLORIDAY_FEEDS": "flowers"}, "FLORIDAY_FEEDS: "),
    ],
    ids=["address", "feed"],
)
def test_malformed_settings_are_told_before_anything_starts(changes: dict[str, str], told: str, tmp_path: Path) -> None:
    """They have nothing to do with the sandbox, so it is not spoken of."""
    with pytest.raises(SettingError) as caught:
        check({**COMPLETE, **changes}, tmp_path, None)

    assert str(caught.value).startswith(told)
    assert "sandbox" not in str(caught.value)


@pytest.mark.parametrize(("variables", "api"), [({}, "buyers"), (COMPLETE, "customers")], ids=["unknown", "no sandbox"])
def test_an_api_is_only_the_sandboxs(variables: dict[str, str], api: str, tmp_path: Path) -> None:
    """An unknown one is refused, and so is any where the settings name the API."""
    with pytest.raises(UsageError, match="--api is"):
        check(variables, tmp_path, api)


def test_automation_is_on_unless_set(tmp_path: Path) -> None:
    """With credentials, everything else reaches Dagster as it was set."""
    with dagster_variables(COMPLETE, tmp_path, None) as pointed:
        assert pointed == {**COMPLETE, "FLORIDAY_AUTOMATION": "on"}
    with dagster_variables({**COMPLETE, **ELSEWHERE}, tmp_path, None) as pointed:
        assert pointed == {**COMPLETE, **ELSEWHERE}
    assert list(tmp_path.iterdir()) == []


def test_the_sandbox_keeps_its_hands_off_the_users_files(tmp_path: Path) -> None:
    """Warehouse and copy are its own; other settings count there too."""
    own = tmp_path / "sandbox.duckdb"

    pointed = with_sandbox(COMPLETE, own, {**ELSEWHERE, "FLORIDAY_PUBLISHED": "mine.published.duckdb"})

    assert pointed == {
        **COMPLETE,
        "FLORIDAY_FEEDS": "batches",
        "FLORIDAY_AUTOMATION": "off",
        "FLORIDAY_WAREHOUSE": str(own),
    }


def test_the_sandboxs_warehouse_begins_anew(tmp_path: Path) -> None:
    """What an earlier sandbox left is gone, unless a sync is still under way in it."""
    warehouse = tmp_path / sandbox_or_floriday.WAREHOUSES["customers"]
    leavings = [warehouse.with_name(name) for name in ("sandbox-customers.duckdb", "sandbox-customers.duckdb.wal")]
    leavings.append(warehouse.with_name("sandbox-customers.published.duckdb"))
    warehouse.parent.mkdir()
    for path in leavings:
        path.touch()

    with (
        hold_sync_lock(warehouse, "a run"),
        pytest.raises(WarehouseBusyError, match="a run"),
        dagster_variables({}, tmp_path, "customers"),
    ):
        pass
    kept = [path.exists() for path in leavings]
    with dagster_variables({}, tmp_path, "customers") as pointed:
        remaining = [path for path in leavings if path.exists()]

    assert kept == [True, True, True]
    assert remaining == []
    assert pointed["FLORIDAY_WAREHOUSE"] == str(warehouse)
    assert "/customers-api-" in pointed["FLORIDAY_BASE_URL"]
