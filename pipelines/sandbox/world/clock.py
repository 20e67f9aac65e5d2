"""The trade at the auction clock: sales strategies, presales supply lines and clock supply lines."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing
from pipelines.sandbox.world.batch import Batch
from pipelines.sandbox.world.calendar import day_of, moment, period, workday_after
from pipelines.sandbox.world.grower_context import CENT, GrowerContext, price

LINES = "supply.clock_supply_lines"
PRESALES = "supply.clock_presales_supply_lines"
STRATEGIES = "supply.sales_strategies"

_LOCATIONS = ("AALSMEER", "NAALDWIJK", "RIJNSBURG", "EELDE", "RHEINMAAS", "PLANTION")
_SHARES = (44, 26, 23, 3, 3, 1)
_ENDINGS = ("AUCTION_COMPLETED", "NOT_AUCTIONED", "RETOUR_SUPPLIER", "DESTROYED", "CANCELLED")


@dataclass
class Lot:
    """The records of a batch at the auction.

    Args:
        line: record of the clock supply line.
        presales: record of the presales supply line, if any.
        strategy: record of the sales strategy, for day trade.
    """

    line: Document
    presales: Document | None
    strategy: Document | None


class Clock:
    """The trade of a nursery at the auction clock.

    Args:
        grower: context of the nursery.
    """

    def __init__(self, grower: GrowerContext) -> None:
        self._grower = grower
        self._lots: dict[str, Lot] = {}

    def offer_batch(self, batch: Batch) -> None:
        """Offer a batch at the clock: always if its item is for the clock only, else sometimes."""
        if batch.item.is_clock_only or self._grower.happens(0.3):
            lot = self._lot(batch)
            self._lots[batch.id] = lot
            self._publish(lot)
            auction = moment(dt.date.fromisoformat(lot.line["auctionDate"]), 6)
            self._grower.at(auction, lambda: self._auction(lot))
            self._grower.at(auction + dt.timedelta(hours=4), lambda: self._close(lot))

    def assign_line(self, record: Document) -> None:
        """Set the supply line of an order at the clock, and subtract its pieces from a presales line."""
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
            line["lastModifiedDateTime"] = self._grower.now
            self._grower.publish(PRESALES, line)

    def _publish(self, lot: Lot) -> None:
        if lot.strategy:
            self._grower.publish(STRATEGIES, lot.strategy)
        if lot.presales:
            self._grower.publish(PRESALES, lot.presales)
        self._grower.publish(LINES, lot.line)

    def _auction(self, lot: Lot) -> None:
        """End the presales, and begin the auction of the pieces left."""
        if lot.presales:
            lot.presales |= {"status": "UNAVAILABLE", "lastModifiedDateTime": self._grower.now}
            self._grower.publish(PRESALES, lot.presales)
        if lot.strategy and self._grower.happens(0.1):
            lot.strategy["isDeleted"] = True
            self._grower.publish(STRATEGIES, lot.strategy)
        self._set_status(lot.line, "IN_AUCTION")

    def _close(self, lot: Lot) -> None:
        ending = self._grower.rng.choices(_ENDINGS, (72, 11, 5, 8, 4))[0]
        lot.line["isDeleted"] = ending == "CANCELLED"
        self._set_status(lot.line, ending)

    def _set_status(self, line: Document, status: str) -> None:
        line |= {"auctionStatus": status, "lastModifiedDateTime": self._grower.now}
        self._grower.publish(LINES, line)

    def _lot(self, batch: Batch) -> Lot:
        grower = self._grower
        note = {"code": grower.codes.note(), "letter": grower.rng.choice("ABC")}
        auction_date = workday_after(day_of(grower.now), 1)
        location = grower.rng.choices(_LOCATIONS, _SHARES)[0]
        strategy = _strategy(grower, batch, auction_date) if grower.happens(0.5) else None
        strategy_id = strategy["salesStrategyId"] if strategy else None
        line, presales = _line(grower, batch, note, auction_date, location), None
        line["salesStrategyId"] = strategy_id
        if grower.happens(0.7):
            presales = _presales(grower, batch, note, auction_date, location)
            presales["salesStrategyId"] = strategy_id
            line["clockPresalesSupplyReference"] = presales["supplyLineId"]
        return Lot(line, presales, strategy)


def _line(grower: GrowerContext, batch: Batch, note: dict[str, str], auction_date: dt.date, location: str) -> Document:
    has_minimum = grower.happens(0.5)
    return {
        "supplyLineId": grower.codes.uuid(),
        "tradeItemId": batch.item.id,
        "batchId": batch.id,
        "minimumPricePerPiece": price((batch.price / 2).quantize(CENT)) if has_minimum else None,
        "minimumOrderQuantity": {"amount": 1, "unit": "LAYER"} if has_minimum else None,
        "numberOfPieces": batch.left,
        "auctionDate": auction_date.isoformat(),
        "auctionLocation": location,
        "auctionGroupCode": grower.rng.randint(1, 60),
        "qualityGroupCode": grower.rng.choice(("A1", "A1", "A2", "B1")),
        "serviceCode": grower.rng.choice((0, 12, None)),
        "deliveryNoteCode": note["code"],
        "packingConfiguration": packing.with_package(batch.item),
        "packingAgentOrganizationId": None,
        "creationDateTime": grower.now,
        "lastModifiedDateTime": grower.now,
        "clockPresalesSupplyReference": None,
        "deliveryNoteReference": note["code"] + note["letter"],
        "auctionStatus": "QUEUED_FOR_AUCTION",
        "isDeleted": False,
        "salesStrategyId": None,
    }


def _presales(
    grower: GrowerContext, batch: Batch, note: dict[str, str], auction_date: dt.date, location: str
) -> Document:
    """A presales line for at most half of a batch, until shortly before the auction."""
    in_package = batch.item.pieces_per_package
    packages = batch.left // in_package // 2
    return {
        "supplyLineId": grower.codes.uuid(),
        "status": "AVAILABLE",
        "tradeItemId": batch.item.id,
        "tradeItemVersion": batch.item.record["tradeItemVersion"],
        "batchId": batch.id,
        "pricePerPiece": price(batch.price),
        "deliveryNoteReference": note["code"] + note["letter"],
        "deliveryNoteCode": note["code"],
        "deliveryNoteLetter": note["letter"],
        "numberOfPieces": min(packages, grower.rng.randint(1, 12)) * in_package,
        "packingConfiguration": packing.with_package(batch.item),
        "tradePeriod": period(grower.now, moment(auction_date, 5, 55)),
        "supplierOrganizationId": grower.organization_id,
        "creationDateTime": grower.now,
        "lastModifiedDateTime": grower.now,
        "auctionDate": auction_date.isoformat(),
        "initialAuctionLocation": location,
        "photoUrl": f"https://image.floriday.io/{grower.codes.uuid()}",
        "salesStrategyId": None,
    }


def _strategy(grower: GrowerContext, batch: Batch, auction_date: dt.date) -> Document:
    return {
        "salesStrategyId": grower.codes.uuid(),
        "batchId": batch.id,
        "batchReference": batch.record["batchReference"],
        "minimumPercentageReservedForAuction": Decimal(50),
        "numberOfPieces": batch.left,
        "photos": [{"isPrimary": True, "id": grower.codes.uuid()}] if grower.happens(0.8) else [],
        "presalesPrices": [
            {
                "hub": hub,
                "expectedDeliveryDateTimeOnHub": moment(auction_date, 4),
                "pricePerPiece": {"unit": "LAYER", "pricePerPiece": batch.price} if hub != "EELDE" else None,
            }
            for hub in grower.rng.sample(("AALSMEER", "NAALDWIJK", "RIJNSBURG", "EELDE"), 2)
        ],
        "isDeleted": False,
    }
