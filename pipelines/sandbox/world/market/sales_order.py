"""A sales order's record in the shape of the Customers API, and its amounts (the specification)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.calendar import day_of, moment, workday_after
from pipelines.sandbox.world.market.desk import Desk
from pipelines.sandbox.world.market.goods import with_load_carrier
from pipelines.sandbox.world.market.growers import Grower
from pipelines.sandbox.world.site import CENT, HUBS, price

_CLOCK = ("CLOCK_SALES", "CLOCK_PRESALES")
_LEVY = Decimal("0.034")
_DELIVERY = Decimal("0.03")
"""What the delivery of a piece costs."""


@dataclass
class Order:
    """A sales order and what it is about.

    Args:
        record: the sales order.
        item: what is bought.
        grower: from whom.
    """

    record: Document
    item: Item
    grower: Grower
    note: str = field(default="")
    """The delivery note with which it was delivered."""

    @property
    def id(self) -> str:
        """The order's id."""
        return str(self.record["salesOrderId"])

    @property
    def packages(self) -> int:
        """How many packages it fills."""
        return int(self.record["numberOfPieces"] // self.record["packingConfiguration"]["piecesPerPackage"])

    @property
    def delivery(self) -> dt.datetime:
        """When it has to be there."""
        latest: dt.datetime = self.record["delivery"]["latestDeliveryDateTime"]
        return latest


def sales_order(
    desk: Desk,
    grower: Grower,
    item: Item,
    *,
    instrument: str,
    pieces: int,
    value: Decimal,
    line: str | None = None,
) -> Order:
    """A new order of a buyer.

    Args:
        desk: the buyer.
        grower: from whom.
        item: what is bought.
        instrument: how it is traded.
        pieces: how many pieces.
        value: price of a piece.
        line: the supply line's id, where there is one.
    """
    record = {
        **_course(desk, is_clock=instrument in _CLOCK),
        "salesOrderId": desk.codes.uuid(),
        "supplierOrganizationId": grower.id,
        "sellerOrganizationId": grower.id,
        "customerOrganizationId": desk.organization_id,
        "mainCustomerOrganizationId": None,
        "supplyLineId": line,
        "tradeItemId": item.id,
        "numberOfPieces": pieces,
        "pricePerPiece": price(value),
        "tradeInstrument": instrument,
        "packingConfiguration": {**with_load_carrier(item), "additionalPricePerPiece": None, "photoUrl": None},
        "additionalServices": _services(desk, grower, pieces),
        "delivery": _delivery(desk, grower, cost=None if instrument in _CLOCK else _DELIVERY * pieces),
        "tradeItemVersion": item.record["tradeItemVersion"],
        "contractId": None,
        "blanketOrderLineId": None,
        "deliveryPricePerPiece": None if instrument in _CLOCK else price(_DELIVERY),
        "despatchWarehouseId": grower.warehouse_id,
    }
    record["calculatedFields"] = calculated(record)
    return Order(record, item, grower)


def _course(desk: Desk, *, is_clock: bool) -> Document:
    """How an order came about, and where it stands."""
    return {
        "salesChannel": "RFH_CLOCK" if is_clock else desk.chance.choice(("FLORIDAY", "FLORIDAY", "FLORAXCHANGE")),
        "salesChannelInterface": "UNKNOWN" if is_clock else desk.chance.choice(("UI", "API")),
        "salesChannelOrderId": desk.codes.order_reference(),
        "barcodeLogisticServiceProvider": None,
        "customerOrderReference": f"INK-{desk.codes.number(7)}" if desk.happens(0.7) else None,
        "orderDateTime": desk.now,
        "status": "COMMITTED" if is_clock else "PENDING",
        "creditClaimStatus": "OK" if desk.happens(0.9) else "NOT_CHECKED",
        "cancellationDeadline": desk.now + dt.timedelta(minutes=30),
        "automaticallyCancelledOn": None,
        "salesOrderVersion": 1,
        "paymentProvider": "RFH",
        "deliveryRemarks": desk.chance.choice(words.REMARKS) if desk.happens(0.15) else None,
        "creationDateTime": desk.now,
        "lastModifiedDateTime": None,
        "isCreatedBySupplier": not is_clock and desk.happens(0.1),
        "createdByUserName": desk.chance.choice((*words.BUYERS, None)),
        "mutations": [],
        "salesOrderGroupId": desk.codes.uuid() if desk.happens(0.3) else None,
        "batchReference": int(desk.codes.batch_reference()) if desk.happens(0.6) else None,
        "isPaid": None if desk.happens(0.8) else False,
        "customerLogisticReference": f"P{desk.codes.number(6)}" if desk.happens(0.2) else None,
    }


def calculated(record: Document) -> Document:
    """The amounts that follow from an order: with delivery and services, and for the clock its levies and packages."""
    pieces = record["numberOfPieces"]
    delivery = record["deliveryPricePerPiece"]
    total = record["pricePerPiece"]["value"] + (delivery["value"] if delivery else 0)
    total += sum(service["price"]["value"] for service in record["additionalServices"] or ())
    amount = total * pieces
    is_clock = record["tradeInstrument"] in _CLOCK
    packages = pieces // record["packingConfiguration"]["piecesPerPackage"]
    return {
        "orderAmount": price(amount),
        "totalAuctionLevies": price((amount * _LEVY).quantize(CENT)) if is_clock else None,
        "totalPackageRentalCosts": price(packages * Decimal("0.28")) if is_clock else None,
        "totalPricePerPiece": price(total),
    }


def mutables(record: Document) -> Document:
    """What a mutation tells of an order, before or after it."""
    packing = record["packingConfiguration"]
    delivery = record["deliveryPricePerPiece"]
    return {
        "customPackageId": packing["package"]["customPackageId"],
        "numberOfPieces": record["numberOfPieces"],
        "piecesPerPackage": packing["piecesPerPackage"],
        "vbnPackageCode": packing["package"]["vbnPackageCode"],
        "incoterm": record["delivery"]["incoterm"],
        "pricePerPiece": record["pricePerPiece"]["value"],
        "deliveryPricePerPiece": delivery["value"] if delivery else Decimal(0),
        "totalPricePerPiece": record["calculatedFields"]["totalPricePerPiece"]["value"],
    }


def _services(desk: Desk, grower: Grower, pieces: int) -> list[Document] | None:
    """Now and then the grower's pot sticker, paid by the piece."""
    if not desk.happens(0.1):
        return None
    service = grower.services[2]
    told = {"additionalServiceId": service["additionalServiceId"], "price": service["price"], "unit": service["unit"]}
    return [{**told, "numberOfUnits": pieces, "stickerId": None}]


def _delivery(desk: Desk, grower: Grower, *, cost: Decimal | None) -> Document:
    incoterm = "DDP" if desk.happens(0.85) else "EXW"
    return {
        "deliveryConditionId": grower.condition_id(incoterm),
        "latestDeliveryDateTime": moment(workday_after(day_of(desk.now), 1), desk.chance.choice((5, 6, 7))),
        "regionGln": desk.chance.choice(HUBS) if incoterm == "DDP" else None,
        "location": desk.location,
        "incoterm": incoterm,
        "nextLegIdentifier": None,
        "deliveryCost": price(cost) if cost and incoterm == "DDP" else None,
    }
