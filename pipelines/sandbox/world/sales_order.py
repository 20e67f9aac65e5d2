"""Builds the record of a sales order, and calculates its amounts (the specification)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.batch import Batch
from pipelines.sandbox.world.grower_context import CENT, HUBS, GrowerContext, package, price
from pipelines.sandbox.world.parties import Customer
from pipelines.sandbox.world.services import OFFERED

FEED = "orders.sales_orders"
_FINE = Decimal("0.00000001")


@dataclass(frozen=True)
class Channel:
    """A way of selling.

    Args:
        weight: relative number of its orders.
        instrument: value of ``tradeInstrument`` in its orders.
        channels: possible values of ``salesChannel``.
        interfaces: possible values of ``salesChannelInterface``.
        is_direct: whether it is delivered to the customer; otherwise to the auction.
    """

    weight: int
    instrument: str
    channels: tuple[str, ...]
    interfaces: tuple[str, ...]
    is_direct: bool = False


CHANNELS = (
    Channel(72, "DIRECT_SALES", ("FLORIDAY", "FLORIDAY", "FLORIDAY_FX", "FLORAXCHANGE", "EXTERNAL_INTEGRATION"),
            ("UI", "API", "VMP"), is_direct=True),
    Channel(2, "BID_OFFER", ("FLORIDAY",), ("UI",), is_direct=True),
    Channel(12, "CLOCK_SALES", ("RFH_CLOCK", "RFH_CLOCK", "VRM_CLOCK", "PLANTION_CLOCK"), ("UNKNOWN",)),
    Channel(10, "CLOCK_PRESALES", ("FLORAMONDO", "FLORIDAY"), ("UI", "API")),
    Channel(4, "CLOCK_SALES_FROM_NURSERY", ("RFH_CLOCK",), ("UNKNOWN",)),
)  # fmt: skip
CLOCK_CHANNELS = CHANNELS[2:]

CONTRACT = Channel(0, "CONTRACT", ("FLORIDAY", "EXTERNAL_INTEGRATION"), ("UI", "API"), is_direct=True)
"""Orders from a contract's blanket orders."""


