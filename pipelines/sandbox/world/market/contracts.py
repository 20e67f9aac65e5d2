"""Contracts of a buyer with growers, their trade item groups, and blanket orders."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.calendar import day_of, moment
from pipelines.sandbox.world.grower_context import price
from pipelines.sandbox.world.market.buyer_context import BuyerContext
from pipelines.sandbox.world.market.growers import Grower
from pipelines.sandbox.world.market.sales_order import Order, sales_order

CONTRACTS = "orders.contracts"
GROUPS = "orders.contract_trade_item_groups"
BLANKET_ORDERS = "orders.blanket_orders"
_WEEKS = 8


class Contracts:
    """The contracts of a buyer.

    Args:
        buyer: context of the buyer.
        submit: processes a new sales order.
    """

    def __init__(self, buyer: BuyerContext, submit: Callable[[Order], None]) -> None:
        self._buyer = buyer
        self._submit = submit
        self._contracts: list[tuple[Grower, Document]] = []
        self._groups: list[Document] = []
        self._called = 0

    def conclude(self) -> None:
        """Publish the contracts of the season, two with each connected grower."""
        for grower in self._buyer.suppliers:
            group = self._group(grower)
            self._groups.append(group)
            self._buyer.publish(GROUPS, group)
            for number in range(2):
                contract = self._contract(grower, group, number)
                self._contracts.append((grower, contract))
                self._buyer.publish(CONTRACTS, contract)
        self._contracts[-1][1]["status"] |= {"isDeleted": True}
        self._buyer.publish(CONTRACTS, self._contracts.pop()[1])

    def change(self) -> None:
        """Change a price in a contract, and rename a group."""
        _, contract = self._buyer.rng.choice(self._contracts)
        period = self._buyer.rng.choice(contract["contractLines"][0]["periods"])
        period["pricePerPiece"] += Decimal("0.01")
        contract["version"] = {**contract["version"], "versionNumber": contract["version"]["versionNumber"] + 1}
        contract["lastModifiedDateTime"] = self._buyer.now
        self._buyer.publish(CONTRACTS, contract)
        group = self._buyer.rng.choice(self._groups)
        group |= {"name": f"Groep {self._buyer.codes.number(4)}", "lastModifiedDateTime": self._buyer.now}
        self._buyer.publish(GROUPS, group)

    def call_off(self) -> None:
        """Place a blanket order; when it is approved, each line becomes a sales order."""
        grower, contract = self._contracts[self._called % len(self._contracts)]
        self._called += 1
        order = self._blanket_order(grower, contract)
        self._buyer.publish(BLANKET_ORDERS, order)
        self._buyer.after(self._buyer.rng.randint(30, 400), lambda: self._approve(grower, contract, order))

    def _approve(self, grower: Grower, contract: Document, blanket: Document) -> None:
        outcomes = ("APPROVED", "DECLINED", "DELETED")
        outcome = self._buyer.rng.choices(outcomes, (85, 8, 7))[0]
        if outcome == "DELETED":
            blanket["status"] |= {"isDeleted": True}
        else:
            declined = "te laat" if outcome == "DECLINED" else None
            blanket["status"] |= {"approvalStatus": outcome, "declineDescription": declined}
        blanket["lastModifiedDateTime"] = self._buyer.now
        self._buyer.publish(BLANKET_ORDERS, blanket)
        if outcome == "APPROVED":
            for line in blanket["blanketOrderLines"]:
                self._order(grower, contract, line)

    def _order(self, grower: Grower, contract: Document, line: Document) -> None:
        item = next(item for item in grower.items if item.id == line["tradeItemId"])
        value, pieces = line["pricePerPiece"]["value"], line["numberOfPieces"]
        order = sales_order(self._buyer, grower, item, instrument="CONTRACT", pieces=pieces, value=value)
        order.record |= {"contractId": contract["contractId"], "blanketOrderLineId": line["blanketOrderLineId"]}
        self._submit(order)

    def _group(self, grower: Grower) -> Document:
        members = [
            {"tradeItemId": item.id, "isPrimary": index == 0, "packingConfiguration": item.packing, "isDeleted": False}
            for index, item in enumerate(grower.sold[:3])
        ]
        return {
            "contractTradeItemGroupId": self._buyer.codes.uuid(),
            "supplierOrganizationId": grower.id,
            "name": f"Groep {grower.sold[0].record['name']}",
            "tradeItems": members,
            "creationDateTime": self._buyer.now,
            "lastModifiedDateTime": None,
            "isDeleted": False,
        }

    def _contract(self, grower: Grower, group: Document, number: int) -> Document:
        buyer = self._buyer
        start = day_of(buyer.now) - dt.timedelta(days=day_of(buyer.now).weekday())
        items = grower.sold[number * 2 : number * 2 + 2]
        return {
            "contractId": buyer.codes.uuid(),
            "reference": f"C{buyer.codes.number(9)}",
            "title": f"Seizoen {start.year} {number + 1}",
            "description": None,
            "startDateTime": moment(start, 0),
            "endDateTime": moment(start + dt.timedelta(weeks=_WEEKS), 0),
            "customerOrganizationId": buyer.organization_id,
            "supplierOrganizationId": grower.id,
            "subSupplierOrganizationIds": None,
            "contractPeriodKind": "WEEK",
            "isInitiatedBySupplier": number == 0,
            "allowTradeItemVariants": False,
            "allowAutomaticBlanketOrderApproval": number == 1,
            "version": {"versionNumber": 1, "isLatestApprovedVersion": True, "reasonForVersionUpdate": ""},
            "status": {
                "approvalStatus": "APPROVED",
                "approvedOnDateTime": buyer.now,
                "declineDescription": None,
                "isDeleteRequestedBySupplier": False,
                "isDeleted": False,
            },
            "delivery": {
                "deliveryConditionId": grower.condition_id("DDP"),
                "defaultDeliveryLocationGln": buyer.location["gln"],
                "despatchWarehouseId": grower.warehouse_id,
                "defaultIncoterm": "DDP",
                "nextLegIdentifier": None,
            },
            "currency": "EUR",
            "paymentProvider": "RFH",
            "creationDateTime": buyer.now,
            "lastModifiedDateTime": buyer.now,
            "contractLines": [self._line(grower, item, group, start) for item in items],
            "attachmentDetails": None,
            "termsAndConditions": "GENERAL_OF_RFH",
        }

    def _line(self, grower: Grower, item: Item, group: Document, start: dt.date) -> Document:
        service = {"additionalServiceId": grower.services[0]["additionalServiceId"], "isOptional": True}
        is_in_group = item.id in [member["tradeItemId"] for member in group["tradeItems"]]
        return {
            "contractLineId": self._buyer.codes.uuid(),
            "tradeItem": {
                "contractLineTradeItemId": self._buyer.codes.uuid(),
                "contractLineTradeItemGroupId": None,
                "tradeItemId": item.id,
                "tradeItemVersion": item.record["tradeItemVersion"],
                "packingConfiguration": item.packing,
            },
            "periods": [self._period(item, start + dt.timedelta(weeks=week)) for week in range(_WEEKS)],
            "substituteTradeItems": None,
            "additionalServices": [service] if self._buyer.happens(0.3) else None,
            "contractTradeItemGroupId": group["contractTradeItemGroupId"] if is_in_group else None,
        }

    def _period(self, item: Item, start: dt.date) -> Document:
        margin = {"lowerMarginPercentage": 10, "upperMarginPercentage": 20}
        pieces = {"lowerMarginNumberOfPieces": None, "upperMarginNumberOfPieces": None}
        return {
            "contractLinePeriodId": self._buyer.codes.uuid(),
            "startDateTime": moment(start, 0),
            "endDateTime": moment(start + dt.timedelta(weeks=1), 0) - dt.timedelta(seconds=1),
            "pricePerPiece": item.price,
            "pricePerPieceMargin": None,
            "numberOfPieces": item.pieces_per_package * self._buyer.rng.randint(10, 80),
            "numberOfPiecesMargin": {**pieces, **margin} if self._buyer.happens(0.3) else None,
        }

    def _blanket_order(self, grower: Grower, contract: Document) -> Document:
        now = self._buyer.now
        return {
            "blanketOrderId": self._buyer.codes.uuid(),
            "contractId": contract["contractId"],
            "deliveryDateTime": moment(day_of(now) + dt.timedelta(days=2), 7),
            "customerOrganizationId": self._buyer.organization_id,
            "carrierOrganizationId": None,
            "status": {"approvalStatus": "FINALIZED", "declineDescription": None, "isDeleted": False},
            "blanketOrderLines": [self._called_line(grower, line, now) for line in contract["contractLines"]],
            "isInitiatedBySupplier": False,
            "creationDateTime": now,
            "lastModifiedDateTime": now,
            "isLastModifiedBySupplier": False,
            "salesChannelInterface": "API",
        }

    def _called_line(self, grower: Grower, line: Document, now: dt.datetime) -> Document:
        periods = line["periods"]
        period = next((period for period in periods if period["endDateTime"] > now), periods[-1])
        packing = line["tradeItem"]["packingConfiguration"]
        return {
            "blanketOrderLineId": self._buyer.codes.uuid(),
            "contractLinePeriodId": period["contractLinePeriodId"],
            "tradeItemId": line["tradeItem"]["tradeItemId"],
            "supplierOrganizationId": grower.id,
            "despatchWarehouseId": grower.warehouse_id,
            "additionalServiceIds": None,
            "customerOrderReference": None,
            "packingConfiguration": packing,
            "numberOfPieces": packing["piecesPerPackage"] * self._buyer.rng.randint(2, 10),
            "pricePerPiece": price(period["pricePerPiece"]),
            "deliveryLocationGln": self._buyer.location["gln"],
            "incoterm": "DDP",
            "liesOutsideOfContractLinePeriodMargins": False,
        }
