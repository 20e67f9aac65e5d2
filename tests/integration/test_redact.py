"""``floriday redact`` applies the setting to stored personal data, or erases one person, in a rewritten file."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from pipelines.cli.entry import run
from pipelines.errors import SettingError
from pipelines.normalize.personal import keyed_hash
from pipelines.sandbox import Sandbox
from pipelines.warehouse.privacy import redact
from tests.examples import cases
from tests.integration.personal_orders import (
    DROP,
    FEEDS,
    HASH,
    JAN,
    KEY,
    ORDERS,
    PIET,
    REMARK,
    all_stored,
    all_values,
    places_of,
    sandbox_with_people,
    stored,
    synced_by_treatment,
)
from tests.integration.syncing import Syncing
from tests.warehouses import KIND, Saved, state_at

pytestmark = pytest.mark.both_kinds

WITH_KEY: dict[str, Any] = {"FLORIDAY_PERSONAL_DATA_KEY": KEY}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Records of a few people, which the tests do not change."""
    with sandbox_with_people() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def synced(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Saved]:
    """A synced warehouse for each treatment of personal data."""
    return synced_by_treatment(sandbox, tmp_path_factory.mktemp)


class RedactedWarehouse(Syncing):
    """A warehouse, and ``floriday redact`` for it."""

    def redact(self, *arguments: str, **settings: str) -> int:
        """Run ``floriday redact`` with these settings, and return the exit code."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {**self.warehouse_settings, **settings}.items():
                patch.setenv(name, value)
            patch.chdir(self.path.parent)
            return run(["redact", *arguments])


@pytest.fixture
def warehouse(synced: dict[str, Saved], sandbox: Sandbox, tmp_path: Path) -> Callable[[str], RedactedWarehouse]:
    """Create the warehouse of a treatment, and the published copy of a file."""

    def create(treatment: str) -> RedactedWarehouse:
        if KIND == "file":
            (tmp_path / "w.duckdb").touch(mode=0o600)
            synced[treatment].restore(tmp_path / "w.published.duckdb")
        synced[treatment].restore(tmp_path / "w.duckdb")
        return RedactedWarehouse(sandbox, tmp_path / "w.duckdb", only=FEEDS)

    return create


@pytest.fixture
def expected(synced: dict[str, Saved], sandbox: Sandbox, tmp_path: Path) -> Callable[[str], Syncing]:
    """Create a warehouse that was synced with a treatment from the beginning."""

    def create(treatment: str) -> Syncing:
        (folder := tmp_path / "expected").mkdir()
        synced[treatment].restore(folder / "w.duckdb")
        return Syncing(sandbox, folder / "w.duckdb", only=FEEDS)

    return create


def files(syncing: Syncing) -> list[str]:
    """The names of the database files, without those of the lock, and without the folder of a lake."""
    return sorted(path.name for path in syncing.path.parent.glob("w.*") if path.suffix not in {".lock", ".parquet"})


WITH_COPY = {"file": ["w.duckdb", "w.published.duckdb"], "lake": []}[KIND]
"""The names of the database files of a warehouse with a published copy."""


CreateWarehouse = Callable[[str], RedactedWarehouse]
CreateExpected = Callable[[str], Syncing]


def test_values_are_hashed(warehouse: CreateWarehouse, expected: CreateExpected) -> None:
    """After redacting to ``hash``, the warehouse equals one that was synced so, and the next sync changes nothing.

    This holds for a warehouse of a version that did not store the treatment. An old published copy is removed.
    """
    syncing = warehouse("keep")
    with syncing.pipeline() as pipeline, pipeline.warehouse.writing() as connection:
        connection.execute("DROP TABLE sync.personal_data")
        connection.execute("DROP TABLE sync.erased")

    assert syncing.redact(**HASH, FLORIDAY_PUBLISHED="off") == 0

    assert stored(syncing) == stored(expected("hash"))
    assert files(syncing) == WITH_COPY[:1]
    outcome = syncing.sync(ORDERS, full=True, **HASH)["main", ORDERS]
    assert (outcome.records, outcome.new, outcome.changed) == (5, 0, 0)


@cases("before", ["keep", "hash"], quick=1)
def test_values_are_dropped(warehouse: CreateWarehouse, expected: CreateExpected, before: str) -> None:
    """After redacting to ``drop``, the warehouse equals one that was synced so, and no file contains the values."""
    syncing = warehouse(before)
    value = JAN if before == "keep" else keyed_hash(SecretStr(KEY), JAN)
    assert set(places_of(syncing, value)) >= set(WITH_COPY)
    assert places_of(syncing, value)

    assert syncing.redact(**DROP) == 0

    assert stored(syncing) == stored(expected("drop"))
    assert places_of(syncing, value) == []
    assert value not in all_stored(syncing)
    assert files(syncing) == WITH_COPY
    for name in files(syncing):
        path = syncing.path.with_name(name)
        assert value not in all_values(path)
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("before", "settings", "message"),
    [
        ("hash", {}, "FLORIDAY_PERSONAL_DATA_KEY is missing"),
        (
            "hash",
            WITH_KEY,
            "the warehouse holds hashes, which cannot be turned back: set hash again, or remove them",
        ),
        ("hash", {**HASH, "FLORIDAY_PERSONAL_DATA_KEY": KEY[::-1]}, "is not the key with which the warehouse's hashes"),
    ],
)
def test_impossible_redactions_are_refused(
    warehouse: CreateWarehouse, before: str, settings: dict[str, str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Hashes cannot be turned into values, or into hashes with another key."""
    syncing = warehouse(before)
    before_it = state_at(syncing.path)

    assert syncing.redact(**settings) == 2

    assert message in capsys.readouterr().err
    assert state_at(syncing.path) == before_it


