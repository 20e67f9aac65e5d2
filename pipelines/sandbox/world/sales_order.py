"""How a sales order is written down, and how its amounts follow from it (the specification)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.batch import Batch
from pipelines.sandbox.world.parties import Customer
from pipelines.sandbox.world.services import OFFERED
from pipelines.sandbox.world.site import CENT, HUBS, Site, package, price

FEED = "orders.sales_orders"
_FINE = Decimal("0.00000001")


@dataclass(frozen=True)
class Channel:
    """A way to sell.

    Args:
        weight: how often it is used.
        instrument: ``tradeInstrument``.
        channels: ``salesChannel``, one of them.
        interfaces: ``salesChannelInterface``, one of them.
        is_direct: sold to a customer who has it delivered; otherwise the auction takes it.
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
"""What is called off under a contract."""


@dataclass
class Order:
    """A sales order with what its trade needs to know.

    Args:
        record: the order.
        item: what was ordered.
        customer: who ordered it.
        channel: how.
        batch: what it is sold from, or None if nothing was left.
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
        """How many packages it takes."""
        return int(-(-self.record["numberOfPieces"] // self.item.pieces_per_package))


def write(
    site: Site, item: Item, customer: Customer, channel: Channel, *, pieces: int, value: Decimal, latest: dt.datetime
) -> Document:
    """A complete order as it is when it is placed; line, batch and status are still to be set."""
    now, currency = site.now, customer.currency
    record: Document = {
        "salesOrderId": site.codes.uuid(),
        "salesOrderGroupId": None,
        "salesChannelOrderId": site.codes.order_reference(),
        "customerOrderId": f"PO-{site.codes.number(6)}" if site.happens(0.6) else None,
        "supplierOrganizationId": site.organization_id,
        "sellerOrganizationId": site.organization_id,
        "customerOrganizationId": customer.id,
        "supplyLineId": None,
        "tradeItemId": item.id,
        "salesChannel": site.chance.choice(channel.channels),
        "salesChannelInterface": site.chance.choice(channel.interfaces),
        "numberOfPieces": pieces,
        "tradeInstrument": channel.instrument,
        "packingConfiguration": _packing(site, item, currency),
        "orderDateTime": now,
        "pricePerPiece": price(value, currency),
        "barcodeLogisticServiceProvider": None,
        "delivery": _delivery(site, customer, channel, latest),
        "additionalServices": _services(site, channel, pieces, currency),
        "cancellationDeadline": now + dt.timedelta(minutes=site.chance.choice((30, 60, 90))),
        "automaticallyCancelledOn": None,
        "status": "ACCEPTED",
        "creditClaimStatus": site.chance.choices(("OK", "NOT_CHECKED", "PLANNED", "FAILED"), (88, 7, 3, 2))[0],
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
        "despatchWarehouseId": site.warehouse_id if channel.is_direct else site.auction_warehouse_id,
        "creationDateTime": now,
        "lastModifiedDateTime": now,
        "createdBySupplier": channel.is_direct and site.happens(0.12),
        "createdByUserName": None,
        "batchId": None,
        "mutations": [],
        "batchReference": None,
        "isPaid": site.happens(0.5) if customer.payment_provider == "RFH_PAY_LATER" else None,
        "salesStrategyId": None,
        "isDaytradeFromNursery": channel.instrument == "CLOCK_SALES_FROM_NURSERY",
    }
    calculate(record)
    return record


def calculate(record: Document) -> None:
    """Set the amounts that follow from pieces, price, services and delivery; an order of no pieces costs nothing."""
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
    """What a correction can change, as it is now."""
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


def _packing(site: Site, item: Item, currency: str) -> Document:
    packing = item.packing
    return {
        "piecesPerPackage": packing["piecesPerPackage"],
        "package": package(packing["package"]["vbnPackageCode"]),
        "loadCarrier": packing["loadCarrier"],
        "additionalPricePerPiece": price(Decimal("0.05"), currency) if site.happens(0.15) else None,
        "photoUrl": None,
        "packagesPerLayer": packing["packagesPerLayer"],
        "layersPerLoadCarrier": packing["layersPerLoadCarrier"],
    }


def _delivery(site: Site, customer: Customer, channel: Channel, latest: dt.datetime) -> Document:
    is_delivered = channel.is_direct and customer.incoterm == "DDP"
    cost = price(Decimal(site.chance.randint(600, 4500)) / 100, customer.currency)
    return {
        "deliveryConditionId": site.delivery_condition_ids[customer.incoterm] if channel.is_direct else None,
        "latestDeliveryDateTime": latest,
        "regionGln": site.chance.choice(HUBS) if channel.is_direct else None,
        "location": customer.location,
        "incoterm": customer.incoterm if channel.is_direct else None,
        "nextLegIdentifier": f"DOCK-{site.chance.randint(1, 40)}" if site.happens(0.2) else None,
        "deliveryCost": cost if is_delivered and site.happens(0.8) else None,
    }


def _services(site: Site, channel: Channel, pieces: int, currency: str) -> list[Document]:
    """The extra work that a buyer asks for: mostly none."""
    number = site.chance.choices((0, 1, 2), (70, 22, 8))[0] if channel.is_direct else 0
    return [
        {
            "additionalServiceId": site.service_ids[place],
            "price": price(OFFERED[place].price, currency),
            "unit": OFFERED[place].unit,
            "numberOfUnits": pieces if OFFERED[place].unit == "LABEL" else None,
            "stickerId": site.codes.uuid() if OFFERED[place].unit == "LABEL" else None,
        }
        for place in site.chance.sample(range(len(OFFERED)), number)
    ]
