"""Tombstones: last versions of records that a complete read no longer serves, which marks them as deleted.

Only snapshots and selections are read completely. A feed that stops serving a record has not deleted it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb
import msgspec

from pipelines.catalogue.tables import Table
from pipelines.json_scan import members
from pipelines.warehouse.sql import (
    current_rows,
    from_frame,
    joined_key,
    listed,
    place_in_log,
    quoted,
    raw,
    record_key,
    same_key,
)
from pipelines.warehouse.storage import register

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def served_keys(connection: duckdb.DuckDBPyConnection, table: Table, frame: pd.DataFrame) -> Iterator[None]:
    """Within the block the temporary table ``served`` has a frame's keys, and its ``record``. After an error it stays.

    A frame cannot be queried for UUIDs itself: DuckDB may push such a condition into the scan of the frame, and then
    refuses the query.
    """
    key = ", ".join(f"{from_frame(table.by_name[name], 'f')} AS {quoted(name)}" for name in record_key(table))
    register(connection, served_frame=frame)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE served AS SELECT f.record, {key} FROM served_frame f")
    connection.unregister("served_frame")
    yield
    connection.execute("DROP TABLE IF EXISTS temp.served")


def left_out(
    connection: duckdb.DuckDBPyConnection, table: Table, account: str, served: Collection[str | None]
) -> list[str]:
    """The joined keys of the records that a complete walk did not serve and that are not deleted yet.

    ``served`` are the keys of all records that it served, rejected ones too.
    """
    rows = connection.execute(
        f"SELECT {joined_key(table, 't')} FROM {current_rows(table)} t WHERE t.account = $account AND NOT t.is_deleted"
        " ORDER BY 1",
        {"account": account},
    ).fetchall()
    return [key for (key,) in rows if key not in served]


def newest_payloads(
    connection: duckdb.DuckDBPyConnection, table: Table, account: str, keys: Sequence[str]
) -> list[bytes]:
    """The newest payloads of some records of a selection, by their joined keys."""
    wanted = f"t.account = $account AND {joined_key(table, 't')} IN (SELECT unnest($keys))"
    return _payloads(connection, table, wanted, {"account": account, "keys": list(keys)})


def not_served(
    connection: duckdb.DuckDBPyConnection, table: Table, account: str, served: pd.DataFrame, within: Mapping[str, int]
) -> list[bytes]:
    """The newest payloads of the records that a snapshot no longer lists and that are not deleted yet.

    The request was for the key columns' values ``within``, such as year and week.
    """
    within_values = "".join(f" AND t.{quoted(name)} = {int(value)}" for name, value in within.items())
    missing = (
        f"t.account = $account{within_values} AND NOT EXISTS (SELECT 1 FROM served f WHERE {same_key(table, 't', 'f')})"
    )
    with served_keys(connection, table, served):
        return _payloads(connection, table, missing, {"account": account})


def _payloads(
    connection: duckdb.DuckDBPyConnection, table: Table, where: str, parameters: dict[str, object]
) -> list[bytes]:
    rows = connection.execute(
        f"WITH missing AS (SELECT {listed(record_key(table), 't.')} FROM {current_rows(table)} t"
        f" WHERE {where} AND NOT t.is_deleted)"
        f" SELECT arg_max(r.payload, {place_in_log('r')}) FROM {raw(table)} r"
        f" JOIN missing g ON {same_key(table, 'r', 'g')}"
        f" WHERE r.account = $account GROUP BY {listed(record_key(table), 'r.')}",
        parameters,
    ).fetchall()
    return [payload.encode() for (payload,) in rows]


def deleted(payload: bytes, sign: str, number: int | None = None) -> bytes:
    """A record's last version: as it was, and deleted.

    The sign is the JSON name of the field that marks it, ``isDeleted`` or ``isDisabledForSync``. The last version of a
    feed's record has a sequence number.
    """
    try:
        values = dict(msgspec.json.decode(payload, type=dict[str, msgspec.Raw]))
    except (ValueError, RecursionError):  # a stored record may hold what strict readers refuse, in unknown fields
        return _deleted_leniently(payload, sign, number)
    values[sign] = msgspec.Raw(b"true")
    if number is not None:
        values["sequenceNumber"] = msgspec.Raw(str(number).encode())
    return msgspec.json.encode(values)


def _deleted_leniently(payload: bytes, sign: str, number: int | None) -> bytes:
    values = dict(members(payload)) | {f'"{sign}"'.encode(): b"true"}
    if number is not None:
        values[b'"sequenceNumber"'] = str(number).encode()
    return b"{%s}" % b",".join(b"%s:%s" % member for member in values.items())
