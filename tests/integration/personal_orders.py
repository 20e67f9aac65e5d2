"""Sales orders with names of people, and searches for these names in a warehouse."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipelines.sandbox import Sandbox
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.lakes import lake_at, places_containing
from tests.records import in_json, valid_records
from tests.warehouses import KIND, Saved, WarehouseKind, saved_at, warehouse_at

ORDERS = "orders.sales_orders"
CORRECTIONS = "orders.sales_order_correction_requests"
SCANS = "fulfillment.track_and_trace_scans"
FEEDS = (ORDERS, CORRECTIONS, SCANS)
JAN, PIET = "Jan Janszoon-Qxzw", "Piet Pieterszoon-Qxzw"
REMARK = "Ring at the door of Jan Janszoon-Qxzw, please"
KEY = "a key of the tests, that nobody guesses".replace(" ", "-")
HASH: dict[str, Any] = {"FLORIDAY_PERSONAL_DATA": "hash", "FLORIDAY_PERSONAL_DATA_KEY": KEY}
DROP: dict[str, Any] = {"FLORIDAY_PERSONAL_DATA": "drop"}
SETTINGS: dict[str, dict[str, Any]] = {"keep": {}, "hash": HASH, "drop": DROP}
BROKEN = f'{{"salesOrderId":"x","sequenceNumber":%d,"createdByUserName":"{JAN}" "{PIET}"}}'


def fill(sandbox: Sandbox) -> None:
    """Serve three orders, a correction request and a scan with personal data, and two orders that cannot be stored."""
    book = sandbox.book(ORDERS)
    for name, remark, record in zip(
        (JAN, JAN, PIET), (REMARK, None, " "), valid_records(_feed(ORDERS), 1, 3), strict=True
    ):
        mutation = {"salesOrderCorrectionRequestReason": f"asked by {name}"}
        book.put({**record, "createdByUserName": name, "deliveryRemarks": remark, "mutations": [mutation]})
    (record,) = valid_records(_feed(CORRECTIONS), 1, 1)
    sandbox.book(CORRECTIONS).put({**record, "createdByUserName": JAN, "reason": JAN})
    (record,) = valid_records(_feed(SCANS), 1, 1)
    sandbox.book(SCANS).put({**record, "licensePlateNumber": "QXZW-1", "locationLatitude": 52.25})
    number = book.reserve()
    book.put(
        f'{{"salesOrderId":"unlike an id","sequenceNumber":{number},"createdByUserName":"{JAN}"}}'.encode(),
        key=("wrong",),
        number=number,
    )
    number = book.reserve()
    book.put(BROKEN.replace("%d", str(number)).encode(), key=("broken",), number=number)


def _feed(name: str) -> Any:
    return SUPPLIERS.feed(name)


def change(sandbox: Sandbox, place: int, **fields: Any) -> None:
    """Serve a new version of the order at this place."""
    book = sandbox.book(ORDERS)
    entry = [each for each in book.entries() if len(each.key[0]) > 10][place]
    number = book.reserve()
    book.put(in_json({**entry.document, **fields, "sequenceNumber": number}), number=number)


def sync_feeds(syncing: Syncing, **settings: Any) -> dict[tuple[str, str], Any]:
    """Sync the feeds that contain personal data."""
    return syncing.sync(*FEEDS, **settings)


def synced_by_treatment(sandbox: Sandbox, new_folder: Callable[[str], Path]) -> dict[str, Saved]:
    """A synced warehouse for each treatment of personal data; no other file is left beside it.

    Args:
        sandbox: a running sandbox that serves the records of ``fill``.
        new_folder: creates a new folder with the given name.
    """
    warehouses = {}
    for treatment, settings in SETTINGS.items():
        syncing = Syncing(sandbox, new_folder(treatment) / "w.duckdb", only=FEEDS)
        assert sync_feeds(syncing, **settings)["main", ORDERS].rejected == 2
        assert [path.name for path in syncing.path.parent.iterdir()] == FILES_AT
        warehouses[treatment] = saved_at(syncing.path)
    return warehouses


def all_values(path: Path, kind: WarehouseKind = "file") -> str:
    """All values of all tables of a warehouse, as one text."""
    with warehouse_at(path, kind).reading() as connection:
        sql = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database()"
        names = connection.execute(sql).fetchall()
        return "\n".join(
            str(row)
            for schema, name in names
            for row in connection.execute(f'SELECT * FROM "{schema}"."{name}"').fetchall()
        )


FILES_AT = {"file": ["w.duckdb"], "lake": ["w.parquet"]}[KIND]
"""The names of the files of a warehouse at the path w.duckdb."""


def all_stored(syncing: Syncing) -> str:
    """All values of all tables of the warehouse of a test, as one text."""
    return all_values(syncing.path, syncing.kind)


def places_of(syncing: Syncing, text: str) -> list[str]:
    """The files beside the warehouse, and tables of a lake's catalogue, that contain a text."""
    files = files_containing(syncing.path.parent, text)
    return files if syncing.kind == "file" else sorted({*files, *places_containing(lake_at(syncing.path), text)})


def files_containing(folder: Path, text: str) -> list[str]:
    """The names of the files below a folder whose bytes contain a text."""
    found = []
    for path in sorted(folder.rglob("*")):
        with contextlib.suppress(OSError):
            if path.is_file() and text.encode() in path.read_bytes():
                found.append(path.name)
    return found


@contextlib.contextmanager
def sandbox_with_people(api: str = "suppliers") -> Iterator[Sandbox]:
    """A sandbox that serves the records of ``fill`` and nothing else."""
    with Sandbox(empty=True, api=api) as sandbox:
        fill(sandbox)
        yield sandbox


COMPARED_COLUMNS = {
    "orders.sales_orders": "* EXCLUDE (synced_at)",
    "orders.sales_order_mutations": "*",
    "orders.sales_order_correction_requests": "* EXCLUDE (synced_at)",
    "fulfillment.track_and_trace_scans": "* EXCLUDE (synced_at)",
    "versions.sales_orders": "* EXCLUDE (synced_at)",
    "versions.sales_order_mutations": "*",
    "versions.track_and_trace_scans": "* EXCLUDE (synced_at)",
    "raw.sales_orders": "* EXCLUDE (synced_at, run_id)",
    "raw.sales_order_correction_requests": "* EXCLUDE (synced_at, run_id)",
    "raw.track_and_trace_scans": "* EXCLUDE (synced_at, run_id)",
    "sync.rejected_records": "account, feed, key, payload, reason, sequence_number",
}
"""The columns that do not depend on the time of the sync, by table."""


def stored(syncing: Syncing) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of these tables and columns."""
    return {
        name: syncing.rows(f"SELECT {columns} FROM {name} ORDER BY ALL") for name, columns in COMPARED_COLUMNS.items()
    }
