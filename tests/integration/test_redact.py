"""Stored personal data are brought in line with the setting, and one person is erased, in a file made anew."""

from __future__ import annotations

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
from tests.integration.personal_orders import (
    DROP,
    FEEDS,
    HASH,
    JAN,
    KEY,
    ORDERS,
    PIET,
    REMARK,
    filled,
    holds,
    stored,
    synced_by_treatment,
    told,
)
from tests.integration.syncing import Syncing

WITH_KEY: dict[str, Any] = {"FLORIDAY_PERSONAL_DATA_KEY": KEY}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A few people's records, which stay as they are."""
    with filled() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def synced(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The warehouses that a sync of them fills, by what becomes of personal data."""
    return synced_by_treatment(sandbox, tmp_path_factory.mktemp)


class Warehouse(Syncing):
    """One of them, and the command line on it."""

    def redact(self, *arguments: str, **settings: str) -> int:
        """``floriday redact`` with these settings; returns the exit code."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in {"FLORIDAY_WAREHOUSE": str(self.path), **settings}.items():
                patch.setenv(name, value)
            patch.chdir(self.path.parent)
            return run(["redact", *arguments])


@pytest.fixture
def warehouse(synced: dict[str, bytes], sandbox: Sandbox, tmp_path: Path) -> Callable[[str], Warehouse]:
    """Gives a warehouse that was filled so, and its copy for readers."""

    def give(treatment: str) -> Warehouse:
        (tmp_path / "w.duckdb").touch(mode=0o600)
        (tmp_path / "w.duckdb").write_bytes(synced[treatment])
        (tmp_path / "w.published.duckdb").write_bytes(synced[treatment])
        return Warehouse(sandbox, tmp_path / "w.duckdb", only=FEEDS)

    return give


@pytest.fixture
def truth(synced: dict[str, bytes], sandbox: Sandbox, tmp_path: Path) -> Callable[[str], Syncing]:
    """Gives a warehouse that was filled so from the beginning."""

    def give(treatment: str) -> Syncing:
        (folder := tmp_path / "truth").mkdir()
        (folder / "w.duckdb").write_bytes(synced[treatment])
        return Syncing(sandbox, folder / "w.duckdb", only=FEEDS)

    return give


def files(syncing: Syncing) -> list[str]:
    """The database's files, without those of the lock."""
    return sorted(path.name for path in syncing.path.parent.glob("w.*") if path.suffix != ".lock")


Given = Callable[[str], Warehouse]
True_ = Callable[[str], Syncing]


def test_it_is_as_if_values_had_always_been_hashed(warehouse: Given, truth: True_) -> None:
    """In a warehouse that does not even know yet how its personal data stand; the next sync finds nothing new.

    The copy for readers that nobody asks for any more is removed: it would go on holding what the warehouse has lost.
    """
    syncing = warehouse("keep")
    with syncing.pipeline() as pipeline, pipeline.warehouse.writing() as connection:
        connection.execute("DROP TABLE sync.personal_data")
        connection.execute("DROP TABLE sync.erased")

    assert syncing.redact(**HASH, FLORIDAY_PUBLISHED="off") == 0

    assert stored(syncing) == stored(truth("hash"))
    assert files(syncing) == ["w.duckdb"]
    outcome = syncing.sync(ORDERS, full=True, **HASH)["main", ORDERS]
    assert (outcome.records, outcome.new, outcome.changed) == (5, 0, 0)


@pytest.mark.parametrize("before", ["keep", "hash"])
def test_it_is_as_if_values_had_always_been_dropped(warehouse: Given, truth: True_, before: str) -> None:
    """In every table, and in every byte of the file and of the copy for readers, freed blocks among them."""
    syncing = warehouse(before)
    value = JAN if before == "keep" else keyed_hash(SecretStr(KEY), JAN)
    assert holds(syncing.path.parent, value) == ["w.duckdb", "w.published.duckdb"]

    assert syncing.redact(**DROP) == 0

    assert stored(syncing) == stored(truth("drop"))
    assert holds(syncing.path.parent, value) == []
    assert files(syncing) == ["w.duckdb", "w.published.duckdb"]
    for name in files(syncing):
        path = syncing.path.with_name(name)
        assert value not in told(path)
        assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("before", "settings", "told_so"),
    [
        ("hash", {}, "FLORIDAY_PERSONAL_DATA_KEY is missing"),
        ("hash", WITH_KEY, "the warehouse holds hashes, which cannot be turned back: set hash again, or remove them"),
        ("hash", {**HASH, "FLORIDAY_PERSONAL_DATA_KEY": KEY[::-1]}, "is not the key with which the warehouse's hashes"),
    ],
)
def test_what_cannot_be_done_is_refused(
    warehouse: Given, before: str, settings: dict[str, str], told_so: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Hashes do not become values, nor hashes under another key."""
    syncing = warehouse(before)

    assert syncing.redact(**settings) == 2

    assert told_so in capsys.readouterr().err
    assert syncing.path.read_bytes() == syncing.path.with_name("w.published.duckdb").read_bytes()


def test_what_was_dropped_comes_only_anew(warehouse: Given, capsys: pytest.CaptureFixture[str]) -> None:
    """From drop the way is open; a full sync reads again what Floriday still serves, as versions of their own."""
    syncing = warehouse("drop")

    assert syncing.redact(**HASH) == 0
    assert "`floriday sync --full` reads again what Floriday still serves" in capsys.readouterr().out
    assert syncing.sync(ORDERS, **HASH)["main", ORDERS].changed == 0

    assert syncing.sync(ORDERS, full=True, **HASH)["main", ORDERS].changed == 3
    assert syncing.rows("SELECT count(DISTINCT created_by_user_name) FROM orders.sales_orders") == [(2,)]


def test_nothing_to_do_is_said(warehouse: Given, capsys: pytest.CaptureFixture[str]) -> None:
    """And nothing is written; nor is it by --dry-run, which counts."""
    syncing = warehouse("keep")
    before = syncing.path.read_bytes()

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
    assert syncing.path.read_bytes() == before


NAMES = "SELECT created_by_user_name FROM {}.sales_orders ORDER BY 1 NULLS FIRST"


def test_one_person_is_erased_and_stays_away(warehouse: Given, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever field the name stood in; whoever else is named stays, and later syncs do not bring it back.

    The remarks with the name in them go when they are asked for, whatever the case; the name may come from a pipe.
    """
    syncing = warehouse("keep")

    assert syncing.redact("--erase", JAN, **WITH_KEY) == 0

    for schema in ("orders", "history"):
        assert syncing.rows(NAMES.format(schema)) == [(None,), (None,), (PIET,)]
    assert syncing.rows("SELECT reason FROM history.sales_order_correction_requests") == [(None,)]
    everything = told(syncing.path)
    assert f'"{JAN}"' not in everything
    assert f"'{JAN}'" not in everything
    assert REMARK in everything

    monkeypatch.setattr("sys.stdin", StringIO(f"{JAN.upper()}\n"))
    assert syncing.redact("--erase", "-", "--containing", **WITH_KEY) == 0
    outcome = syncing.sync(ORDERS, full=True, **WITH_KEY)["main", ORDERS]

    assert (outcome.records, outcome.new, outcome.changed) == (5, 0, 0)
    assert JAN.upper() not in told(syncing.path).upper()
    assert PIET in told(syncing.path)


def test_a_hash_is_erased_by_the_name(warehouse: Given) -> None:
    """What was erased is told by the key alone, so that another one is refused from then on."""
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
    ("arguments", "settings", "told_so"),
    [
        (["--erase", JAN], {}, "FLORIDAY_PERSONAL_DATA_KEY is missing: --erase expects it"),
        (["--erase", " "], WITH_KEY, "--erase expects a text that is not blank"),
        (["--containing"], WITH_KEY, "--containing needs --erase"),
        (["--erase", JAN, "--containing"], HASH, "--containing searches texts, and the warehouse has none"),
    ],
)
def test_wrong_usage(
    warehouse: Given, arguments: list[str], settings: dict[str, str], told_so: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Told in one line."""
    syncing = warehouse("hash" if settings == HASH else "keep")

    assert syncing.redact(*arguments, **settings) == 2

    err = capsys.readouterr().err
    assert told_so in err
    assert err.count("\n") == 1


def test_a_redaction_that_fails_leaves_all_as_it_was(
    warehouse: Given, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The setting too, and no half-made file."""
    syncing = warehouse("keep")
    before = stored(syncing)
    with monkeypatch.context() as patch:
        patch.setattr(redact, "_differing", lambda *_: ["orders.sales_orders"])
        assert syncing.redact(**DROP) == 1
    assert "was not redacted, and is unchanged: the new file differs in orders.sales_orders" in capsys.readouterr().err
    assert stored(syncing) == before
    assert files(syncing) == ["w.duckdb", "w.published.duckdb"]
    with pytest.raises(SettingError), syncing.pipeline(**DROP):
        pass
