"""The contracts of a nursery: concluded, revised, and called off week by week (the specification)."""

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
from pipelines.sandbox.world.parties import Customer
from pipelines.sandbox.world.site import Site

CONTRACTS = contract.FEED
GROUPS = "orders.contract_trade_item_groups"


@dataclass
class Agreement:
    """A contract with what its call-offs need to know.

    Args:
        customer: the buyer.
        items: what it is about, line by line.
        record: the version that counts.
    """

    customer: Customer
    items: list[Item]
    record: Document


class Contracts:
    """The contracts of a nursery.

    Args:
        site: the nursery.
        assortment: what it grows.
        blanket_orders: what calls them off.
    """

    def __init__(self, site: Site, assortment: Assortment, blanket_orders: BlanketOrders) -> None:
        self._site = site
        self._items = [item for item in assortment.catalogue if not item.record["isDeleted"]]
        self._blanket_orders = blanket_orders
        self._agreements: list[Agreement] = []
        self._groups: list[Document] = []

    def conclude(self) -> None:
        """Agree with the largest buyers, and with one who pays in dollars; what follows is on the agenda."""
        today = day_of(self._site.now)
        monday = today - dt.timedelta(days=today.weekday())
        customers = self._site.register.customers
        for customer in [*customers[: 5 if self._site.size >= 1 else 2], customers[7]]:
            self._agree(customer, monday)
        revisions: list[tuple[int, Callable[[Agreement], None]]] = [
            (30, self._raise_prices),
            (45, self._decline),
            (20, self._delete),
        ]
        for agreement, (after, revise) in zip(self._agreements, revisions, strict=False):
            self._site.at(self._site.now + dt.timedelta(days=after), partial(revise, agreement))

    def call_off(self) -> None:
        """Call off what is agreed on for next week, under every contract that stands."""
        for agreement in self._agreements:
            if not agreement.record["status"]["isDeleted"]:
                self._blanket_orders.place(agreement.record, agreement.customer, agreement.items)

    def change(self) -> None:
        """Extend the description of a contract, and take an item out of a group or back in."""
        if self._agreements:
            record = self._site.chance.choice(self._agreements).record
            record["description"] = f"besproken op {day_of(self._site.now):%d-%m}"
            self._publish(record)
            group = self._site.chance.choice(self._groups)
            group["tradeItems"][-1]["isDeleted"] ^= True
            group["lastModifiedDateTime"] = self._site.now
            self._site.publish(GROUPS, group)

    def _agree(self, customer: Customer, monday: dt.date) -> None:
        site = self._site
        items = site.chance.sample(self._items, site.chance.randint(1, 3))
        lines = [contract.line(site, item, monday, self._group(item)) for item in items]
        agreement = Agreement(customer, items, contract.write(site, customer, monday, lines))
        self._agreements.append(agreement)
        self._publish(agreement.record)

    def _group(self, item: Item) -> str | None:
        """A group of items that may stand in for one, of older contracts the other way round."""
        site = self._site
        if not site.happens(0.5) and self._groups:
            return None
        others = [item, *site.chance.sample([one for one in self._items if one is not item], 2)]
        group = {
            "contractTradeItemGroupId": site.codes.uuid(),
            "supplierOrganizationId": site.organization_id,
            "name": f"Groep {len(self._groups) + 1}",
            "tradeItems": [
                {
                    "tradeItemId": one.id,
                    "isPrimary": one is item,
                    "packingConfiguration": packing.with_codes(one),
                    "isDeleted": False,
                }
                for one in others
            ],
            "creationDateTime": site.now,
            "lastModifiedDateTime": None,
            "isDeleted": False,
        }
        self._groups.append(group)
        site.publish(GROUPS, group)
        return str(group["contractTradeItemGroupId"])

    def _raise_prices(self, agreement: Agreement) -> None:
        """A second version that counts from now on; then a third one that is still a draft."""
        old = agreement.record
        new = contract.revise(self._site, old, "hogere energiekosten", Decimal("1.03"))
        new["status"] |= {"approvalStatus": "APPROVED", "approvedOnDateTime": self._site.now}
        new["version"]["isLatestApprovedVersion"] = True
        old["version"] = {**old["version"], "isLatestApprovedVersion": False}
        self._publish(old)
        self._publish(new)
        self._publish(contract.revise(self._site, new, "volgend seizoen", Decimal("1.02")))
        agreement.record = new

    def _decline(self, agreement: Agreement) -> None:
        """A second version to which the buyer does not agree."""
        new = contract.revise(self._site, agreement.record, "nieuwe prijzen", Decimal("1.10"))
        new["status"] |= {"approvalStatus": "DECLINED", "declineDescription": "te duur"}
        self._publish(new)

    def _delete(self, agreement: Agreement) -> None:
        """End a contract before its time."""
        agreement.record["status"] |= {"isDeleteRequestedBySupplier": True, "isDeleted": True}
        self._publish(agreement.record)

    def _publish(self, record: Document) -> None:
        record["lastModifiedDateTime"] = self._site.now
        self._site.publish(CONTRACTS, record)
