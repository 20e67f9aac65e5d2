"""Blanket orders, which call off a contract, and their sales orders (the specification)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import contract, packing
from pipelines.sandbox.world.assortment import Item
from pipelines.sandbox.world.calendar import day_of, moment
from pipelines.sandbox.world.grower_context import CENT, GrowerContext, price
from pipelines.sandbox.world.parties import Customer
from pipelines.sandbox.world.sales import Sales
from pipelines.sandbox.world.sales_order import CONTRACT

FEED = "orders.blanket_orders"
_SHARES = ((100, 60), (90, 15), (50, 10), (110, 10), (160, 5))
"""Percentage of the agreed pieces that is called off, and its weight."""


class BlanketOrders:
    """The blanket orders of a nursery.

    Args:
        grower: context of the nursery.
        sales: places their sales orders.
    """

    def __init__(self, grower: GrowerContext, sales: Sales) -> None:
        self._grower = grower
        self._sales = sales

    def place(self, agreed: Document, customer: Customer, items: list[Item]) -> None:
        """Call off next week's pieces of a contract; the decision follows some hours later."""
        grower = self._grower
        today = day_of(grower.now)
        tuesday = today + dt.timedelta(days=8 - today.weekday())
        delivery = moment(tuesday, 7)
        periods = [_period_at(line, delivery) for line in agreed["contractLines"]]
        if all(period is None for period in periods):
            return
        record = self._record(agreed, customer, delivery)
        record["blanketOrderLines"] = [
            self._line(agreed, customer, item, period)
            for item, period in zip(items, periods, strict=True)
            if period and item.is_in_season(tuesday)
        ]
        grower.publish(FEED, record)
        grower.after(grower.rng.randint(60, 400), lambda: self._decide(record, customer, items))

    def _decide(self, record: Document, customer: Customer, items: list[Item]) -> None:
        grower = self._grower
        if grower.happens(0.08):
            self._set_status(record, "DECLINED", declineDescription="niet leverbaar")
        elif grower.happens(0.05):
            self._set_status(record, "FINALIZED", isDeleted=True)
        else:
            self._set_status(record, "APPROVED")
            day_before = record["deliveryDateTime"] - dt.timedelta(hours=22)
            grower.at(day_before, lambda: self._deliver(record, customer, items))

    def _deliver(self, record: Document, customer: Customer, items: list[Item]) -> None:
        """Make a sales order of each line."""
        by_id = {item.id: item for item in items}
        for line in record["blanketOrderLines"]:
            order = self._sales.sell(
                by_id[line["tradeItemId"]],
                customer,
                CONTRACT,
                pieces=line["numberOfPieces"],
                value=line["pricePerPiece"]["value"],
                latest=record["deliveryDateTime"],
                contractId=record["contractId"],
                blanketOrderLineId=line["blanketOrderLineId"],
                customerOrderId=line["customerOrderReference"],
            )
            line["batchId"] = order.record["batchId"]
        self._set_status(record, "APPROVED")

    def _price(self, period: Document) -> Decimal:
        """The price of the contract, and for some lines a lower one."""
        agreed: Decimal = period["pricePerPiece"]
        return (agreed * Decimal("0.94") if self._grower.happens(0.12) else agreed).quantize(CENT)

    def _set_status(self, record: Document, status: str, **members: object) -> None:
        record["status"] = {**record["status"], "approvalStatus": status, **members}
        record["lastModifiedDateTime"] = self._grower.now
        self._grower.publish(FEED, record)

    def _record(self, agreed: Document, customer: Customer, delivery: dt.datetime) -> Document:
        grower = self._grower
        return {
            "blanketOrderId": grower.codes.uuid(),
            "contractId": agreed["contractId"],
            "deliveryDateTime": delivery,
            "customerOrganizationId": customer.id,
            "carrierOrganizationId": grower.rng.choice(grower.register.carriers)["organizationId"],
            "status": {"approvalStatus": "FINALIZED", "declineDescription": None, "isDeleted": False},
            "blanketOrderLines": [],
            "isInitiatedBySupplier": grower.happens(0.2),
            "creationDateTime": grower.now,
            "lastModifiedDateTime": grower.now,
            "isLastModifiedBySupplier": False,
            "salesChannelInterface": grower.rng.choice(("UI", "API")),
        }

    def _line(self, agreed: Document, customer: Customer, item: Item, period: Document) -> Document:
        grower = self._grower
        share = grower.rng.choices([share for share, _ in _SHARES], [often for _, often in _SHARES])[0]
        packages = max(1, round(period["numberOfPieces"] * share / 100 / item.pieces_per_package))
        pieces = packages * item.pieces_per_package
        percent = abs(Decimal(pieces) / period["numberOfPieces"] - 1) * 100
        return {
            "blanketOrderLineId": grower.codes.uuid(),
            "contractLinePeriodId": period["contractLinePeriodId"],
            "tradeItemId": item.id,
            "batchId": None,
            "supplierOrganizationId": grower.organization_id,
            "despatchWarehouseId": grower.warehouse_id,
            "additionalServiceIds": [grower.service_ids[0]] if grower.happens(0.2) else None,
            "customerOrderReference": f"AFR-{grower.codes.number(6)}",
            "packingConfiguration": packing.with_package_codes(item),
            "numberOfPieces": pieces,
            "pricePerPiece": price(self._price(period), customer.currency),
            "deliveryLocationGln": agreed["delivery"]["defaultDeliveryLocationGln"],
            "incoterm": customer.incoterm,
            "liesOutsideOfContractLinePeriodMargins": percent > contract.MARGIN,
        }


def _period_at(line: Document, moment: dt.datetime) -> Document | None:
    periods: list[Document] = line["periods"]
    return next((period for period in periods if period["startDateTime"] <= moment < period["endDateTime"]), None)
