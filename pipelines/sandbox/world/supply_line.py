"""Builds the records of supply lines (the specification)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.batch import Batch
from pipelines.sandbox.world.calendar import day_of, days, moment
from pipelines.sandbox.world.grower_context import GrowerContext, price
from pipelines.sandbox.world.parties import Customer

FEED = "supply.supply_lines"


def of_batch(grower: GrowerContext, batch: Batch, price_group: str) -> Document:
    """A line that sells the pieces left of a batch."""
    now = grower.now
    has_window = grower.happens(0.6)
    return {
        **_new_record(grower, batch.item, batch.price, "BATCH_PRICE"),
        "batchId": batch.id,
        "numberOfPieces": batch.left,
        "orderPeriod": {"startDateTime": now, "endDateTime": now + dt.timedelta(days=3)},
        "deliveryPeriod": days(day_of(now), 1, 6) if has_window else None,
        "salesUnit": "PACKAGE",
        "onlyAsapDelivery": not has_window,
        "priceGroupName": price_group,
    }


def of_week(
    grower: GrowerContext, item: Item, value: Decimal, price_group: str, customers: Sequence[Customer]
) -> Document:
    """A line for the coming week and a price group; an empty ``customers`` means all buyers."""
    today = day_of(grower.now)
    monday = today + dt.timedelta(days=7 - today.weekday())
    return {
        **_new_record(grower, item, value, "CATALOG_PRICE"),
        "numberOfPieces": grower.rng.randint(20, 200) * item.pieces_per_package,
        "packingConfigurations": [_packing(item)],
        "orderPeriod": {"startDateTime": grower.now, "endDateTime": moment(monday + dt.timedelta(days=5), 12)},
        "deliveryPeriod": days(monday, 0, 6),
        "allowedCustomerOrganizationIds": [customer.id for customer in customers] or None,
        "salesUnit": grower.rng.choice(("PACKAGE", "LAYER")),
        "priceGroupName": price_group,
    }


def of_offer(grower: GrowerContext, item: Item, offer: Document, line: Document) -> Document:
    """The supply line of a customer offer's line."""
    kind = "PURCHASE_TIP" if offer["customerOfferType"] == "PURCHASE_TIP" else "CUSTOMER_OFFER"
    return {
        **_new_record(grower, item, line["pricePerPiece"]["value"], kind),
        "pricePerPiece": line["pricePerPiece"],
        "numberOfPieces": line["numberOfPieces"],
        "packingConfigurations": [_packing(item)],
        "orderPeriod": line["tradePeriod"],
        "deliveryPeriod": line["deliveryPeriod"],
        "allowedCustomerOrganizationIds": offer["customerOrganizationIds"],
        "agreementReference": offer["agreementReference"],
        "salesUnit": line["salesUnit"],
    }


def _new_record(grower: GrowerContext, item: Item, value: Decimal, kind: str) -> Document:
    """A complete supply line with the values that all kinds share."""
    volume = [("LAYER", Decimal("0.97")), ("LOAD_CARRIER", Decimal("0.94"))] if grower.happens(0.4) else []
    return {
        "supplyLineId": grower.codes.uuid(),
        "status": "AVAILABLE",
        "tradeItemId": item.id,
        "batchId": None,
        "pricePerPiece": price(value),
        "pricePerPieceLastModified": grower.now,
        "volumePrices": [{"unit": unit, "pricePerPiece": value * factor} for unit, factor in volume],
        "numberOfPieces": 0,
        "assignedNumberOfPieces": 0,
        "packingConfigurations": None,
        "orderPeriod": None,
        "deliveryPeriod": None,
        "includedServices": ["DELIVERY"] if grower.happens(0.2) else [],
        "allowedCustomerOrganizationIds": None,
        "supplyType": kind,
        "agreementReference": {"code": "ACTIE7", "description": "weekactie"} if grower.happens(0.05) else None,
        "salesUnit": None,
        "isPromo": grower.happens(0.1),
        "isDeleted": False,
        "priceGroupName": None,
        "onlyAsapDelivery": False,
    }


def _packing(item: Item) -> Document:
    return {
        **packing.with_package(item),
        "transportHeightInCm": None,
        "additionalPricePerPiece": price(Decimal("0.05")),
        "photoUrl": None,
        "allowedCustomerOrganizationIds": None,
    }
