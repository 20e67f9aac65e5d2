"""Builds the records of contracts and their versions (the specification)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.calendar import moment
from pipelines.sandbox.world.grower_context import CENT, GrowerContext
from pipelines.sandbox.world.parties import Customer

FEED = "orders.contracts"
WEEKS = 20
MARGIN = 20
"""Percentage by which pieces and price of a blanket order may differ from the contract."""


def new_record(grower: GrowerContext, customer: Customer, monday: dt.date, lines: list[Document]) -> Document:
    """The approved first version of a contract, which begins on ``monday``."""
    return {
        "contractId": grower.codes.uuid(),
        "reference": f"C{grower.codes.number(9):09d}",
        "title": f"Seizoenscontract {monday.year}",
        "description": None,
        "startDateTime": moment(monday, 0),
        "endDateTime": moment(monday + dt.timedelta(weeks=WEEKS), 0),
        "customerOrganizationId": customer.id,
        "supplierOrganizationId": grower.organization_id,
        "subSupplierOrganizationIds": None,
        "contractPeriodKind": "WEEK",
        "isInitiatedBySupplier": grower.happens(0.6),
        "allowTradeItemVariants": False,
        "allowAutomaticBlanketOrderApproval": grower.happens(0.5),
        "version": {"versionNumber": 1, "isLatestApprovedVersion": True, "reasonForVersionUpdate": ""},
        "status": {
            "approvalStatus": "APPROVED",
            "approvedOnDateTime": grower.now,
            "declineDescription": None,
            "isDeleteRequestedBySupplier": False,
            "isDeleted": False,
        },
        "delivery": {
            "deliveryConditionId": grower.delivery_condition_ids[customer.incoterm],
            "defaultDeliveryLocationGln": customer.location["gln"],
            "despatchWarehouseId": grower.warehouse_id,
            "defaultIncoterm": customer.incoterm,
            "nextLegIdentifier": None,
        },
        "currency": customer.currency,
        "paymentProvider": customer.payment_provider,
        "creationDateTime": grower.now - dt.timedelta(days=6),
        "lastModifiedDateTime": grower.now,
        "contractLines": lines,
        "attachmentDetails": [{"attachmentId": grower.codes.uuid(), "attachmentFileName": "voorwaarden.pdf"}]
        if grower.happens(0.4)
        else None,
        "termsAndConditions": "GENERAL_OF_RFH",
    }


def line(grower: GrowerContext, item: Item, monday: dt.date, group: str | None) -> Document:
    """A line of a contract: the same number of pieces each week."""
    value = (item.price * Decimal(grower.rng.randint(92, 102)) / 100).quantize(CENT)
    pieces = grower.rng.randint(5, 25) * item.pieces_per_package
    services = [{"additionalServiceId": grower.service_ids[0], "isOptional": True}] if grower.happens(0.3) else None
    return {
        "contractLineId": grower.codes.uuid(),
        "tradeItem": trade_item(grower, item, group),
        "periods": [_period(grower, monday + dt.timedelta(weeks=week), value, pieces) for week in range(WEEKS)],
        "substituteTradeItems": None,
        "additionalServices": services,
        "contractTradeItemGroupId": group,
    }


def trade_item(grower: GrowerContext, item: Item, group: str | None) -> Document:
    """A trade item in the form of a contract line."""
    return {
        "contractLineTradeItemId": grower.codes.uuid(),
        "contractTradeItemGroupId": group,
        "tradeItemId": item.id,
        "tradeItemVersion": item.record["tradeItemVersion"],
        "packingConfiguration": packing.with_package_codes(item),
    }


def revise(grower: GrowerContext, contract: Document, reason: str, factor: Decimal) -> Document:
    """The next version of a contract, with new ids and prices multiplied by ``factor``."""
    lines = [_revised(grower, old, factor) for old in contract["contractLines"]]
    number = contract["version"]["versionNumber"] + 1
    return {
        **contract,
        "contractId": grower.codes.uuid(),
        "version": {"versionNumber": number, "isLatestApprovedVersion": False, "reasonForVersionUpdate": reason},
        "status": {**contract["status"], "approvalStatus": "DRAFT", "approvedOnDateTime": None},
        "contractLines": lines,
        "creationDateTime": grower.now,
        "lastModifiedDateTime": grower.now,
    }


def _revised(grower: GrowerContext, old: Document, factor: Decimal) -> Document:
    periods = [
        {
            **period,
            "contractLinePeriodId": grower.codes.uuid(),
            "pricePerPiece": (period["pricePerPiece"] * factor).quantize(CENT),
        }
        for period in old["periods"]
    ]
    return {**old, "contractLineId": grower.codes.uuid(), "periods": periods}


def _period(grower: GrowerContext, monday: dt.date, value: Decimal, pieces: int) -> Document:
    percentages = {"lowerMarginPercentage": MARGIN, "upperMarginPercentage": MARGIN}
    return {
        "contractLinePeriodId": grower.codes.uuid(),
        "startDateTime": moment(monday, 0),
        "endDateTime": moment(monday + dt.timedelta(weeks=1), 0),
        "pricePerPiece": value,
        "pricePerPieceMargin": {
            "lowerMarginPricePerPiece": None,
            "upperMarginPricePerPiece": None,
            **percentages,
        },
        "numberOfPieces": pieces,
        "numberOfPiecesMargin": {
            "lowerMarginNumberOfPieces": None,
            "upperMarginNumberOfPieces": None,
            **percentages,
        },
    }
