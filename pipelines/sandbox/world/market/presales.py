"""Presales supply lines of the clock, of all growers, connected or not (the specification)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.calendar import day_of, moment, period
from pipelines.sandbox.world.grower_context import CENT, price
from pipelines.sandbox.world.market.buyer_context import BuyerContext
from pipelines.sandbox.world.market.goods import with_load_carrier
from pipelines.sandbox.world.market.growers import Grower

FEED = "supply.clock_presales_supply_lines"
_LOCATIONS = ("AALSMEER", "NAALDWIJK", "RIJNSBURG", "EELDE", "RHEINMAAS", "PLANTION")
_SHARES = (44, 26, 23, 3, 3, 1)


class Presales:
    """The presales supply lines that a buyer sees.

    Args:
        buyer: context of the buyer.
    """

    def __init__(self, buyer: BuyerContext) -> None:
        self._buyer = buyer
        self._lines: list[Document] = []

    def offer(self, volume: float) -> None:
        """Publish the lines for tomorrow's auction.

        Args:
            volume: volume of trade; 1.0 if all growers offer.
        """
        today = day_of(self._buyer.now)
        first = sorted(self._buyer.growers, key=lambda grower: grower.id not in self._buyer.connected)
        for grower in first[: max(3, round(len(first) * volume))]:
            for item in self._buyer.rng.sample(grower.sold, 2):
                self._lines.append(self._line(grower, item, today))
                self._buyer.publish(FEED, self._lines[-1])

    def choose(self) -> Document | None:
        """A random line of a connected grower with pieces left."""
        lines = [line for line in self._lines if line["supplierOrganizationId"] in self._buyer.connected]
        return self._buyer.rng.choice(lines) if lines else None

    def take(self, line: Document, pieces: int) -> None:
        """Sell pieces of a line."""
        line |= {"numberOfPieces": line["numberOfPieces"] - pieces, "lastModifiedDateTime": self._buyer.now}
        if not line["numberOfPieces"]:
            line["status"] = "UNAVAILABLE"
            self._lines.remove(line)
        self._buyer.publish(FEED, line)

    def close(self) -> None:
        """End the presales; the pieces left go to the clock."""
        for line in self._lines:
            line |= {"status": "UNAVAILABLE", "lastModifiedDateTime": self._buyer.now}
            self._buyer.publish(FEED, line)
        self._lines = []

    def _line(self, grower: Grower, item: Item, today: dt.date) -> Document:
        buyer = self._buyer
        note = buyer.codes.note()
        tomorrow = today + dt.timedelta(days=1)
        photos = item.record["photos"]
        return {
            "supplyLineId": buyer.codes.uuid(),
            "status": "AVAILABLE",
            "tradeItemId": item.id,
            "tradeItemVersion": item.record["tradeItemVersion"],
            "pricePerPiece": price((item.price * Decimal("1.04")).quantize(CENT)),
            "deliveryNoteReference": f"{note}A",
            "deliveryNoteCode": note,
            "deliveryNoteLetter": "A",
            "numberOfPieces": item.pieces_per_package * buyer.rng.randint(4, 40),
            "packingConfiguration": with_load_carrier(item),
            "tradePeriod": period(moment(today, 8), moment(tomorrow, 4, 55)),
            "supplierOrganizationId": grower.id,
            "creationDateTime": buyer.now,
            "lastModifiedDateTime": None,
            "auctionDate": tomorrow,
            "initialAuctionLocation": buyer.rng.choices(_LOCATIONS, _SHARES)[0],
            "photoUrl": photos[0]["url"] if photos else f"https://image.floriday.io/{buyer.codes.uuid()}",
        }
