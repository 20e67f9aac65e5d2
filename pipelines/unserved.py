"""Records of a selection that a complete walk did not serve: they have left it, and a last version says so."""

from __future__ import annotations

from pipelines.feed_writer import FeedWriter
from pipelines.warehouse import gone

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
    with writer.warehouse.reading() as connection:
        keys = gone.left_out(connection, table, account, served)
    for first in range(0, len(keys), RECORDS_AT_ONCE):
        with writer.warehouse.reading() as connection:
            payloads = gone.newest_payloads(connection, table, account, keys[first : first + RECORDS_AT_ONCE])
        writer.store_again(
            [gone.deleted(one, "isDisabledForSync", writer.at.cursor) for one in payloads], was_served=False
        )
    return True
