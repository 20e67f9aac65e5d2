"""What goes to the auction: sales strategies, presales lines, clock lines, and what becomes of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing
from pipelines.sandbox.world.batch import Batch
from pipelines.sandbox.world.calendar import day_of, moment, period, workday_after
from pipelines.sandbox.world.site import CENT, Site, price

LINES = "supply.clock_supply_lines"
PRESALES = "supply.clock_presales_supply_lines"
STRATEGIES = "supply.sales_strategies"

_LOCATIONS = ("AALSMEER", "NAALDWIJK", "RIJNSBURG", "EELDE", "RHEINMAAS", "PLANTION")
_SHARES = (44, 26, 23, 3, 3, 1)
_ENDINGS = ("AUCTION_COMPLETED", "NOT_AUCTIONED", "RETOUR_SUPPLIER", "DESTROYED", "CANCELLED")


@dataclass
class Lot:
    """What of a batch is brought to the auction.

    Args:
        line: the clock line.
        presales: the presales line, if there is one.
        strategy: the sales strategy, if it is day trade.
    """

    line: Document
    presales: Document | None
    strategy: Document | None


class Clock:
    """The nursery's trade at the auction clock.

    Args:
        site: the nursery.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._lots: dict[str, Lot] = {}

    def consider(self, batch: Batch) -> None:
        """Bring a batch to the clock if it is made for it, and of the others some."""
        if batch.item.is_clock_only or self._site.happens(0.3):
            lot = self._lot(batch)
            self._lots[batch.id] = lot
            self._publish(lot)
            auction = moment(dt.date.fromisoformat(lot.line["auctionDate"]), 6)
            self._site.at(auction, lambda: self._auction(lot))
            self._site.at(auction + dt.timedelta(hours=4), lambda: self._close(lot))

    def sell(self, record: Document) -> None:
        """Tell an order at the clock where its pieces come from; in presales, fewer are left."""
        lot = self._lots.get(record["batchId"])
        if lot is None:
            return
        is_presale = record["tradeInstrument"] == "CLOCK_PRESALES"
        line = lot.presales if is_presale and lot.presales else lot.line
        record["supplyLineId"] = line["supplyLineId"]
        record["salesStrategyId"] = line["salesStrategyId"]
        if line is lot.presales and line["status"] == "AVAILABLE":
            left = max(0, line["numberOfPieces"] - record["numberOfPieces"])
            line |= {"numberOfPieces": left, "status": "AVAILABLE" if left else "UNAVAILABLE"}
            line["lastModifiedDateTime"] = self._site.now
            self._site.publish(PRESALES, line)

    def _publish(self, lot: Lot) -> None:
        if lot.strategy:
            self._site.publish(STRATEGIES, lot.strategy)
        if lot.presales:
            self._site.publish(PRESALES, lot.presales)
        self._site.publish(LINES, lot.line)

    def _auction(self, lot: Lot) -> None:
        """The presales end, and what they left is auctioned."""
        if lot.presales:
            lot.presales |= {"status": "UNAVAILABLE", "lastModifiedDateTime": self._site.now}
            self._site.publish(PRESALES, lot.presales)
        if lot.strategy and self._site.happens(0.1):
            lot.strategy["isDeleted"] = True
            self._site.publish(STRATEGIES, lot.strategy)
        self._set_status(lot.line, "IN_AUCTION")

    def _close(self, lot: Lot) -> None:
        ending = self._site.chance.choices(_ENDINGS, (84, 6, 4, 3, 3))[0]
        lot.line["isDeleted"] = ending == "CANCELLED"
        self._set_status(lot.line, ending)

    def _set_status(self, line: Document, status: str) -> None:
        line |= {"auctionStatus": status, "lastModifiedDateTime": self._site.now}
        self._site.publish(LINES, line)

    def _lot(self, batch: Batch) -> Lot:
        site = self._site
        note = {"code": site.codes.note(), "letter": site.chance.choice("ABC")}
        auction_date = workday_after(day_of(site.now), 1)
        location = site.chance.choices(_LOCATIONS, _SHARES)[0]
        strategy = _strategy(site, batch, auction_date) if site.happens(0.5) else None
        strategy_id = strategy["salesStrategyId"] if strategy else None
        line, presales = _line(site, batch, note, auction_date, location), None
        line["salesStrategyId"] = strategy_id
        if site.happens(0.7):
            presales = _presales(site, batch, note, auction_date, location)
            presales["salesStrategyId"] = strategy_id
            line["clockPresalesSupplyReference"] = presales["supplyLineId"]
        return Lot(line, presales, strategy)


