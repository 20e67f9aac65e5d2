"""Report ``cheapest_offer``: the cheapest offer of comparable trade items, with packing, levies and rent."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    AMOUNT,
    AMSTERDAM,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    id_of,
    make_record,
    nulls_last,
    number,
    text,
    timestamp,
    uuid,
    value_at,
)
from tests.integration.reports.report_parameters import Parameters, grower_of
from tests.moments import NOW, real_now

REPORT = "cheapest_offer"
LINES, ITEMS = "supply.supply_lines", "catalog.trade_items"
TRAITS = ("S01", "S02", "S20", "L11", "S98")
MONDAY = Parameters(from_date=dt.date(2026, 3, 2), to_date=dt.date(2026, 3, 2))

Key = tuple[Any, ...]


def expected_rows(warehouse: ReportWarehouse, parameters: Parameters) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    items = {(account, uuid(item, "tradeItemId")): item for account, item in warehouse.newest_records(ITEMS)}
    rates, groups, growers = Rates(warehouse), defaultdict(list), warehouse.organization_names()
    for account, line in warehouse.newest_records(LINES):
        if is_orderable(line, parameters):
            group = group_of(line, items.get((account, uuid(line, "tradeItemId"))))
            groups[account, group, text(line, "pricePerPiece.currency")].append(line)
    rows = []
    for (account, group, currency), lines in groups.items():
        item_ids = {
            group_of({}, item): id
            for (owner, id), item in items.items()
            if owner == account and id == parameters.trade_item
        }
        if parameters.trade_item and group not in item_ids and group != str(parameters.trade_item):
            continue
        offers = sorted(
            ((sum(parts := rates.price(account, line)), uuid(line, "supplyLineId"), parts, line) for line in lines),
            key=lambda offer: offer[:2],
        )
        price, id, parts, line = offers[0]
        item, grower = uuid(line, "tradeItemId"), uuid(line, "supplierOrganizationId")
        record = items.get((account, item))
        rows.append(
            (
                *(account, group, text(record, "vbnProductCode"), None, item, text(record, "name"), id),
                *(grower, growers.get((account, grower)), price, *parts, currency),
                offers[1][0] if len(offers) > 1 else None,
                *(line["numberOfPieces"], timestamp(line, "orderPeriod.endDateTime"), len(offers)),
                len({uuid(line, "supplierOrganizationId") for line in lines} - {None}),
            )
        )
    return sorted(rows, key=lambda row: (row[0], row[1], nulls_last(row[14])))


def is_orderable(line: Json, parameters: Parameters) -> bool:
    """Return whether a line can be ordered in the period and matches the parameters."""
    begin, end = timestamp(line, "orderPeriod.startDateTime"), timestamp(line, "orderPeriod.endDateTime")
    first, last = parameters.from_date, parameters.to_date
    assert first
    return (
        text(line, "status") == "AVAILABLE"
        and not line.get("isDeleted")
        and (line.get("numberOfPieces") or 0) > 0
        and uuid(line, "tradeItemId") is not None
        and number(line, "pricePerPiece.value") is not None
        and (begin is None or last is None or begin.astimezone(AMSTERDAM).date() <= last)
        and (end is None or end > dt.datetime.combine(first, dt.time(), AMSTERDAM))
        and parameters.currency in (None, text(line, "pricePerPiece.currency"))
        and parameters.grower in (None, uuid(line, "supplierOrganizationId"))
    )


def group_of(line: Json, item: Json | None) -> str:
    """Return the group of comparable trade items of a line's trade item."""
    code = text(item, "vbnProductCode")
    if item is None or code is None:
        return str(uuid(item or line, "tradeItemId"))
    pairs = [(text(part, "vbnCode"), text(part, "vbnValueCode")) for part in item.get("characteristics") or []]
    return " ".join([code, *(f"{name}={value}" for name, value in sorted(pairs) if name in TRAITS and value)])


