"""Handmade orders: at the boundaries of days, weeks, months and years, in two currencies, with unknown references."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from random import Random
from typing import Any

from tests.integration.report_warehouse import BOUNDARY_TIMES, ORDERS, Json, ReportWarehouse, id_of, make_record

ROSE, TULIP, UNKNOWN = id_of("rose"), id_of("tulip"), id_of("unknown")
BLOOM, PETAL, STRANGER = id_of("bloom"), id_of("petal"), id_of("stranger")
GROWERS = (id_of("grower"), id_of("another grower"), None)
NIL = "00000000-0000-0000-0000-000000000000"

STATUSES = ("COMMITTED", "COMMITTED", "COMMITTED", "CANCELLED", "ACCEPTED", "EXPIRED")
CURRENCIES = ("EUR", "EUR", "USD", None)


def orders(api: str, seed: int, count: int) -> list[Json]:
    """Return sales orders that differ in every field that a report reads; half of them are committed."""
    random = Random(f"orders {api} {seed}")
    return [_order(api, 1000 * seed + number, random) for number in range(count)]


def _order(api: str, number: int, random: Random) -> Json:
    delivery = random.choice((*BOUNDARY_TIMES, None))
    currency = random.choice(CURRENCIES)
    fields: dict[str, Any] = {
        "status": random.choice(STATUSES),
        "isDeleted": random.random() < 0.03,
        "tradeItemId": random.choice((ROSE, TULIP, UNKNOWN, NIL)),
        "customerOrganizationId": random.choice((BLOOM, PETAL, STRANGER, STRANGER.upper(), None)),
        "sellerOrganizationId": random.choice(GROWERS),
        "supplierOrganizationId": random.choice(GROWERS),
        "numberOfPieces": random.choice((0, 1, 12, 120, 98_200, random.randrange(1000))),
        "pricePerPiece": {"currency": currency, "value": random.choice((None, _price(random), _price(random)))},
        "delivery": {"latestDeliveryDateTime": delivery} if random.random() < 0.97 else None,
        "orderDateTime": _order_time(delivery, random),
        "calculatedFields": {"orderAmount": {"currency": currency, "value": _amount(random)}},
    }
    return make_record(api, ORDERS, number, **fields)


def _price(random: Random) -> Decimal:
    return Decimal(random.choice(("0.07", "0.105", "0.3333335", "1.23456749", f"{random.uniform(0, 3):.2f}")))


def _amount(random: Random) -> Decimal | None:
    return _price(random) * 100 if random.random() < 0.85 else None


def _order_time(delivery: str | None, random: Random) -> str | None:
    """Return a time before the delivery, in some orders after it, or None."""
    if delivery is None or random.random() < 0.05:
        return None
    ordered_at = dt.datetime.fromisoformat(delivery) - dt.timedelta(seconds=random.randrange(-9000, 400_000))
    return ordered_at.isoformat()


def store_all(warehouse: ReportWarehouse) -> ReportWarehouse:
    """Store orders of two accounts, and some of the trade items and organizations that they reference."""
    for account, seed, count in (("north", 1, 300), ("south", 2, 120)):
        warehouse.store(ORDERS, orders(warehouse.api, seed, count), account)
    store_names(warehouse)
    return warehouse


def store_names(warehouse: ReportWarehouse) -> None:
    """Store trade items and organizations of two accounts: different ones in each, one of them deleted."""
    path = "tradeItemName" if warehouse.api == "suppliers" else "name"

    def item(id: str, name: str, *, is_deleted: bool = False) -> Json:
        fields = {"tradeItemId": id, path: {"nl": name} if path == "tradeItemName" else name, "isDeleted": is_deleted}
        return make_record(warehouse.api, "catalog.trade_items", 1, **fields)

    def organization(id: str | None, name: str) -> Json:
        return make_record(warehouse.api, "organizations.organizations", 1, organizationId=id, name=name)

    warehouse.store("trade_items", [item(ROSE, "Roos"), item(TULIP, "Tulp", is_deleted=True)], "north")
    warehouse.store("trade_items", [item(TULIP, "Tulp uit het zuiden")], "south")
    warehouse.store(
        "organizations",
        [organization(BLOOM, "Bloom B.V."), organization(PETAL, "  "), organization(GROWERS[0], "Kwekerij De Roos")],
        "north",
    )
    warehouse.store("organizations", [organization(PETAL, "Petal & Søn")], "south")
