"""Builds the record of a sales order in the form of the customers API, and calculates its amounts (specification)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import vocabulary as words
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.calendar import day_of, moment, workday_after
from pipelines.sandbox.world.grower_context import CENT, HUBS, price
from pipelines.sandbox.world.market.buyer_context import BuyerContext
from pipelines.sandbox.world.market.goods import with_load_carrier
from pipelines.sandbox.world.market.growers import Grower

_CLOCK = ("CLOCK_SALES", "CLOCK_PRESALES")
_LEVY = Decimal("0.034")
_DELIVERY = Decimal("0.03")
"""Delivery price of a piece, in euros."""


@dataclass
class Order:
    """A sales order, with the data that its processing needs.

    Args:
        record: record of the sales order.
        item: trade item that was ordered.
        grower: grower that sells it.
    """

    record: Document
    item: Item
    grower: Grower
    note: str = field(default="")
    """Code and letter of its delivery note, once it is delivered."""

    @property
    def id(self) -> str:
        """The order's id."""
        return str(self.record["salesOrderId"])

    @property
    def packages(self) -> int:
        """Number of packages."""
        return int(self.record["numberOfPieces"] // self.record["packingConfiguration"]["piecesPerPackage"])

    @property
    def delivery(self) -> dt.datetime:
        """The latest time of delivery."""
        latest: dt.datetime = self.record["delivery"]["latestDeliveryDateTime"]
        return latest


def sales_order(
    buyer: BuyerContext,
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
        buyer: context of the buyer.
        grower: grower that sells the item.
        item: trade item that is ordered.
        instrument: value of the order's ``tradeInstrument``.
        pieces: number of pieces that are ordered.
        value: price of a piece, in euros.
        line: id of the supply line, if any.
    """
    record = {
        **_order_state(buyer, is_clock=instrument in _CLOCK),
        "salesOrderId": buyer.codes.uuid(),
        "supplierOrganizationId": grower.id,
        "sellerOrganizationId": grower.id,
        "customerOrganizationId": buyer.organization_id,
        "mainCustomerOrganizationId": None,
        "supplyLineId": line,
        "tradeItemId": item.id,
        "numberOfPieces": pieces,
        "pricePerPiece": price(value),
        "tradeInstrument": instrument,
        "packingConfiguration": {**with_load_carrier(item), "additionalPricePerPiece": None, "photoUrl": None},
        "additionalServices": _services(buyer, grower, pieces),
        "delivery": _delivery(buyer, grower, cost=None if instrument in _CLOCK else _DELIVERY * pieces),
        "tradeItemVersion": item.record["tradeItemVersion"],
        "contractId": None,
        "blanketOrderLineId": None,
        "deliveryPricePerPiece": None if instrument in _CLOCK else price(_DELIVERY),
        "despatchWarehouseId": grower.warehouse_id,
    }
    record["calculatedFields"] = calculated(record)
    return Order(record, item, grower)


def _order_state(buyer: BuyerContext, *, is_clock: bool) -> Document:
    """The fields about the origin and the state of an order."""
    return {
        "salesChannel": "RFH_CLOCK" if is_clock else buyer.rng.choice(("FLORIDAY", "FLORIDAY", "FLORAXCHANGE")),
        "salesChannelInterface": "UNKNOWN" if is_clock else buyer.rng.choice(("UI", "API")),
        "salesChannelOrderId": buyer.codes.order_reference(),
        "barcodeLogisticServiceProvider": None,
        "customerOrderReference": f"INK-{buyer.codes.number(7)}" if buyer.happens(0.7) else None,
        "orderDateTime": buyer.now,
        "status": "COMMITTED" if is_clock else "PENDING",
        "creditClaimStatus": "OK" if buyer.happens(0.9) else "NOT_CHECKED",
        "cancellationDeadline": buyer.now + dt.timedelta(minutes=30),
        "automaticallyCancelledOn": None,
        "salesOrderVersion": 1,
        "paymentProvider": "RFH",
        "deliveryRemarks": buyer.rng.choice(words.REMARKS) if buyer.happens(0.15) else None,
        "creationDateTime": buyer.now,
        "lastModifiedDateTime": None,
        "isCreatedBySupplier": not is_clock and buyer.happens(0.1),
        "createdByUserName": buyer.rng.choice((*words.BUYERS, None)),
        "mutations": [],
        "salesOrderGroupId": buyer.codes.uuid() if buyer.happens(0.3) else None,
        "batchReference": int(buyer.codes.batch_reference()) if buyer.happens(0.6) else None,
        "isPaid": None if buyer.happens(0.8) else False,
        "customerLogisticReference": f"P{buyer.codes.number(6)}" if buyer.happens(0.2) else None,
    }


def calculated(record: Document) -> Document:
    """The calculated amounts of an order: with delivery and services; for the clock with levies and package rent."""
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
    """The current values of all fields that a mutation records."""
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


def _services(buyer: BuyerContext, grower: Grower, pieces: int) -> list[Document] | None:
    """The additional services of an order: sometimes a pot sticker on each piece."""
    if not buyer.happens(0.1):
        return None
    service = grower.services[2]
    terms = {"additionalServiceId": service["additionalServiceId"], "price": service["price"], "unit": service["unit"]}
    return [{**terms, "numberOfUnits": pieces, "stickerId": None}]


def _delivery(buyer: BuyerContext, grower: Grower, *, cost: Decimal | None) -> Document:
    incoterm = "DDP" if buyer.happens(0.85) else "EXW"
    return {
        "deliveryConditionId": grower.condition_id(incoterm),
        "latestDeliveryDateTime": moment(workday_after(day_of(buyer.now), 1), buyer.rng.choice((5, 6, 7))),
        "regionGln": buyer.rng.choice(HUBS) if incoterm == "DDP" else None,
        "location": buyer.location,
        "incoterm": incoterm,
        "nextLegIdentifier": None,
        "deliveryCost": price(cost) if cost and incoterm == "DDP" else None,
    }
