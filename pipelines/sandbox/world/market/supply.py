"""Supply lines, and the custom supply lines, which are a selection of them (docs/floriday.md)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.calendar import day_of, days, moment, period
from pipelines.sandbox.world.grower_context import CENT, price
from pipelines.sandbox.world.market.buyer_context import CUSTOM_SUPPLY_LINES, SUPPLY_LINES, BuyerContext
from pipelines.sandbox.world.market.growers import Grower

_NOT_CUSTOM = ("onlyAsapDelivery", "pricePerPieceLastModified")


@dataclass
class Line:
    """A supply line, with the data that its sale needs.

    Args:
        record: record of the supply line.
        item: trade item that is sold.
        grower: grower that sells it.
        custom: whether the custom supply lines contain it.
    """

    record: Document
    item: Item
    grower: Grower
    custom: bool

    @property
    def price(self) -> Decimal:
        """Price of a piece."""
        value: Decimal = self.record["pricePerPiece"]["value"]
        return value


class Supply:
    """The supply lines for one buyer.

    Args:
        buyer: context of the buyer.
    """

    def __init__(self, buyer: BuyerContext) -> None:
        self._buyer = buyer
        self._lines: list[Line] = []

    def offer(self, volume: float) -> None:
        """Publish supply lines of all growers; those of growers that are not connected are hidden.

        Args:
            volume: volume of trade; 1.0 for about a third of all items.
        """
        today = day_of(self._buyer.now)
        for grower in self._buyer.growers:
            for item in grower.sold:
                if item.is_in_season(today) and self._buyer.happens(0.3 * volume):
                    self._lines.append(self._line(grower, item, today))
                    self._publish(self._lines[-1])

    def choose(self) -> Line | None:
        """A random available line of a connected grower."""
        chosen = [line for line in self._lines if line.grower.id in self._buyer.connected and _is_on_offer(line)]
        weights = [line.item.popularity for line in chosen]
        return self._buyer.rng.choices(chosen, weights)[0] if chosen else None

    def take(self, line: Line, pieces: int) -> None:
        """Sell pieces of a line."""
        line.record["numberOfPieces"] -= pieces
        if line.record["numberOfPieces"] < line.item.pieces_per_package:
            line.record["status"] = "UNAVAILABLE"
        self._publish(line)

    def reprice(self) -> None:
        """Change the price of some lines by a few percent."""
        for line in self._some(0.06):
            value = (line.price * Decimal(self._buyer.rng.randint(88, 108)) / 100).quantize(CENT) or CENT
            line.record |= {"pricePerPiece": price(value), "pricePerPieceLastModified": self._buyer.now}
            self._publish(line)

    def withdraw(self) -> None:
        """Delete some lines, remove some from the custom supply lines, and end those whose order period is over."""
        for line in self._some(0.03):
            line.record |= {"isDeleted": True, "status": "UNAVAILABLE"}
            self._publish(line)
        for line in self._some(0.03):
            if line.custom:
                line.custom = False
                self._buyer.publish(CUSTOM_SUPPLY_LINES, _custom(line.record, is_disabled=True))
        for line in self._lines:
            if line.record["orderPeriod"]["endDateTime"] < self._buyer.now and line.record["status"] == "AVAILABLE":
                line.record["status"] = "UNAVAILABLE"
                self._publish(line)
        self._lines = [line for line in self._lines if _is_on_offer(line)]

    def review(self) -> None:
        """Update the post filters of all lines after a change of the selected assortment."""
        for entry in self._buyer.book(SUPPLY_LINES).all_entries():
            self._buyer.review(SUPPLY_LINES, *entry.key)

    def _some(self, share: float) -> list[Line]:
        lines = [line for line in self._lines if _is_on_offer(line)]
        return self._buyer.rng.sample(lines, min(len(lines), 1 + int(share * len(lines))))

    def _publish(self, line: Line) -> None:
        self._buyer.publish(SUPPLY_LINES, line.record)
        if line.custom:
            self._buyer.publish(CUSTOM_SUPPLY_LINES, _custom(line.record))

    def _line(self, grower: Grower, item: Item, today: dt.date) -> Line:
        buyer, rng = self._buyer, self._buyer.rng
        value = (item.price * Decimal(rng.randint(92, 110)) / 100).quantize(CENT)
        kind = rng.choices(("CATALOG", "BATCH", "CUSTOMER_OFFER", "PURCHASE_TIP"), (45, 45, 6, 4))[0]
        own = kind in ("CUSTOMER_OFFER", "PURCHASE_TIP")
        record = {
            "supplyLineId": buyer.codes.uuid(),
            "status": "AVAILABLE",
            "supplierOrganizationId": grower.id,
            "tradeItemId": item.id,
            "pricePerPiece": price(value),
            "pricePerPieceLastModified": buyer.now if buyer.happens(0.9) else None,
            "volumePrices": _volume_prices(value) if buyer.happens(0.3) else [],
            "numberOfPieces": item.pieces_per_package * rng.randint(8, 160),
            "packingConfigurations": item.record["packingConfigurations"],
            "deliveryPeriod": days(today, 1, 4),
            "orderPeriod": period(buyer.now, moment(today + dt.timedelta(days=2), 12)),
            "includedServices": ["DELIVERY"] if buyer.happens(0.2) else None,
            "warehouseId": grower.warehouse_id,
            "type": kind,
            "isDeleted": False,
            "salesUnit": rng.choice(("PACKAGE", "PACKAGE", "LAYER")),
            "agreementReference": {"code": f"AFS{buyer.codes.number(6)}", "description": None} if own else None,
            "isLimited": kind == "BATCH",
            "isCustomerSpecific": own,
            "onlyAsapDelivery": buyer.happens(0.05),
        }
        return Line(record, item, grower, custom=buyer.happens(0.6))


def _is_on_offer(line: Line) -> bool:
    return line.record["status"] == "AVAILABLE" and not line.record["isDeleted"]


def _volume_prices(value: Decimal) -> list[Document]:
    units = (("LAYER", Decimal("0.97")), ("LOAD_CARRIER", Decimal("0.93")))
    return [{"unit": unit, "pricePerPiece": (value * share).quantize(CENT)} for unit, share in units]


def _custom(record: Document, *, is_disabled: bool = False) -> Document:
    members = {name: value for name, value in record.items() if name not in _NOT_CUSTOM}
    return {"isDisabledForSync": is_disabled, **members}
