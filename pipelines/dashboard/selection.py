"""What a page contains, and what it shows at first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Selection:
    """The options of a page; None means no limit.

    Account, partner, trade item and currency limit what the file contains: a reader cannot see anything else in it. The
    days only choose the weeks that it shows at first.
    """

    from_date: dt.date | None = None  # first day, in Amsterdam; the page shows its whole week
    to_date: dt.date | None = None  # last day, in Amsterdam; the page shows its whole week
    account: str | None = None
    partner: UUID | None = None  # the customer of a grower, the grower of a buyer
    item: UUID | None = None  # the trade item
    currency: str | None = None  # as ISO 4217
    language: str = "auto"  # en, nl, or auto: that of the reader's browser

    @property
    def limits(self) -> dict[str, str]:
        """The wanted values of splits."""
        values = {"account": self.account, "partner": self.partner, "item": self.item, "currency": self.currency}
        return {split: str(value) for split, value in values.items() if value is not None}

    @property
    def required(self) -> frozenset[str]:
        """The splits without which rows cannot be limited as wanted."""
        return frozenset(self.limits.keys() - {"account"})

    def conditions(self, columns: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """The further SQL conditions on columns, by the name of the split, and their parameters."""
        limits = {split: value for split, value in self.limits.items() if split in columns}
        return "".join(f" AND CAST({columns[split]} AS VARCHAR) = ${split}" for split in limits), limits


EVERYTHING = Selection()
