"""Personal data are hashed or dropped before anything is stored or printed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from pipelines.cli.entry import run
from pipelines.errors import SettingError
from pipelines.normalize.personal import keyed_hash
from pipelines.sandbox import Sandbox
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
    SETTINGS,
    all_stored,
    all_values,
    change,
    files_containing,
    places_of,
    sandbox_with_people,
    synced_by_treatment,
)
from tests.integration.syncing import Syncing, empty_warehouse
from tests.warehouses import Saved, state_at, use_warehouse

pytestmark = pytest.mark.both_kinds

each_treatment = pytest.mark.parametrize("treatment", ["hash", "drop"])


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Records of a few people, which the tests do not change."""
    with sandbox_with_people() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def synced(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Saved]:
    """A synced warehouse for each treatment of personal data."""
    return synced_by_treatment(sandbox, tmp_path_factory.mktemp)


@pytest.fixture
def warehouse(synced: dict[str, Saved], sandbox: Sandbox, tmp_path: Path) -> Callable[[str], Syncing]:
    """Create the warehouse of a treatment."""

    def create(treatment: str) -> Syncing:
        synced[treatment].restore(tmp_path / "w.duckdb")
        return Syncing(sandbox, tmp_path / "w.duckdb", only=FEEDS)

    return create


CreateWarehouse = Callable[[str], Syncing]


def hashed(text: str) -> str:
    """The hash of a text with the key of the settings."""
    return keyed_hash(SecretStr(KEY), text)


@each_treatment
def test_the_warehouse_contains_no_personal_data(warehouse: CreateWarehouse, treatment: str) -> None:
    """Neither values and file bytes of the warehouse nor the key contain personal data."""
    syncing = warehouse(treatment)

    everything = all_stored(syncing)
    for secret in ("Qxzw", "QXZW", "52.25", KEY):
        assert secret not in everything
        assert places_of(syncing, secret) == []


def test_the_warehouse_contains_all_values_that_are_kept(warehouse: CreateWarehouse) -> None:
    """With the treatment ``keep``, all values are stored, also those of rejected records."""
    syncing = warehouse("keep")

    everything = all_stored(syncing)
    for text in (JAN, PIET, REMARK, "QXZW-1", "52.25", f'"{JAN}" "{PIET}"'):
        assert text in everything
    assert places_of(syncing, JAN) == ["w.duckdb"] or syncing.kind == "lake"
    assert places_of(syncing, JAN)


def test_hashes_are_the_same_in_every_column(warehouse: CreateWarehouse) -> None:
    """A value has the same hash in every column, and blank texts and numbers become NULL."""
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


@cases(("treatment", "versions"), [("hash", 1), ("drop", 0)], quick=1)
def test_changes_of_personal_values(tmp_path: Path, treatment: str, versions: int) -> None:
    """An unchanged record is no new version, and a changed personal value is one only if hashes are stored."""
    settings = SETTINGS[treatment]
    with sandbox_with_people() as sandbox:
        syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=(ORDERS,))
        syncing.sync(ORDERS, **settings)
        again = syncing.sync(ORDERS, full=True, **settings)["main", ORDERS]
        assert (again.records, again.new, again.changed) == (5, 0, 0)

        change(sandbox, 0, createdByUserName=PIET)
        assert syncing.sync(ORDERS, **settings)["main", ORDERS].changed == versions
        change(sandbox, 0, numberOfPieces=7)
        assert syncing.sync(ORDERS, **settings)["main", ORDERS].changed == 1
        assert syncing.versions(ORDERS) == 4 + versions


def test_rejected_records_keep_other_values(warehouse: CreateWarehouse) -> None:
    """Of a rejected record, the payload without personal data is kept if it is JSON, else only the number."""
    rows = warehouse("drop").rows(
        "SELECT payload, reason, sequence_number FROM sync.rejected_records ORDER BY sequence_number"
    )

    (wrong, why, number), (broken, why_broken, its_number) = rows
    assert wrong == f'{{"salesOrderId":"unlike an id","sequenceNumber":{number}}}'
    assert why == "salesOrderId: malformed UUID 'unlike an id'"
    assert broken == ""
    assert why_broken.startswith("the record is not JSON: ")
    assert its_number > number


@each_treatment
def test_tables_can_be_rebuilt(warehouse: CreateWarehouse, treatment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebuild from the raw log gives the same tables, and does not hash hashes again."""
    syncing = warehouse(treatment)
    before = syncing.content()
    use_warehouse(syncing.path, monkeypatch)

    assert run(["rebuild", "sales_orders", "track_and_trace_scans"]) == 0

    assert syncing.content() == before


@pytest.mark.parametrize(
    ("treatment", "settings", "message"),
    [
        (
            "keep",
            HASH,
            "FLORIDAY_PERSONAL_DATA is hash, and the warehouse was filled with keep: run `floriday redact`",
        ),
        (
            "keep",
            DROP,
            "FLORIDAY_PERSONAL_DATA is drop, and the warehouse was filled with keep: run `floriday redact`",
        ),
        (
            "drop",
            {},
            "FLORIDAY_PERSONAL_DATA is keep, and the warehouse was filled with drop: run `floriday redact`",
        ),
        (
            "hash",
            {**HASH, "FLORIDAY_PERSONAL_DATA_KEY": KEY[::-1]},
            "FLORIDAY_PERSONAL_DATA_KEY is not the key with which the warehouse's hashes were made",
        ),
    ],
)
def test_another_setting_is_refused(
    warehouse: CreateWarehouse, treatment: str, settings: dict[str, str], message: str
) -> None:
    """Another treatment or key is refused in one line without the key, before anything is written."""
    syncing = warehouse(treatment)
    before = state_at(syncing.path)

    with pytest.raises(SettingError, match=message) as refused, syncing.pipeline(**settings):
        pass

    assert "\n" not in str(refused.value)
    assert KEY not in str(refused.value)
    assert state_at(syncing.path) == before


@pytest.mark.slow
@pytest.mark.file_only("the test looks into its published copy")
def test_nothing_is_printed_or_left_in_files(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the output, the files of a dry run, nor the published copy contain personal data."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "w.duckdb"
    path.write_bytes(empty_warehouse("suppliers"))
    for name, value in {**sandbox.environment(), "FLORIDAY_WAREHOUSE": str(path), **DROP}.items():
        monkeypatch.setenv(name, value)

    codes = [run(["sync", "--dry-run", "sales_orders"]), run(["sync", "sales_orders"])]

    out, err = capsys.readouterr()
    assert codes == [0, 0]
    assert "Qxzw" not in out + err
    assert files_containing(tmp_path, "Qxzw") == []
    assert "Qxzw" not in all_values(tmp_path / "w.published.duckdb")
