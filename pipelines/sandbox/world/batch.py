"""A batch, with the data that its sale needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Item


@dataclass
class Batch:
    """Pieces of one item that were harvested together.

    Args:
        record: record of the batch.
        item: trade item of the pieces.
        price: price of a piece, in euros.
        line: record of the supply line that sells it, if any.
    """

    record: Document
    item: Item
    price: Decimal
    line: Document | None = field(default=None)

    @property
    def id(self) -> str:
        """The batch's id."""
        return str(self.record["batchId"])

    @property
    def left(self) -> int:
        """Number of pieces that are not sold."""
        return int(self.record["numberOfPieces"])
