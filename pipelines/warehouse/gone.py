"""Records that a complete reading no longer serves: where that means that they are deleted, a last version says so.

Only snapshots and selections are complete readings. A feed that stops serving a record has forgotten it, nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import duckdb
import msgspec

from pipelines.catalogue.tables import Table
from pipelines.floriday.pages import read_members
from pipelines.normalize.lanes import key_of
from pipelines.warehouse import rejected
from pipelines.warehouse.ledger import FeedPart
from pipelines.warehouse.served import served_keys
from pipelines.warehouse.sql import current, listed, quoted, raw, record_key, same_key

if TYPE_CHECKING:
    import pandas as pd


def mark_unnumbered(connection: duckdb.DuckDBPyConnection, table: Table, account: str) -> None:
    """Before a complete walk of a restarted selection: what it serves gets a number again, the rest keeps none."""
    connection.execute(f"UPDATE {current(table)} SET sequence_number = 0 WHERE account = ?", [account])


def left_out(connection: duckdb.DuckDBPyConnection, table: Table, part: FeedPart) -> list[bytes]:
    """The newest payloads of the records that a complete walk did not serve and that are not deleted yet.

    What was served and rejected was served.
    """
    wrong = rejected.open_keys(connection, part)
    unnumbered = "t.account = $account AND t.sequence_number = 0"
    payloads = _payloads(connection, table, unnumbered, {"account": part.account})
    return [payload for payload in payloads if key_of(table, payload) not in wrong]


def not_served(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    account: str,
    served: pd.DataFrame,
    within: Mapping[str, int],
) -> list[bytes]:
    """The newest payloads of the records that a snapshot no longer lists and that are not deleted yet.

    Args:
        connection: open for reading.
        table: the snapshot's.
        account: whose.
        served: a frame with the keys that it lists.
        within: values of key columns that the snapshot was asked for, such as year and week.
    """
    asked = "".join(f" AND t.{quoted(name)} = {int(value)}" for name, value in within.items())
    missing = f"t.account = $account{asked} AND NOT EXISTS (SELECT 1 FROM served f WHERE {same_key(table, 't', 'f')})"
    with served_keys(connection, table, served):
        return _payloads(connection, table, missing, {"account": account})


def _payloads(
    connection: duckdb.DuckDBPyConnection, table: Table, where: str, parameters: dict[str, object]
) -> list[bytes]:
    rows = connection.execute(
        f"WITH gone AS (SELECT {listed(record_key(table), 't.')} FROM {current(table)} t"
        f" WHERE {where} AND NOT t.is_deleted)"
        f" SELECT arg_max(r.payload, (r.series, coalesce(r.sequence_number, 0), r.rowid)) FROM {raw(table)} r"
        f" JOIN gone g ON {same_key(table, 'r', 'g')}"
        f" WHERE r.account = $account GROUP BY {listed(record_key(table), 'r.')}",
        parameters,
    ).fetchall()
    return [payload.encode() for (payload,) in rows]


def deleted(payload: bytes, sign: str, number: int | None = None) -> bytes:
    """A record's last version: as it was, and deleted.

    Args:
        payload: the newest version as received.
        sign: the JSON name that says so, ``isDeleted`` or ``isDisabledForSync``.
        number: the sequence number of the last version, for a feed.
    """
    try:
        members = dict(msgspec.json.decode(payload, type=dict[str, msgspec.Raw]))
    except (ValueError, RecursionError):  # a stored record may hold what strict readers refuse, in unknown fields
        return _deleted_leniently(payload, sign, number)
    members[sign] = msgspec.Raw(b"true")
    if number is not None:
        members["sequenceNumber"] = msgspec.Raw(str(number).encode())
    return msgspec.json.encode(members)


def _deleted_leniently(payload: bytes, sign: str, number: int | None) -> bytes:
    members = read_members(payload) | {f'"{sign}"'.encode(): b"true"}
    if number is not None:
        members[b'"sequenceNumber"'] = str(number).encode()
    return b"{%s}" % b",".join(b"%s:%s" % member for member in members.items())
