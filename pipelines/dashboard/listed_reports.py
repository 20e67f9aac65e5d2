"""The lists of the page: which rows of which reports they have, and which columns."""

from __future__ import annotations

from dataclasses import dataclass

LISTED = 200  # the most rows of a list, for each account and currency
MOST_LISTED = 400  # the most rows of a list together: of many accounts, each has fewer


_TODAY = "CAST(timezone('Europe/Amsterdam', now()) AS DATE)"
_DUE = f"""
CASE
    WHEN next_step = 'DELIVER' THEN 'left'
    WHEN departure < now() THEN 'late'
    WHEN departure_date <= {_TODAY} + 1 THEN CAST(departure_date AS VARCHAR)
    WHEN departure_date < date_trunc('week', {_TODAY}) + INTERVAL 7 DAY THEN 'week'
    ELSE 'later'
END"""
"""SQL: when an open order is due, as the filter of the page has it; each part has rows of its own."""


@dataclass(frozen=True)
class ReportList:
    """Which rows of a report a list has, and which of its columns."""

    name: str
    report: str
    columns: tuple[str, ...]  # besides the account; those of ``splits`` are filters of the page
    splits: dict[str, str]  # by split, the column that the page and a selection filter by
    order: str  # SQL: the most important rows first
    where: str = "true"  # SQL: the rows that the list can have
    is_detail: bool = False  # whether it reads the report's step ``detail`` instead of its rows
    parts: str = "true"  # SQL: which part a row belongs to; each part has at most LISTED rows
    grower: str = "supplier_organization_id"  # the column with the partner of a buyer, where it has ``partner``
    with_delivered: bool = False  # whether a last column has the delivered pieces, by the report of fill rates

    @property
    def identifiers(self) -> tuple[int, ...]:
        """Places of identifiers in a row, which begins with the account."""
        splits = {column for split, column in self.splits.items() if split != "currency"}
        return tuple(place for place, column in enumerate(self.columns, start=1) if column in splits)


_INVOICED = (
    "sales_channel_order_id",
    "partner",
    "trade_item_id",
    "delivery_date",
    "days_open",
    "cause",
    "state",
    "invoice_numbers",
    "ordered_pieces",
    "invoiced_pieces",
    "order_amount",
    "invoiced_amount",
    "difference",
    "currency",
)
"""The columns of both lists of invoices."""


def _invoices(name: str, order: str, where: str, parts: str = "true") -> ReportList:
    """A list of orders that are not invoiced as they were ordered."""
    return ReportList(
        name,
        "invoice_reconciliation",
        _INVOICED,
        {"partner": "partner", "item": "trade_item_id", "currency": "currency"},
        order,
        where=where,
        parts=parts,
        grower="seller_organization_id",
        with_delivered=True,
    )


LISTS = (
    ReportList(
        "actions",
        "purchase_order_exceptions",
        (
            "customer_order_reference",
            "reasons",
            "delivery_date",
            "supplier_organization_id",
            "trade_item_id",
            "quantity",
        ),
        {"partner": "supplier_organization_id", "item": "trade_item_id"},
        "delivery_date DESC NULLS LAST",
    ),
    ReportList(
        "departures",
        "open_orders",
        (
            "departure",
            "sales_channel_order_id",
            "next_step",
            "customer_organization_id",
            "trade_item_id",
            "destination",
            "open_pieces",
            "open_packages",
            "carrier",
            "currency",
            "warehouse",
            "cancellable_until",
            "ordered_pieces",
            "package_code",
        ),
        {"partner": "customer_organization_id", "item": "trade_item_id", "currency": "currency"},
        "departure NULLS LAST",
        parts=_DUE,
    ),
    ReportList(
        "changes",
        "customer_changes",
        (
            "customer_organization_id",
            "status",
            "revenue",
            "comparable_revenue",
            "currency",
            "last_order",
            "silent_days",
            "usual_interval",
            "is_silent",
            "last_delivery",
            "next_delivery",
        ),
        {"partner": "customer_organization_id", "currency": "currency"},
        "is_silent OR coalesce(status = 'STOPPED', false) DESC, greatest(comparable_revenue, revenue) DESC",
    ),
    ReportList(
        "contracts",
        "contract_forecast",
        (
            "contract_reference",
            "partner",
            "trade_item_id",
            "last_day",
            "agreed_pieces",
            "called_off_pieces",
            "remaining_pieces",
            "days_left",
            "expected_at_end",
            "expected_share",
            "currency",
            "contract_price",
            "delivered_pieces",
            "first_day",
            "pace",
            "outstanding_pieces",
        ),
        {"partner": "partner", "item": "trade_item_id", "currency": "currency"},
        "expected_share NULLS LAST",
        where=f"last_day >= {_TODAY}",
    ),
    ReportList(
        "requests",
        "corrections",
        (
            "sales_channel_order_id",
            "partner",
            "trade_item_id",
            "initiated_by",
            "reason",
            "requested_at",
            "expires_at",
            "money",
            "order_amount",
            "is_overdue",
            "kind",
        ),
        {"partner": "partner", "item": "trade_item_id", "currency": "money"},
        "requested_at DESC NULLS LAST",
        where="status IN ('PENDING', 'PENDING_CLAIM')",
        is_detail=True,
    ),
    ReportList(
        "leftovers",
        "stock_at_risk",
        (
            *("trade_item_id", "warehouse_name", "batches", "oldest_batch_days"),
            *("pieces_left", "offered_pieces", "age_class"),
        ),
        {"item": "trade_item_id"},
        "oldest_batch_days DESC NULLS LAST, pieces_left DESC",
        where="pieces_left > 0",
    ),
    _invoices("uninvoiced", "open_amount DESC NULLS LAST", "cause = 'NOT_INVOICED'"),
    _invoices(
        "differences",
        "abs(difference) DESC NULLS LAST",
        "cause NOT IN ('NOT_INVOICED', 'CANNOT_BE_KNOWN')",
        parts="cause",
    ),
    ReportList(
        "deliverycosts",
        "delivery_cost_recovery",
        ("month", "incoterm", "currency", "orders", "orders_without_cost", "delivery_cost", "delivery_revenue"),
        {"currency": "currency"},
        "month DESC NULLS LAST, incoterm NULLS LAST",
    ),
)
