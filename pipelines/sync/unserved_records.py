"""Records of a selection that a complete walk did not serve: they have left it, and a last version says so."""

from __future__ import annotations

from pipelines.sync.feed_writer import FeedWriter
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.load import rejected_records, tombstones

RECORDS_AT_ONCE = 1000
"""Records that one transaction ends: a selection may lose all of its records at once."""


def end_unserved(writer: FeedWriter) -> bool:
    """Mark as deleted what a complete walk from 0 did not serve, in batches.

    What was served and rejected was served. Where a record without a readable key was among those, nobody knows which
    one it was, and nothing is marked.

    Args:
        writer: of the selection; it has gathered the keys that were served.

    Returns:
        Whether it was done.
    """
    served = writer.served
    if served is None or None in served:
        return False
    table, account = writer.table, writer.part.account
    with writer.warehouse.writing() as connection, transaction(connection):
        rejected_records.resolve_unserved(connection, writer.part, served, writer.asked_at)
        keys = tombstones.left_out(connection, table, account, served)
    for first in range(0, len(keys), RECORDS_AT_ONCE):
        with writer.warehouse.reading() as connection:
            payloads = tombstones.newest_payloads(connection, table, account, keys[first : first + RECORDS_AT_ONCE])
        writer.store_again(
            [tombstones.deleted(one, "isDisabledForSync", writer.at.cursor) for one in payloads], was_served=False
        )
    return True
