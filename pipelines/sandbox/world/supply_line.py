"""How a supply line is written down (the specification)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.batch import Batch
from pipelines.sandbox.world.calendar import day_of, days, moment
from pipelines.sandbox.world.parties import Customer
from pipelines.sandbox.world.site import Site, price

FEED = "supply.supply_lines"


def of_batch(site: Site, batch: Batch, price_group: str) -> Document:
    """A line that sells what is left of a batch."""
    now = site.now
    has_window = site.happens(0.6)
    return {
        **_write(site, batch.item, batch.price, "BATCH_PRICE"),
        "batchId": batch.id,
        "numberOfPieces": batch.left,
        "orderPeriod": {"startDateTime": now, "endDateTime": now + dt.timedelta(days=3)},
        "deliveryPeriod": days(day_of(now), 1, 6) if has_window else None,
        "salesUnit": "PACKAGE",
        "onlyAsapDelivery": not has_window,
        "priceGroupName": price_group,
    }


def of_week(site: Site, item: Item, value: Decimal, price_group: str, customers: Sequence[Customer]) -> Document:
    """A line of the coming week's offer to a price group; for all buyers where none are named."""
    today = day_of(site.now)
    monday = today + dt.timedelta(days=7 - today.weekday())
    return {
        **_write(site, item, value, "CATALOG_PRICE"),
        "numberOfPieces": site.chance.randint(20, 200) * item.pieces_per_package,
        "packingConfigurations": [_packing(item)],
        "orderPeriod": {"startDateTime": site.now, "endDateTime": moment(monday + dt.timedelta(days=5), 12)},
        "deliveryPeriod": days(monday, 0, 6),
        "allowedCustomerOrganizationIds": [one.id for one in customers] or None,
        "salesUnit": site.chance.choice(("PACKAGE", "LAYER")),
        "priceGroupName": price_group,
    }


def of_offer(site: Site, item: Item, offer: Document, line: Document) -> Document:
    """What a line of a customer offer brings on the market."""
    kind = "PURCHASE_TIP" if offer["customerOfferType"] == "PURCHASE_TIP" else "CUSTOMER_OFFER"
    return {
        **_write(site, item, line["pricePerPiece"]["value"], kind),
        "pricePerPiece": line["pricePerPiece"],
        "numberOfPieces": line["numberOfPieces"],
        "packingConfigurations": [_packing(item)],
        "orderPeriod": line["tradePeriod"],
        "deliveryPeriod": line["deliveryPeriod"],
        "allowedCustomerOrganizationIds": offer["customerOrganizationIds"],
        "agreementReference": offer["agreementReference"],
        "salesUnit": line["salesUnit"],
    }


def _write(site: Site, item: Item, value: Decimal, kind: str) -> Document:
    """A complete supply line on which the kinds build."""
    volume = [("LAYER", Decimal("0.97")), ("LOAD_CARRIER", Decimal("0.94"))] if site.happens(0.4) else []
    return {
        "supplyLineId": site.codes.uuid(),
        "status": "AVAILABLE",
        "tradeItemId": item.id,
        "batchId": None,
        "pricePerPiece": price(value),
        "pricePerPieceLastModified": site.now,
        "volumePrices": [{"unit": unit, "pricePerPiece": value * factor} for unit, factor in volume],
        "numberOfPieces": 0,
        "assignedNumberOfPieces": 0,
        "packingConfigurations": None,
        "orderPeriod": None,
        "deliveryPeriod": None,
        "includedServices": ["DELIVERY"] if site.happens(0.2) else [],
        "allowedCustomerOrganizationIds": None,
        "supplyType": kind,
        "agreementReference": {"code": "ACTIE7", "description": "weekactie"} if site.happens(0.05) else None,
        "salesUnit": None,
        "isPromo": site.happens(0.1),
        "isDeleted": False,
        "priceGroupName": None,
        "onlyAsapDelivery": False,
    }


def _packing(item: Item) -> Document:
    return {
        **packing.briefly(item),
        "transportHeightInCm": None,
        "additionalPricePerPiece": price(Decimal("0.05")),
        "photoUrl": None,
        "allowedCustomerOrganizationIds": None,
    }