class Rates:
    """The levies and rents of direct orders, by which those of offers are expected."""

    def __init__(self, warehouse: ReportWarehouse) -> None:
        sums: dict[Key, list[Decimal]] = defaultdict(lambda: [Decimal(0), Decimal(0)])
        for account, order in warehouse.committed_orders():
            currency = text(order, f"{AMOUNT}.currency")
            if not (text(order, "tradeInstrument") or "").startswith("CLOCK"):
                levies, rent = (
                    in_currency(order, name, currency) for name in ("totalAuctionLevies", "totalPackageRentalCosts")
                )
                package = value_at(order, "packingConfiguration.package.vbnPackageCode")
                for key, part, whole in (
                    ((account, currency, "levies", grower_of(order)), levies, number(order, f"{AMOUNT}.value") or 0),
                    ((account, currency, "levies", "all"), levies, number(order, f"{AMOUNT}.value") or 0),
                    ((account, currency, "rent", package), rent, Decimal(order["numberOfPieces"])),
                ):
                    sums[key] = [sums[key][0] + part, sums[key][1] + whole]
        self._rates = {key: rounded(part / whole) for key, (part, whole) in sums.items() if whole}

    def price(self, account: str, line: Json) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Return the price of a piece, its packing, its levies and its rent."""
        price, currency = number(line, "pricePerPiece.value"), text(line, "pricePerPiece.currency")
        assert price is not None
        packing, package = cheapest_packing(line, currency)
        rate = self._rates.get((account, currency, "levies", uuid(line, "supplierOrganizationId")))
        if rate is None:
            rate = self._rates.get((account, currency, "levies", "all"), Decimal(0))
        rent = self._rates.get((account, currency, "rent", package), Decimal(0)) if package else Decimal(0)
        return price, packing, rounded((price + packing) * rate), rent


def in_currency(order: Json, name: str, currency: str | None) -> Decimal:
    """Return a calculated amount of an order; 0 if there is none in the order's currency."""
    amount = number(order, f"calculatedFields.{name}.value")
    return amount if amount is not None and text(order, f"calculatedFields.{name}.currency") == currency else Decimal(0)


def cheapest_packing(line: Json, currency: str | None) -> tuple[Decimal, int | None]:
    """Return the lowest surcharge of a line's packings, and the code of that package."""
    packings = [
        (
            number(packing, "additionalPricePerPiece.value") or Decimal(0),
            position,
            value_at(packing, "package.vbnPackageCode"),
        )
        for position, packing in enumerate(line.get("packingConfigurations") or [])
        if number(packing, "additionalPricePerPiece.value") is None
        or text(packing, "additionalPricePerPiece.currency") == currency
    ]
    surcharge, _, package = min(packings, default=(Decimal(0), 0, None), key=lambda packing: packing[:2])
    return surcharge, package


def rounded(value: Decimal) -> Decimal:
    """Return a number with six decimals."""
    return value.quantize(Decimal("1e-6"), ROUND_HALF_UP)


