"""A batch, as those who sell it know it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Item


@dataclass
class Batch:
    """Pieces of one item that were harvested together.

    Args:
        record: the batch.
        item: what it is.
        price: price of a piece.
        line: the supply line that sells it, if there is one.
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
        """Pieces that are not sold."""
        return int(self.record["numberOfPieces"])
