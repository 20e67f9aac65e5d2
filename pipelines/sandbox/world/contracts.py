"""The contracts of a nursery: made, revised, and called off each week (the specification)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from pipelines.sandbox.records.entries import Document
from pipelines.sandbox.world import contract, packing
from pipelines.sandbox.world.assortment import Assortment, Item
from pipelines.sandbox.world.blanket_orders import BlanketOrders
from pipelines.sandbox.world.calendar import day_of
from pipelines.sandbox.world.grower_context import GrowerContext
from pipelines.sandbox.world.parties import Customer

CONTRACTS = contract.FEED
GROUPS = "orders.contract_trade_item_groups"


@dataclass
class Agreement:
    """A contract, with the data that its blanket orders need.

    Args:
        customer: buyer of the contract.
        items: trade items of the contract's lines.
        record: record of the current version.
    """

    customer: Customer
    items: list[Item]
    record: Document


class Contracts:
    """The contracts of a nursery.

    Args:
        grower: context of the nursery.
        assortment: trade items of the nursery.
        blanket_orders: writes the blanket orders of contracts.
    """

    def __init__(self, grower: GrowerContext, assortment: Assortment, blanket_orders: BlanketOrders) -> None:
        self._grower = grower
        self._items = [item for item in assortment.catalogue if not item.record["isDeleted"]]
        self._blanket_orders = blanket_orders
        self._agreements: list[Agreement] = []
        self._groups: list[Document] = []

    def conclude(self) -> None:
        """Make contracts with the largest buyers and one that pays in dollars, and plan the revisions."""
        today = day_of(self._grower.now)
        monday = today - dt.timedelta(days=today.weekday())
        customers = self._grower.register.customers
        for customer in [*customers[: 5 if self._grower.size >= 1 else 2], customers[7]]:
            self._agree(customer, monday)
        revisions: list[tuple[int, Callable[[Agreement], None]]] = [
            (30, self._raise_prices),
            (45, self._decline),
            (20, self._delete),
        ]
        for agreement, (after, revise) in zip(self._agreements, revisions, strict=False):
            self._grower.at(self._grower.now + dt.timedelta(days=after), partial(revise, agreement))

    def call_off(self) -> None:
        """Place a blanket order for next week under every contract that is not deleted."""
        for agreement in self._agreements:
            if not agreement.record["status"]["isDeleted"]:
                self._blanket_orders.place(agreement.record, agreement.customer, agreement.items)

    def change(self) -> None:
        """Change the description of a contract, and the deletion of an item in a group."""
        if self._agreements:
            record = self._grower.rng.choice(self._agreements).record
            record["description"] = f"besproken op {day_of(self._grower.now):%d-%m}"
            self._publish(record)
            group = self._grower.rng.choice(self._groups)
            group["tradeItems"][-1]["isDeleted"] ^= True
            group["lastModifiedDateTime"] = self._grower.now
            self._grower.publish(GROUPS, group)

    def _agree(self, customer: Customer, monday: dt.date) -> None:
        grower = self._grower
        items = grower.rng.sample(self._items, grower.rng.randint(1, 3))
        lines = [contract.line(grower, item, monday, self._group(item)) for item in items]
        agreement = Agreement(customer, items, contract.new_record(grower, customer, monday, lines))
        self._agreements.append(agreement)
        self._publish(agreement.record)

    def _group(self, item: Item) -> str | None:
        """Sometimes a group of items that may replace each other; returns its id."""
        grower = self._grower
        if not grower.happens(0.5) and self._groups:
            return None
        members = [item, *grower.rng.sample([member for member in self._items if member is not item], 2)]
        group = {
            "contractTradeItemGroupId": grower.codes.uuid(),
            "supplierOrganizationId": grower.organization_id,
            "name": f"Groep {len(self._groups) + 1}",
            "tradeItems": [
                {
                    "tradeItemId": member.id,
                    "isPrimary": member is item,
                    "packingConfiguration": packing.with_package_codes(member),
                    "isDeleted": False,
                }
                for member in members
            ],
            "creationDateTime": grower.now,
            "lastModifiedDateTime": None,
            "isDeleted": False,
        }
        self._groups.append(group)
        grower.publish(GROUPS, group)
        return str(group["contractTradeItemGroupId"])

    def _raise_prices(self, agreement: Agreement) -> None:
        """Publish an approved second version with higher prices, and a draft of a third one."""
        old = agreement.record
        new = contract.revise(self._grower, old, "hogere energiekosten", Decimal("1.03"))
        new["status"] |= {"approvalStatus": "APPROVED", "approvedOnDateTime": self._grower.now}
        new["version"]["isLatestApprovedVersion"] = True
        old["version"] = {**old["version"], "isLatestApprovedVersion": False}
        self._publish(old)
        self._publish(new)
        self._publish(contract.revise(self._grower, new, "volgend seizoen", Decimal("1.02")))
        agreement.record = new

    def _decline(self, agreement: Agreement) -> None:
        """Publish a second version that the buyer declines."""
        new = contract.revise(self._grower, agreement.record, "nieuwe prijzen", Decimal("1.10"))
        new["status"] |= {"approvalStatus": "DECLINED", "declineDescription": "te duur"}
        self._publish(new)

    def _delete(self, agreement: Agreement) -> None:
        """Delete a contract."""
        agreement.record["status"] |= {"isDeleteRequestedBySupplier": True, "isDeleted": True}
        self._publish(agreement.record)

    def _publish(self, record: Document) -> None:
        record["lastModifiedDateTime"] = self._grower.now
        self._grower.publish(CONTRACTS, record)