@pytest.fixture(scope="module")
def offers(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with offers of comparable trade items of three growers, and orders with levies and rents."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("offers") / "w.duckdb", "customers")
    for account, seed in (("north", 41), ("south", 42)):
        random = Random(f"offers {seed}")
        warehouse.store(ITEMS, [item(n, random) for n in range(12)], account)
        warehouse.store(LINES, [line(n, random) for n in range(150)], account)
        warehouse.store(ORDERS, [order(n, random) for n in range(60)], account)
        organization = make_record("customers", "organizations.organizations", 1, organizationId=grower(0), name="Rosa")
        warehouse.store("organizations", [organization], account)
    return warehouse


def grower(number: int) -> str:
    """Return the identifier of a grower."""
    return id_of(f"grower {number}")


def item(number: int, random: Random) -> Json:
    """Return a trade item of one of few product codes and characteristics, or of none."""
    size = {"vbnCode": "S01", "vbnValueCode": random.choice(("012", "017"))}
    origin = {"vbnCode": "S62", "vbnValueCode": random.choice(("NL", "KE"))}
    characteristics = random.choice(([], None, [size, origin], [origin, size], [size]))
    fields = {"tradeItemId": id_of(f"item {number}"), "vbnProductCode": random.choice(("973", "1234", "", None))}
    return make_record("customers", ITEMS, number, **fields, characteristics=characteristics)


def line(number: int, random: Random, **fields: Any) -> Json:
    """Return a supply line of a trade item that may be unknown; most can be ordered on Monday."""
    currency = random.choice(("EUR", "EUR", "USD"))
    defaults = {
        "supplyLineId": id_of(f"line {number}"),
        "status": random.choice(("AVAILABLE",) * 5 + ("UNAVAILABLE",)),
        "isDeleted": random.random() < 0.1,
        "tradeItemId": id_of(f"item {random.randrange(14)}"),
        "supplierOrganizationId": random.choice((grower(0), grower(1), grower(2), None)),
        "numberOfPieces": random.choice((0, 40, 600, 600)),
        "pricePerPiece": {
            "currency": currency,
            "value": random.choice((Decimal("0.30"), Decimal("0.3333"), Decimal("0.41"), None)),
        },
        "packingConfigurations": random.choice((None, [], [packing(random) for _ in range(3)])),
        "orderPeriod": {
            "startDateTime": random.choice(("2026-03-02T22:59:59Z", "2026-03-01T11:00:00Z", "2026-03-02T23:00:00Z")),
            "endDateTime": random.choice(("2026-03-01T23:00:01Z", "2026-03-09T11:00:00Z", "2026-03-01T23:00:00Z")),
        },
    }
    return make_record("customers", LINES, number, **{**defaults, **fields})


def packing(random: Random) -> Json:
    """Return a packing with or without a surcharge, in one currency or another."""
    value = random.choice((Decimal("0.02"), Decimal("0.05"), None))
    price = {"currency": random.choice(("EUR", "USD")), "value": value} if random.random() < 0.8 else None
    return {"package": {"vbnPackageCode": random.choice((577, 996, 644))}, "additionalPricePerPiece": price}


def order(number: int, random: Random, **fields: Any) -> Json:
    """Return a committed order with levies and rent, in its own currency or another."""
    currencies = ("EUR", "EUR", "USD", None)
    amounts = {
        "orderAmount": {"currency": random.choice(currencies), "value": random.choice((100, 37, None))},
        "totalAuctionLevies": {
            "currency": random.choice(currencies),
            "value": random.choice((3, Decimal("1.1"), None)),
        },
        "totalPackageRentalCosts": {"currency": random.choice(currencies), "value": random.choice((2, None))},
    }
    defaults = {
        "status": random.choice(("COMMITTED", "COMMITTED", "CANCELLED")),
        "isDeleted": False,
        "tradeInstrument": random.choice(("DIRECT_SALES", "DIRECT_SALES", "CLOCK_SALES")),
        "sellerOrganizationId": random.choice((grower(0), grower(1), None)),
        "supplierOrganizationId": grower(1),
        "numberOfPieces": random.choice((0, 120, 400)),
        "packingConfiguration": {"package": {"vbnPackageCode": random.choice((577, 996))}},
        "calculatedFields": amounts,
    }
    return make_record("customers", ORDERS, number, **{**defaults, **fields})


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the rows are as expected, with several offers in a group and names."""
    parameters = Parameters(from_date=NOW.date(), to_date=NOW.date())
    rows = buyer_world.report(REPORT, **parameters.arguments)

    assert any(row[18] > 1 for row in rows)
    assert all(row[8] for row in rows)
    assert rows == expected_rows(buyer_world, parameters)


FILTERS = (
    replace(MONDAY, currency="USD"),
    replace(MONDAY, grower=UUID(grower(1))),
    *(replace(MONDAY, trade_item=UUID(id_of(f"item {n}"))) for n in range(14)),
)


@pytest.mark.parametrize("parameters", [MONDAY, *FILTERS], ids=repr)
def test_handmade_offers(offers: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct at the ends of order periods, for unknown items, equal prices, and rates in two currencies."""
    rows = offers.report(REPORT, **parameters.arguments)

    assert rows == expected_rows(offers, parameters)


def test_later_offers(offers: ReportWarehouse) -> None:
    """With only a first day, offers count that can be ordered on that day or on any later one."""
    parameters = replace(MONDAY, to_date=None)

    assert offers.report(REPORT, **parameters.arguments) == expected_rows(offers, parameters)


def test_rates_occur(offers: ReportWarehouse) -> None:
    """The handmade offers have levies, rents, surcharges, and groups of several growers."""
    rows = offers.report(REPORT, **MONDAY.arguments)

    assert all(any(row[column] for row in rows) for column in (11, 12, 13, 15))
    assert max(row[19] for row in rows) == 3


def test_offers_of_now(buyer_warehouse: ReportWarehouse) -> None:
    """Without parameters, the offers are those that can be ordered now."""
    now, hour = real_now(), dt.timedelta(hours=1)
    periods = ((now - hour, now + hour), (now + hour, now + 2 * hour), (now - 2 * hour, now - hour))
    buyer_warehouse.store(
        LINES,
        [
            offer(n, "0.30", orderPeriod={"startDateTime": begin.isoformat(), "endDateTime": end.isoformat()})
            for n, (begin, end) in enumerate(periods)
        ],
    )

    assert [(row[6], row[18]) for row in buyer_warehouse.report(REPORT)] == [(UUID(id_of("line 0")), 1)]


def test_price_includes_packing_levies_and_rent(buyer_warehouse: ReportWarehouse) -> None:
    """The lower price is not the cheapest offer if its packing costs more, or its grower's orders have levies."""
    amounts = {
        "orderAmount": {"currency": "EUR", "value": 1000},
        "totalAuctionLevies": {"currency": "EUR", "value": 30},
        "totalPackageRentalCosts": {"currency": "EUR", "value": 10},
    }
    fields = {"status": "COMMITTED", "tradeInstrument": "DIRECT_SALES", "numberOfPieces": 1000}
    buyer_warehouse.store(
        ORDERS, [order(1, Random(1), **fields, sellerOrganizationId=grower(1), calculatedFields=amounts,
                       packingConfiguration={"package": {"vbnPackageCode": 577}})]
    )  # fmt: skip
    cheap = [
        {"package": {"vbnPackageCode": 577}, "additionalPricePerPiece": {"currency": "EUR", "value": Decimal("0.02")}}
    ]
    lines = [offer(1, "1.00", supplierOrganizationId=grower(1), packingConfigurations=cheap), offer(2, "1.01")]
    buyer_warehouse.store(LINES, lines)
    rows = buyer_warehouse.report(REPORT, **MONDAY.arguments)

    assert [(row[6], *row[9:14], row[15]) for row in rows] == [
        (
            *(UUID(id_of("line 2")), Decimal("1.0403"), Decimal("1.01"), 0, Decimal("0.0303"), 0),
            Decimal("1.0606"),
        )
    ]


def test_only_comparable_trade_items_are_compared(buyer_warehouse: ReportWarehouse) -> None:
    """Trade items of two growers are compared if product, size and quality are the same, whatever their origin."""

    def rose(number: int, size: str, origin: str) -> Json:
        pairs = (("S62", origin), ("S20", size))
        traits = [{"vbnCode": code, "vbnValueCode": value} for code, value in pairs]
        fields = {"tradeItemId": id_of(f"item {number}"), "vbnProductCode": "973", "name": f"Rose {number}"}
        return make_record("customers", ITEMS, number, **fields, characteristics=traits)

    buyer_warehouse.store(ITEMS, [rose(1, "060", "NL"), rose(2, "060", "KE"), rose(3, "040", "NL")])
    prices = ("0.50", "0.45", "0.20")
    lines = [offer(n, price, tradeItemId=id_of(f"item {n}")) for n, price in enumerate(prices, start=1)]
    buyer_warehouse.store(LINES, lines)
    rows = buyer_warehouse.report(REPORT, **MONDAY.arguments)

    assert [(row[1], row[5], row[9], row[15]) for row in rows] == [
        ("973 S20=040", "Rose 3", Decimal("0.2"), None),
        ("973 S20=060", "Rose 2", Decimal("0.45"), Decimal("0.5")),
    ]


def test_empty_warehouse(buyer_warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert buyer_warehouse.report(REPORT) == []


def offer(number: int, price: str, **fields: Any) -> Json:
    """Return a supply line of one trade item that can be ordered on Monday."""
    defaults = {
        "status": "AVAILABLE",
        "isDeleted": False,
        "tradeItemId": id_of("item 1"),
        "supplierOrganizationId": grower(2),
        "numberOfPieces": 100,
        "pricePerPiece": {"currency": "EUR", "value": Decimal(price)},
        "packingConfigurations": [],
        "orderPeriod": {"startDateTime": "2026-03-01T11:00:00Z", "endDateTime": "2026-03-09T11:00:00Z"},
    }
    return line(number, Random(number), **{**defaults, **fields})