def test_dropped_values_are_read_again(warehouse: CreateWarehouse, capsys: pytest.CaptureFixture[str]) -> None:
    """Dropped values are read again by a full sync, as new versions."""
    syncing = warehouse("drop")

    assert syncing.redact(**HASH) == 0
    assert "`floriday sync --full` reads again what Floriday still serves" in capsys.readouterr().out
    assert syncing.sync(ORDERS, **HASH)["main", ORDERS].changed == 0

    assert syncing.sync(ORDERS, full=True, **HASH)["main", ORDERS].changed == 3
    assert syncing.rows("SELECT count(DISTINCT created_by_user_name) FROM orders.sales_orders") == [(2,)]


def test_nothing_to_do(warehouse: CreateWarehouse, capsys: pytest.CaptureFixture[str]) -> None:
    """Without work, and with ``--dry-run``, which counts the values, nothing is written."""
    syncing = warehouse("keep")
    before = state_at(syncing.path)

    assert (syncing.redact(), syncing.redact("--dry-run", **DROP)) == (0, 0)

    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("nothing to do: personal data are kept in ")
    assert sorted(line.split() for line in out[2:-1]) == [
        ["fulfillment.track_and_trace_scans", "3", "3", "1", "0"],
        ["orders.sales_order_correction_requests", "2", "2", "1", "0"],
        ["orders.sales_order_mutations", "3", "3", "0", "0"],
        ["orders.sales_orders", "4", "4", "3", "2"],
    ]
    assert out[-1] == "nothing was written"
    assert state_at(syncing.path) == before


NAMES = "SELECT created_by_user_name FROM {}.sales_orders ORDER BY 1 NULLS FIRST"


def test_one_person_is_erased(
    warehouse: CreateWarehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One person is erased from all fields and stays erased in later syncs, and other people stay.

    Texts that contain the name are erased with ``--containing``, in upper or lower case. A pipe can send the name.
    """
    syncing = warehouse("keep")

    assert syncing.redact("--erase", JAN, **WITH_KEY) == 0
    printed = capsys.readouterr().out
    assert "and again whenever Floriday serves it" in printed
    assert "personal data are kept" not in printed
    assert syncing.redact("--erase", JAN, **WITH_KEY) == 0
    assert "nothing to do: the text is erased in" in capsys.readouterr().out

    for schema in ("orders", "history"):
        assert syncing.rows(NAMES.format(schema)) == [(None,), (None,), (PIET,)]
    assert syncing.rows("SELECT reason FROM history.sales_order_correction_requests") == [(None,)]
    everything = all_stored(syncing)
    assert f'"{JAN}"' not in everything
    assert f"'{JAN}'" not in everything
    assert REMARK in everything

    monkeypatch.setattr("sys.stdin", StringIO(f"{JAN.upper()}\n"))
    assert syncing.redact("--erase", "-", "--containing", **WITH_KEY) == 0
    outcome = syncing.sync(ORDERS, full=True, **WITH_KEY)["main", ORDERS]

    assert (outcome.records, outcome.new, outcome.changed) == (5, 0, 0)
    assert JAN.upper() not in all_stored(syncing).upper()
    assert PIET in all_stored(syncing)


def test_a_hash_is_erased_by_name(warehouse: CreateWarehouse) -> None:
    """In a hashed warehouse a person is erased by name, and another key is refused afterwards."""
    syncing = warehouse("hash")

    assert syncing.redact("--erase", JAN, **HASH) == 0

    assert syncing.rows(NAMES.format("history")) == [(None,), (None,), (keyed_hash(SecretStr(KEY), PIET),)]
    assert keyed_hash(SecretStr(KEY), JAN) not in "".join(
        str(rows) for name, rows in stored(syncing).items() if name != "sync.erased"
    )
    with (
        pytest.raises(SettingError, match="FLORIDAY_PERSONAL_DATA_KEY"),
        syncing.pipeline(**{**HASH, "FLORIDAY_PERSONAL_DATA_KEY": KEY[::-1]}),
    ):
        pass


@pytest.mark.parametrize(
    ("arguments", "settings", "message"),
    [
        (["--erase", JAN], {}, "FLORIDAY_PERSONAL_DATA_KEY is missing: --erase expects it"),
        (["--erase", " "], WITH_KEY, "--erase expects a text that is not blank"),
        (["--containing"], WITH_KEY, "--containing needs --erase"),
        (["--erase", JAN, "--containing"], HASH, "--containing searches texts, and the warehouse has none"),
    ],
)
def test_wrong_usage(
    warehouse: CreateWarehouse,
    arguments: list[str],
    settings: dict[str, str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Wrong arguments and settings exit with code 2 and one line."""
    syncing = warehouse("hash" if settings == HASH else "keep")

    assert syncing.redact(*arguments, **settings) == 2

    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_failed_redaction_changes_nothing(
    warehouse: CreateWarehouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A redaction that fails changes neither rows, setting nor files."""
    syncing = warehouse("keep")
    before = stored(syncing)
    with monkeypatch.context() as patch:
        patch.setattr(redact, "_differing", lambda *_: ["orders.sales_orders"])
        patch.setattr(redact, "_checksum", lambda *_: object())
        assert syncing.redact(**DROP) == 1
    err = capsys.readouterr().err
    assert re.search(r"was not redacted, and is unchanged: .* in .*orders.*sales_orders", err)
    assert stored(syncing) == before
    assert files(syncing) == WITH_COPY
    with pytest.raises(SettingError), syncing.pipeline(**DROP):
        pass