@dataclass
class Order:
    """A sales order, with the data that its processing needs.

    Args:
        record: record of the order.
        item: trade item that was ordered.
        customer: buyer of the order.
        channel: sales channel of the order.
        batch: batch from which it is sold, or None if nothing was left.
        is_fulfilled: whether it has left the nursery.
    """

    record: Document
    item: Item
    customer: Customer
    channel: Channel
    batch: Batch | None
    is_fulfilled: bool = False

    @property
    def id(self) -> str:
        """The order's id."""
        return str(self.record["salesOrderId"])

    @property
    def packages(self) -> int:
        """Number of packages."""
        return int(-(-self.record["numberOfPieces"] // self.item.pieces_per_package))


def new_record(
    grower: GrowerContext,
    item: Item,
    customer: Customer,
    channel: Channel,
    *,
    pieces: int,
    value: Decimal,
    latest: dt.datetime,
) -> Document:
    """A new order; supply line, batch and status are set later."""
    now = grower.now
    record: Document = {
        **_terms(grower, item, customer, channel, pieces=pieces, value=value),
        "delivery": _delivery(grower, customer, channel, latest),
        "additionalServices": _services(grower, channel, pieces, customer.currency),
        "cancellationDeadline": now + dt.timedelta(minutes=grower.rng.choice((30, 60, 90))),
        "automaticallyCancelledOn": None,
        "status": "ACCEPTED",
        "creditClaimStatus": grower.rng.choices(("OK", "NOT_CHECKED", "PLANNED", "FAILED"), (88, 7, 3, 2))[0],
        "creditClaimExpirationDateTime": None,
        "tradeItemVersion": item.record["tradeItemVersion"],
        "salesOrderVersion": 1,
        "contractId": None,
        "blanketOrderLineId": None,
        "bundledOfferLineId": None,
        "calculatedFields": None,
        "paymentProvider": customer.payment_provider if channel.is_direct else "RFH",
        "deliveryRemarks": None,
        "deliveryPricePerPiece": None,
        "despatchWarehouseId": grower.warehouse_id if channel.is_direct else grower.auction_warehouse_id,
        "creationDateTime": now,
        "lastModifiedDateTime": now,
        "createdBySupplier": channel.is_direct and grower.happens(0.12),
        "createdByUserName": None,
        "batchId": None,
        "mutations": [],
        "batchReference": None,
        "isPaid": grower.happens(0.5) if customer.payment_provider == "RFH_PAY_LATER" else None,
        "salesStrategyId": None,
        "isDaytradeFromNursery": channel.instrument == "CLOCK_SALES_FROM_NURSERY",
    }
    calculate(record)
    return record


def _terms(
    grower: GrowerContext, item: Item, customer: Customer, channel: Channel, *, pieces: int, value: Decimal
) -> Document:
    """The fields about the parties, the goods, the channel and the price."""
    return {
        "salesOrderId": grower.codes.uuid(),
        "salesOrderGroupId": None,
        "salesChannelOrderId": grower.codes.order_reference(),
        "customerOrderId": f"PO-{grower.codes.number(6)}" if grower.happens(0.6) else None,
        "supplierOrganizationId": grower.organization_id,
        "sellerOrganizationId": grower.organization_id,
        "customerOrganizationId": customer.id,
        "supplyLineId": None,
        "tradeItemId": item.id,
        "salesChannel": grower.rng.choice(channel.channels),
        "salesChannelInterface": grower.rng.choice(channel.interfaces),
        "numberOfPieces": pieces,
        "tradeInstrument": channel.instrument,
        "packingConfiguration": _packing(grower, item, customer.currency),
        "orderDateTime": grower.now,
        "pricePerPiece": price(value, customer.currency),
        "barcodeLogisticServiceProvider": None,
    }


def calculate(record: Document) -> None:
    """Set the amounts that follow from pieces, price, services and delivery; those of no pieces are 0."""
    currency, pieces = record["pricePerPiece"]["currency"], record["numberOfPieces"]
    delivery_cost = record["delivery"]["deliveryCost"]
    per_piece = (delivery_cost["value"] / max(1, pieces)).quantize(_FINE) if delivery_cost else Decimal(0)
    total = record["pricePerPiece"]["value"] + _surcharge(record) + _services_per_piece(record) + per_piece
    record["deliveryPricePerPiece"] = price(per_piece, currency) if delivery_cost else None
    record["calculatedFields"] = {
        "totalPricePerPiece": price(total, currency),
        "orderAmount": price((total * pieces).quantize(CENT), currency),
    }


def mutables(record: Document) -> Document:
    """The current values of all fields that a correction can change."""
    delivery_price = record["deliveryPricePerPiece"]
    location = record["delivery"]["location"]
    return {
        "customPackageId": None,
        "incoterm": record["delivery"]["incoterm"],
        "numberOfPieces": record["numberOfPieces"],
        "piecesPerPackage": record["packingConfiguration"]["piecesPerPackage"],
        "vbnPackageCode": record["packingConfiguration"]["package"]["vbnPackageCode"],
        "pricePerPiece": record["pricePerPiece"]["value"],
        "deliveryPricePerPiece": delivery_price["value"] if delivery_price else Decimal(0),
        "totalPricePerPiece": record["calculatedFields"]["totalPricePerPiece"]["value"],
        "latestDeliveryDateTime": record["delivery"]["latestDeliveryDateTime"],
        "deliveryLocation": {"locationGln": location["gln"], "postalCode": location["address"]["postalCode"]},
    }


def _surcharge(record: Document) -> Decimal:
    extra: Document | None = record["packingConfiguration"]["additionalPricePerPiece"]
    return Decimal(extra["value"]) if extra else Decimal(0)


def _services_per_piece(record: Document) -> Decimal:
    packing, pieces = record["packingConfiguration"], max(1, record["numberOfPieces"])
    divisors = {"PIECE": 1, "PACKAGE": packing["piecesPerPackage"], "LABEL": pieces}
    shares = [
        service["price"]["value"] * (service["numberOfUnits"] or 1) / divisors[service["unit"]]
        for service in record["additionalServices"] or []
    ]
    return sum(shares, Decimal(0)).quantize(_FINE)


def _packing(grower: GrowerContext, item: Item, currency: str) -> Document:
    packing = item.packing
    return {
        "piecesPerPackage": packing["piecesPerPackage"],
        "package": package(packing["package"]["vbnPackageCode"]),
        "loadCarrier": packing["loadCarrier"],
        "additionalPricePerPiece": price(Decimal("0.05"), currency) if grower.happens(0.15) else None,
        "photoUrl": None,
        "packagesPerLayer": packing["packagesPerLayer"],
        "layersPerLoadCarrier": packing["layersPerLoadCarrier"],
    }


def _delivery(grower: GrowerContext, customer: Customer, channel: Channel, latest: dt.datetime) -> Document:
    is_delivered = channel.is_direct and customer.incoterm == "DDP"
    cost = price(Decimal(grower.rng.randint(600, 4500)) / 100, customer.currency)
    return {
        "deliveryConditionId": grower.delivery_condition_ids[customer.incoterm] if channel.is_direct else None,
        "latestDeliveryDateTime": latest,
        "regionGln": grower.rng.choice(HUBS) if channel.is_direct else None,
        "location": customer.location,
        "incoterm": customer.incoterm if channel.is_direct else None,
        "nextLegIdentifier": f"DOCK-{grower.rng.randint(1, 40)}" if grower.happens(0.2) else None,
        "deliveryCost": cost if is_delivered and grower.happens(0.8) else None,
    }


def _services(grower: GrowerContext, channel: Channel, pieces: int, currency: str) -> list[Document]:
    """The additional services of an order; mostly none."""
    number = grower.rng.choices((0, 1, 2), (70, 22, 8))[0] if channel.is_direct else 0
    return [
        {
            "additionalServiceId": grower.service_ids[index],
            "price": price(OFFERED[index].price, currency),
            "unit": OFFERED[index].unit,
            "numberOfUnits": pieces if OFFERED[index].unit == "LABEL" else None,
            "stickerId": grower.codes.uuid() if OFFERED[index].unit == "LABEL" else None,
        }
        for index in grower.rng.sample(range(len(OFFERED)), number)
    ]
