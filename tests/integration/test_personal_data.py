"""Personal data are hashed or dropped before anything is stored: in no table, no file and no line of output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from pipelines.cli.entry import run
from pipelines.errors import SettingError
from pipelines.normalize.personal import keyed_hash
from pipelines.sandbox import Sandbox
from tests.integration.personal_orders import (
    DROP,
    FEEDS,
    HASH,
    JAN,
    KEY,
    ORDERS,
    PIET,
    REMARK,
    SETTINGS,
    change,
    filled,
    holds,
    synced_by_treatment,
    told,
)
from tests.integration.syncing import Syncing, empty_warehouse

MODES = pytest.mark.parametrize("treatment", ["hash", "drop"])


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A few people's records, which stay as they are."""
    with filled() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def synced(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The warehouses that a sync of them fills, by what becomes of personal data."""
    return synced_by_treatment(sandbox, tmp_path_factory.mktemp)


@pytest.fixture
def warehouse(synced: dict[str, bytes], sandbox: Sandbox, tmp_path: Path) -> Callable[[str], Syncing]:
    """Gives one of them."""

    def give(treatment: str) -> Syncing:
        (tmp_path / "w.duckdb").write_bytes(synced[treatment])
        return Syncing(sandbox, tmp_path / "w.duckdb", only=FEEDS)

    return give


Given = Callable[[str], Syncing]


def hashed(text: str) -> str:
    """The hash under the key of the settings."""
    return keyed_hash(SecretStr(KEY), text)


@MODES
def test_nobody_is_in_the_warehouse(warehouse: Given, treatment: str) -> None:
    """In no value of any table, nor in the bytes of a file; the key is not either."""
    syncing = warehouse(treatment)

    everything = told(syncing.path)
    for secret in ("Qxzw", "QXZW", "52.25", KEY):
        assert secret not in everything
        assert holds(syncing.path.parent, secret) == []


def test_all_of_it_is_there_where_it_is_kept(warehouse: Given) -> None:
    """Else the search above would prove nothing; what is rejected is kept to the letter."""
    syncing = warehouse("keep")

    everything = told(syncing.path)
    for text in (JAN, PIET, REMARK, "QXZW-1", "52.25", f'"{JAN}" "{PIET}"'):
        assert text in everything
    assert holds(syncing.path.parent, JAN) == ["w.duckdb"]


def test_hashes_are_the_same_wherever_a_value_stands(warehouse: Given) -> None:
    """So people can be counted and joined; blank text and numbers become nothing."""
    rows = warehouse("hash").rows

    names = rows("SELECT created_by_user_name, delivery_remarks FROM orders.sales_orders")
    assert set(names) == {(hashed(JAN), hashed(REMARK)), (hashed(JAN), None), (hashed(PIET), None)}
    assert rows("SELECT created_by_user_name, reason FROM orders.sales_order_correction_requests") == [
        (hashed(JAN), hashed(JAN))
    ]
    assert rows("SELECT license_plate_number, location_latitude FROM fulfillment.track_and_trace_scans") == [
        (hashed("QXZW-1"), None)
    ]
    reasons = rows("SELECT DISTINCT sales_order_correction_request_reason FROM history.sales_order_mutations")
    assert set(reasons) == {(hashed(f"asked by {JAN}"),), (hashed(f"asked by {PIET}"),)}


@pytest.mark.parametrize(("treatment", "versions"), [("hash", 1), ("drop", 0)])
def test_changes_are_seen_as_far_as_they_are_stored(tmp_path: Path, treatment: str, versions: int) -> None:
    """An unchanged record is no new version; a changed personal value is one only where its hash stands."""
    settings = SETTINGS[treatment]
    with filled() as sandbox:
        syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=(ORDERS,))
        syncing.sync(ORDERS, **settings)
        again = syncing.sync(ORDERS, full=True, **settings)["main", ORDERS]
        assert (again.records, again.new, again.changed) == (5, 0, 0)

        change(sandbox, 0, createdByUserName=PIET)
        assert syncing.sync(ORDERS, **settings)["main", ORDERS].changed == versions
        change(sandbox, 0, numberOfPieces=7)
        assert syncing.sync(ORDERS, **settings)["main", ORDERS].changed == 1
        assert syncing.versions(ORDERS) == 4 + versions


def test_rejected_records_keep_what_is_not_personal(warehouse: Given) -> None:
    """What can be parsed is kept without the values, of what cannot only its number."""
    rows = warehouse("drop").rows(
        "SELECT payload, reason, sequence_number FROM sync.rejected_records ORDER BY sequence_number"
    )

    (wrong, why, number), (broken, why_broken, its_number) = rows
    assert wrong == f'{{"salesOrderId":"unlike an id","sequenceNumber":{number}}}'
    assert why == "salesOrderId: malformed UUID 'unlike an id'"
    assert broken == ""
    assert why_broken.startswith("the record is not JSON: ")
    assert its_number > number


@MODES
def test_the_tables_can_be_made_anew(warehouse: Given, treatment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the raw log, which holds what they hold: a hash is not hashed again."""
    syncing = warehouse(treatment)
    before = syncing.content()
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(syncing.path))

    assert run(["rebuild", "sales_orders", "track_and_trace_scans"]) == 0

    assert syncing.content() == before


@pytest.mark.parametrize(
    ("first", "then", "told_so"),
    [
        ("keep", HASH, "FLORIDAY_PERSONAL_DATA is hash, and the warehouse was filled with keep: run `floriday redact`"),
        ("keep", DROP, "FLORIDAY_PERSONAL_DATA is drop, and the warehouse was filled with keep: run `floriday redact`"),
        ("drop", {}, "FLORIDAY_PERSONAL_DATA is keep, and the warehouse was filled with drop: run `floriday redact`"),
        (
            "hash",
            {**HASH, "FLORIDAY_PERSONAL_DATA_KEY": KEY[::-1]},
            "FLORIDAY_PERSONAL_DATA_KEY is not the key with which the warehouse's hashes were made",
        ),
    ],
)
def test_another_setting_is_refused(warehouse: Given, first: str, then: dict[str, str], told_so: str) -> None:
    """Before anything is written, in one line without the key."""
    syncing = warehouse(first)
    before = syncing.path.read_bytes()

    with pytest.raises(SettingError, match=told_so) as refused, syncing.pipeline(**then):
        pass

    assert "\n" not in str(refused.value)
    assert KEY not in str(refused.value)
    assert syncing.path.read_bytes() == before


def test_nothing_is_printed_nor_left_in_files(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the command line, on a trial too; the copy for readers is as bare as the warehouse."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "w.duckdb"
    path.write_bytes(empty_warehouse("suppliers"))
    for name, value in {**sandbox.environment(), "FLORIDAY_WAREHOUSE": str(path), **DROP}.items():
        monkeypatch.setenv(name, value)

    codes = [run(["sync", "--dry-run", "sales_orders"]), run(["sync", "sales_orders"])]

    out, err = capsys.readouterr()
    assert codes == [0, 0]
    assert "Qxzw" not in out + err
    assert holds(tmp_path, "Qxzw") == []
    assert "Qxzw" not in told(tmp_path / "w.published.duckdb")
