"""What is offered before the clock: the whole market, connected or not (the specification)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.calendar import day_of, moment, period
from pipelines.sandbox.world.market.desk import Desk
from pipelines.sandbox.world.market.goods import with_load_carrier
from pipelines.sandbox.world.market.growers import Grower
from pipelines.sandbox.world.site import CENT, price

FEED = "supply.clock_presales_supply_lines"
_LOCATIONS = ("AALSMEER", "NAALDWIJK", "RIJNSBURG", "EELDE", "RHEINMAAS", "PLANTION")
_SHARES = (44, 26, 23, 3, 3, 1)


class Presales:
    """The presales that a buyer sees.

    Args:
        desk: the buyer.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lines: list[Document] = []

    def offer(self) -> None:
        """Offer the lots of tomorrow's auction."""
        today = day_of(self._desk.now)
        for grower in self._desk.growers:
            for item in self._desk.chance.sample(grower.sold, 2):
                self._lines.append(self._line(grower, item, today))
                self._desk.publish(FEED, self._lines[-1])

    def choose(self) -> Document | None:
        """A lot of which something is left."""
        return self._desk.chance.choice(self._lines) if self._lines else None

    def take(self, line: Document, pieces: int) -> None:
        """Sell pieces of a lot."""
        line |= {"numberOfPieces": line["numberOfPieces"] - pieces, "lastModifiedDateTime": self._desk.now}
        if not line["numberOfPieces"]:
            line["status"] = "UNAVAILABLE"
            self._lines.remove(line)
        self._desk.publish(FEED, line)

    def close(self) -> None:
        """End the presales: what is left goes to the clock."""
        for line in self._lines:
            line |= {"status": "UNAVAILABLE", "lastModifiedDateTime": self._desk.now}
            self._desk.publish(FEED, line)
        self._lines = []

    def _line(self, grower: Grower, item: Item, today: dt.date) -> Document:
        desk = self._desk
        note = desk.codes.note()
        tomorrow = today + dt.timedelta(days=1)
        photos = item.record["photos"]
        return {
            "supplyLineId": desk.codes.uuid(),
            "status": "AVAILABLE",
            "tradeItemId": item.id,
            "tradeItemVersion": item.record["tradeItemVersion"],
            "pricePerPiece": price((item.price * Decimal("1.04")).quantize(CENT)),
            "deliveryNoteReference": f"{note}A",
            "deliveryNoteCode": note,
            "deliveryNoteLetter": "A",
            "numberOfPieces": item.pieces_per_package * desk.chance.randint(4, 40),
            "packingConfiguration": with_load_carrier(item),
            "tradePeriod": period(moment(today, 8), moment(tomorrow, 4, 55)),
            "supplierOrganizationId": grower.id,
            "creationDateTime": desk.now,
            "lastModifiedDateTime": None,
            "auctionDate": tomorrow,
            "initialAuctionLocation": desk.chance.choices(_LOCATIONS, _SHARES)[0],
            "photoUrl": photos[0]["url"] if photos else f"https://image.floriday.io/{desk.codes.uuid()}",
        }
