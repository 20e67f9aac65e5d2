"""How a contract and a blanket order are written down (the specification)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import packing
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.calendar import moment
from pipelines.sandbox.world.parties import Customer
from pipelines.sandbox.world.site import CENT, Site

FEED = "orders.contracts"
WEEKS = 20
MARGIN = 20
"""Per cent by which pieces and price of a call-off may differ from what was agreed on."""


def write(site: Site, customer: Customer, monday: dt.date, lines: list[Document]) -> Document:
    """A complete contract in its first version, approved, for the weeks that begin on a Monday."""
    return {
        "contractId": site.codes.uuid(),
        "reference": f"C{site.codes.number(9):09d}",
        "title": f"Seizoenscontract {monday.year}",
        "description": None,
        "startDateTime": moment(monday, 0),
        "endDateTime": moment(monday + dt.timedelta(weeks=WEEKS), 0),
        "customerOrganizationId": customer.id,
        "supplierOrganizationId": site.organization_id,
        "subSupplierOrganizationIds": None,
        "contractPeriodKind": "WEEK",
        "isInitiatedBySupplier": site.happens(0.6),
        "allowTradeItemVariants": False,
        "allowAutomaticBlanketOrderApproval": site.happens(0.5),
        "version": {"versionNumber": 1, "isLatestApprovedVersion": True, "reasonForVersionUpdate": ""},
        "status": {
            "approvalStatus": "APPROVED",
            "approvedOnDateTime": site.now,
            "declineDescription": None,
            "isDeleteRequestedBySupplier": False,
            "isDeleted": False,
        },
        "delivery": {
            "deliveryConditionId": site.delivery_condition_ids[customer.incoterm],
            "defaultDeliveryLocationGln": customer.location["gln"],
            "despatchWarehouseId": site.warehouse_id,
            "defaultIncoterm": customer.incoterm,
            "nextLegIdentifier": None,
        },
        "currency": customer.currency,
        "paymentProvider": customer.payment_provider,
        "creationDateTime": site.now - dt.timedelta(days=6),
        "lastModifiedDateTime": site.now,
        "contractLines": lines,
        "attachmentDetails": [{"attachmentId": site.codes.uuid(), "attachmentFileName": "voorwaarden.pdf"}]
        if site.happens(0.4)
        else None,
        "termsAndConditions": "GENERAL_OF_RFH",
    }


def line(site: Site, item: Item, monday: dt.date, group: str | None) -> Document:
    """A line of a contract: so many packages of an item each week."""
    value = (item.price * Decimal(site.chance.randint(92, 102)) / 100).quantize(CENT)
    pieces = site.chance.randint(5, 25) * item.pieces_per_package
    services = [{"additionalServiceId": site.service_ids[0], "isOptional": True}] if site.happens(0.3) else None
    return {
        "contractLineId": site.codes.uuid(),
        "tradeItem": trade_item(site, item, group),
        "periods": [_period(site, monday + dt.timedelta(weeks=week), value, pieces) for week in range(WEEKS)],
        "substituteTradeItems": None,
        "additionalServices": services,
        "contractTradeItemGroupId": group,
    }


def trade_item(site: Site, item: Item, group: str | None) -> Document:
    """A trade item as a contract's line tells it."""
    return {
        "contractLineTradeItemId": site.codes.uuid(),
        "contractTradeItemGroupId": group,
        "tradeItemId": item.id,
        "tradeItemVersion": item.record["tradeItemVersion"],
        "packingConfiguration": packing.with_codes(item),
    }


def revise(site: Site, contract: Document, reason: str, factor: Decimal) -> Document:
    """The next version of a contract, whose prices are multiplied; it has an id of its own, as have its parts."""
    lines = [_revised(site, one, factor) for one in contract["contractLines"]]
    number = contract["version"]["versionNumber"] + 1
    return {
        **contract,
        "contractId": site.codes.uuid(),
        "version": {"versionNumber": number, "isLatestApprovedVersion": False, "reasonForVersionUpdate": reason},
        "status": {**contract["status"], "approvalStatus": "DRAFT", "approvedOnDateTime": None},
        "contractLines": lines,
        "creationDateTime": site.now,
        "lastModifiedDateTime": site.now,
    }


def _revised(site: Site, one: Document, factor: Decimal) -> Document:
    periods = [
        {
            **period,
            "contractLinePeriodId": site.codes.uuid(),
            "pricePerPiece": (period["pricePerPiece"] * factor).quantize(CENT),
        }
        for period in one["periods"]
    ]
    return {**one, "contractLineId": site.codes.uuid(), "periods": periods}


def _period(site: Site, monday: dt.date, value: Decimal, pieces: int) -> Document:
    percentages = {"lowerMarginPercentage": MARGIN, "upperMarginPercentage": MARGIN}
    return {
        "contractLinePeriodId": site.codes.uuid(),
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