def _line(site: Site, batch: Batch, note: dict[str, str], auction_date: dt.date, location: str) -> Document:
    has_minimum = site.happens(0.5)
    return {
        "supplyLineId": site.codes.uuid(),
        "tradeItemId": batch.item.id,
        "batchId": batch.id,
        "minimumPricePerPiece": price((batch.price / 2).quantize(CENT)) if has_minimum else None,
        "minimumOrderQuantity": {"amount": 1, "unit": "LAYER"} if has_minimum else None,
        "numberOfPieces": batch.left,
        "auctionDate": auction_date.isoformat(),
        "auctionLocation": location,
        "auctionGroupCode": site.chance.randint(1, 60),
        "qualityGroupCode": site.chance.choice(("A1", "A1", "A2", "B1")),
        "serviceCode": site.chance.choice((0, 12, None)),
        "deliveryNoteCode": note["code"],
        "packingConfiguration": packing.briefly(batch.item),
        "packingAgentOrganizationId": None,
        "creationDateTime": site.now,
        "lastModifiedDateTime": site.now,
        "clockPresalesSupplyReference": None,
        "deliveryNoteReference": note["code"] + note["letter"],
        "auctionStatus": "QUEUED_FOR_AUCTION",
        "isDeleted": False,
        "salesStrategyId": None,
    }


def _presales(site: Site, batch: Batch, note: dict[str, str], auction_date: dt.date, location: str) -> Document:
    """Half of a batch at most, to be had until shortly before the auction."""
    in_package = batch.item.pieces_per_package
    packages = batch.left // in_package // 2
    return {
        "supplyLineId": site.codes.uuid(),
        "status": "AVAILABLE",
        "tradeItemId": batch.item.id,
        "tradeItemVersion": batch.item.record["tradeItemVersion"],
        "batchId": batch.id,
        "pricePerPiece": price(batch.price),
        "deliveryNoteReference": note["code"] + note["letter"],
        "deliveryNoteCode": note["code"],
        "deliveryNoteLetter": note["letter"],
        "numberOfPieces": min(packages, site.chance.randint(2, 30)) * in_package,
        "packingConfiguration": packing.briefly(batch.item),
        "tradePeriod": period(site.now, moment(auction_date, 5, 55)),
        "supplierOrganizationId": site.organization_id,
        "creationDateTime": site.now,
        "lastModifiedDateTime": site.now,
        "auctionDate": auction_date.isoformat(),
        "initialAuctionLocation": location,
        "photoUrl": f"https://image.floriday.io/{site.codes.uuid()}",
        "salesStrategyId": None,
    }


def _strategy(site: Site, batch: Batch, auction_date: dt.date) -> Document:
    return {
        "salesStrategyId": site.codes.uuid(),
        "batchId": batch.id,
        "batchReference": batch.record["batchReference"],
        "minimumPercentageReservedForAuction": Decimal(50),
        "numberOfPieces": batch.left,
        "photos": [{"isPrimary": True, "id": site.codes.uuid()}] if site.happens(0.8) else [],
        "presalesPrices": [
            {
                "hub": hub,
                "expectedDeliveryDateTimeOnHub": moment(auction_date, 4),
                "pricePerPiece": {"unit": "LAYER", "pricePerPiece": batch.price} if hub != "EELDE" else None,
            }
            for hub in site.chance.sample(("AALSMEER", "NAALDWIJK", "RIJNSBURG", "EELDE"), 2)
        ],
        "isDeleted": False,
    }
