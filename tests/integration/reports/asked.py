"""What a report is asked for: its parameters, and which orders they leave."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass
from uuid import UUID

from tests.integration.reporting import AMOUNT, DELIVERY, Json, Reporting, day, text, uuid, within


@dataclass(frozen=True)
class Asked:
    """Values of parameters, called as the parameters are; all may be left out."""

    from_date: dt.date | None = None
    to_date: dt.date | None = None
    currency: str | None = None
    customer: UUID | None = None
    grower: UUID | None = None
    trade_item: UUID | None = None

    @property
    def given(self) -> dict[str, object]:
        """What to hand to the report."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def covers(self, date: dt.date | None) -> bool:
        """Whether a day is one of those that are asked for."""
        return within(date, self.from_date, self.to_date)

    def orders(self, told: Reporting, currency: str = f"{AMOUNT}.currency") -> list[tuple[str, Json]]:
        """The orders that count as revenue and are asked for, each with its account.

        Args:
            told: where they were served.
            currency: where the currency stands that a report goes by.
        """
        return [
            (account, order)
            for account, order in told.committed()
            if self.covers(day(order, DELIVERY))
            and self.currency in (None, text(order, currency))
            and self.customer in (None, uuid(order, "customerOrganizationId"))
            and self.grower in (None, grower_of(order))
            and self.trade_item in (None, uuid(order, "tradeItemId"))
        ]


def grower_of(order: Json) -> UUID | None:
    """Who sold it: the seller, whom an auction's correction leaves alone."""
    return uuid(order, "sellerOrganizationId") or uuid(order, "supplierOrganizationId")


ALL = Asked()
"""Nothing is narrowed down."""

DAYS = (
    Asked(to_date=dt.date(2024, 12, 31)),
    Asked(from_date=dt.date(2024, 12, 31), to_date=dt.date(2024, 12, 31)),
    Asked(from_date=dt.date(2025, 3, 31), to_date=dt.date(2025, 10, 26)),
    Asked(from_date=dt.date(2027, 1, 3)),
)
"""Days whose edges in Amsterdam orders stand on."""
