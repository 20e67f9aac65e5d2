"""Parameters of reports, and the orders that they select."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from uuid import UUID

from tests.integration.report_warehouse import AMOUNT, DELIVERY, Json, ReportWarehouse, day, is_within, text, uuid


@dataclass(frozen=True)
class Parameters:
    """Values of a report's parameters, with the parameters' names; None means that the parameter is not passed."""

    from_date: dt.date | None = None
    to_date: dt.date | None = None
    currency: str | None = None
    customer: UUID | None = None
    grower: UUID | None = None
    trade_item: UUID | None = None
    grace_days: int | None = None

    @property
    def arguments(self) -> dict[str, object]:
        """The parameters to pass to the report."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def includes(self, date: dt.date | None) -> bool:
        """Return whether a day is within the period."""
        return is_within(date, self.from_date, self.to_date)

    def select_orders(
        self, warehouse: ReportWarehouse, currency_path: str = f"{AMOUNT}.currency"
    ) -> list[tuple[str, Json]]:
        """Return the orders that count as revenue and match the parameters, with their accounts.

        Args:
            warehouse: warehouse that contains the orders.
            currency_path: path within an order of the currency that the report filters by.
        """
        return [
            (account, order)
            for account, order in warehouse.committed_orders()
            if self.includes(day(order, DELIVERY))
            and self.currency in (None, text(order, currency_path))
            and self.customer in (None, uuid(order, "customerOrganizationId"))
            and self.grower in (None, grower_of(order))
            and self.trade_item in (None, uuid(order, "tradeItemId"))
        ]


def grower_of(order: Json) -> UUID | None:
    """Return the grower of an order: the seller, because a correction by an auction replaces only the supplier."""
    return uuid(order, "sellerOrganizationId") or uuid(order, "supplierOrganizationId")


NO_FILTER = Parameters()
"""No parameter is passed."""

DATE_RANGES = (
    Parameters(to_date=dt.date(2024, 12, 31)),
    Parameters(from_date=dt.date(2024, 12, 31), to_date=dt.date(2024, 12, 31)),
    Parameters(from_date=dt.date(2025, 3, 31), to_date=dt.date(2025, 10, 26)),
    Parameters(from_date=dt.date(2027, 1, 3)),
)
"""Periods that begin or end at the boundary times of the handmade orders."""
