"""What growers offer a buyer: supply lines, and those of them that the custom selection holds (docs/floriday.md)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.calendar import day_of, days, moment, period
from pipelines.sandbox.world.market.desk import CUSTOM_SUPPLY_LINES, SUPPLY_LINES, Desk
from pipelines.sandbox.world.market.growers import Grower
from pipelines.sandbox.world.site import CENT, price

_NOT_CUSTOM = ("onlyAsapDelivery", "pricePerPieceLastModified")


@dataclass
class Line:
    """A supply line and what it sells.

    Args:
        record: the supply line.
        item: what is sold.
        grower: by whom.
        custom: whether the custom selection holds it.
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
    """The supply that is for one buyer.

    Args:
        desk: the buyer.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lines: list[Line] = []

    def offer(self) -> None:
        """Let all growers offer a part of what they grow today; who is not connected will be seen later, if ever."""
        today = day_of(self._desk.now)
        for grower in self._desk.growers:
            for item in grower.sold:
                if item.is_in_season(today) and self._desk.happens(0.3):
                    self._lines.append(self._line(grower, item, today))
                    self._publish(self._lines[-1])

    def choose(self) -> Line | None:
        """A line of a connected grower from which something can be bought."""
        chosen = [line for line in self._lines if line.grower.id in self._desk.connected and _is_on_offer(line)]
        weights = [line.item.popularity for line in chosen]
        return self._desk.chance.choices(chosen, weights)[0] if chosen else None

    def take(self, line: Line, pieces: int) -> None:
        """Sell pieces of a line."""
        line.record["numberOfPieces"] -= pieces
        if line.record["numberOfPieces"] < line.item.pieces_per_package:
            line.record["status"] = "UNAVAILABLE"
        self._publish(line)

    def reprice(self) -> None:
        """Change some prices by a few percent."""
        for line in self._some(0.06):
            value = (line.price * Decimal(self._desk.chance.randint(88, 108)) / 100).quantize(CENT) or CENT
            line.record |= {"pricePerPiece": price(value), "pricePerPieceLastModified": self._desk.now}
            self._publish(line)

    def withdraw(self) -> None:
        """Delete some lines, let the custom selection lose some, and forget what can no longer be ordered."""
        for line in self._some(0.03):
            line.record |= {"isDeleted": True, "status": "UNAVAILABLE"}
            self._publish(line)
        for line in self._some(0.03):
            if line.custom:
                line.custom = False
                self._desk.publish(CUSTOM_SUPPLY_LINES, _custom(line.record, is_disabled=True))
        for line in self._lines:
            if line.record["orderPeriod"]["endDateTime"] < self._desk.now and line.record["status"] == "AVAILABLE":
                line.record["status"] = "UNAVAILABLE"
                self._publish(line)
        self._lines = [line for line in self._lines if _is_on_offer(line)]

    def review(self) -> None:
        """Judge anew which lines are of selected items."""
        for entry in self._desk.book(SUPPLY_LINES).all_entries():
            self._desk.review(SUPPLY_LINES, *entry.key)

    def _some(self, share: float) -> list[Line]:
        lines = [line for line in self._lines if _is_on_offer(line)]
        return self._desk.chance.sample(lines, min(len(lines), 1 + int(share * len(lines))))

    def _publish(self, line: Line) -> None:
        self._desk.publish(SUPPLY_LINES, line.record)
        if line.custom:
            self._desk.publish(CUSTOM_SUPPLY_LINES, _custom(line.record))

    def _line(self, grower: Grower, item: Item, today: dt.date) -> Line:
        desk, chance = self._desk, self._desk.chance
        value = (item.price * Decimal(chance.randint(92, 110)) / 100).quantize(CENT)
        kind = chance.choices(("CATALOG", "BATCH", "CUSTOMER_OFFER", "PURCHASE_TIP"), (45, 45, 6, 4))[0]
        own = kind in ("CUSTOMER_OFFER", "PURCHASE_TIP")
        record = {
            "supplyLineId": desk.codes.uuid(),
            "status": "AVAILABLE",
            "supplierOrganizationId": grower.id,
            "tradeItemId": item.id,
            "pricePerPiece": price(value),
            "pricePerPieceLastModified": desk.now if desk.happens(0.9) else None,
            "volumePrices": _volume_prices(value) if desk.happens(0.3) else [],
            "numberOfPieces": item.pieces_per_package * chance.randint(8, 160),
            "packingConfigurations": item.record["packingConfigurations"],
            "deliveryPeriod": days(today, 1, 4),
            "orderPeriod": period(desk.now, moment(today + dt.timedelta(days=2), 12)),
            "includedServices": ["DELIVERY"] if desk.happens(0.2) else None,
            "warehouseId": grower.warehouse_id,
            "type": kind,
            "isDeleted": False,
            "salesUnit": chance.choice(("PACKAGE", "PACKAGE", "LAYER")),
            "agreementReference": {"code": f"AFS{desk.codes.number(6)}", "description": None} if own else None,
            "isLimited": kind == "BATCH",
            "isCustomerSpecific": own,
            "onlyAsapDelivery": desk.happens(0.05),
        }
        return Line(record, item, grower, custom=desk.happens(0.6))


def _is_on_offer(line: Line) -> bool:
    return line.record["status"] == "AVAILABLE" and not line.record["isDeleted"]


def _volume_prices(value: Decimal) -> list[Document]:
    units = (("LAYER", Decimal("0.97")), ("LOAD_CARRIER", Decimal("0.93")))
    return [{"unit": unit, "pricePerPiece": (value * share).quantize(CENT)} for unit, share in units]


def _custom(record: Document, *, is_disabled: bool = False) -> Document:
    told = {name: value for name, value in record.items() if name not in _NOT_CUSTOM}
    return {"isDisabledForSync": is_disabled, **told}
