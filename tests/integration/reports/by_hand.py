"""Orders made by hand: on the edges of days, weeks, months and years, of two currencies, and of what nobody knows."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from random import Random
from typing import Any

from tests.integration.reporting import EDGES, ORDERS, Json, Reporting, id_of, made

ROSE, TULIP, UNKNOWN = id_of("rose"), id_of("tulip"), id_of("unknown")
BLOOM, PETAL, STRANGER = id_of("bloom"), id_of("petal"), id_of("stranger")
GROWERS = (id_of("grower"), id_of("another grower"), None)
NIL = "00000000-0000-0000-0000-000000000000"

STATUSES = ("COMMITTED", "COMMITTED", "COMMITTED", "CANCELLED", "ACCEPTED", "EXPIRED")
CURRENCIES = ("EUR", "EUR", "USD", None)


def orders(api: str, seed: int, count: int) -> list[Json]:
    """Sales orders that differ in whatever a report looks at; half of them are committed."""
    random = Random(f"orders {api} {seed}")
    return [_order(api, 1000 * seed + number, random) for number in range(count)]


def _order(api: str, number: int, random: Random) -> Json:
    delivery = random.choice((*EDGES, None))
    currency = random.choice(CURRENCIES)
    made_for: dict[str, Any] = {
        "status": random.choice(STATUSES),
        "isDeleted": random.random() < 0.03,
        "tradeItemId": random.choice((ROSE, TULIP, UNKNOWN, NIL)),
        "customerOrganizationId": random.choice((BLOOM, PETAL, STRANGER, STRANGER.upper(), None)),
        "sellerOrganizationId": random.choice(GROWERS),
        "supplierOrganizationId": random.choice(GROWERS),
        "numberOfPieces": random.choice((0, 1, 12, 120, 98_200, random.randrange(1000))),
        "pricePerPiece": {"currency": currency, "value": random.choice((None, _price(random), _price(random)))},
        "delivery": {"latestDeliveryDateTime": delivery} if random.random() < 0.97 else None,
        "orderDateTime": _before(delivery, random),
        "calculatedFields": {"orderAmount": {"currency": currency, "value": _amount(random)}},
    }
    return made(api, ORDERS, number, **made_for)


def _price(random: Random) -> Decimal:
    return Decimal(random.choice(("0.07", "0.105", "0.3333335", "1.23456749", f"{random.uniform(0, 3):.2f}")))


def _amount(random: Random) -> Decimal | None:
    return _price(random) * 100 if random.random() < 0.85 else None


def _before(delivery: str | None, random: Random) -> str | None:
    """Some time before a delivery, at times after it or never told."""
    if delivery is None or random.random() < 0.05:
        return None
    moment = dt.datetime.fromisoformat(delivery) - dt.timedelta(seconds=random.randrange(-9000, 400_000))
    return moment.isoformat()


def store_all(told: Reporting) -> Reporting:
    """Two accounts with orders, and with some of the items and organizations that they are about."""
    for account, seed, count in (("north", 1, 300), ("south", 2, 120)):
        told.store(ORDERS, orders(told.api, seed, count), account)
    store_names(told)
    return told


def store_names(told: Reporting) -> None:
    """What the two accounts know of trade items and organizations: not the same, and deleted ones too."""
    path = "tradeItemName" if told.api == "suppliers" else "name"

    def item(id: str, name: str, *, is_deleted: bool = False) -> Json:
        called = {"nl": name} if told.api == "suppliers" else name
        return made(told.api, "catalog.trade_items", 1, **{"tradeItemId": id, path: called, "isDeleted": is_deleted})

    def organization(id: str | None, name: str) -> Json:
        return made(told.api, "organizations.organizations", 1, organizationId=id, name=name)

    told.store("trade_items", [item(ROSE, "Roos"), item(TULIP, "Tulp", is_deleted=True)], "north")
    told.store("trade_items", [item(TULIP, "Tulp uit het zuiden")], "south")
    told.store(
        "organizations",
        [organization(BLOOM, "Bloom B.V."), organization(PETAL, "  "), organization(GROWERS[0], "Kwekerij De Roos")],
        "north",
    )
    told.store("organizations", [organization(PETAL, "Petal & Søn")], "south")
