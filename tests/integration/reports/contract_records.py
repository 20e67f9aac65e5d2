"""Contracts, blanket orders and orders under contracts: what each period was drawn down, and handmade records."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

from tests.expected_rows import is_deleted
from tests.integration.report_warehouse import (
    AMSTERDAM,
    DELIVERY,
    ORDERS,
    Json,
    ReportWarehouse,
    Row,
    day,
    id_of,
    make_record,
    number,
    text,
    timestamp,
    uuid,
    value_at,
)
from tests.integration.reports import handmade_orders
from tests.integration.reports.handmade_orders import BLOOM, GROWERS, PETAL, ROSE, TULIP

CONTRACTS, BLANKET_ORDERS = "orders.contracts", "orders.blanket_orders"
MICROSECOND = dt.timedelta(microseconds=1)


@dataclass(frozen=True)
class Period:
    """A period of a contract line.

    Args:
        contract: version of the contract that contains it.
        position: position of the line in the contract, from 0.
        line: contract line that contains the period.
        record: period as Floriday serves it.
        like: number of earlier periods in the contract with the same trade item and start.
    """

    contract: Json
    position: int
    line: Json
    record: Json
    like: int

    @property
    def id(self) -> UUID | None:
        """The id of the period."""
        return uuid(self.record, "contractLinePeriodId")

    @property
    def item(self) -> UUID | None:
        """The trade item of the line."""
        return uuid(self.line, "tradeItem.tradeItemId")

    @property
    def identity(self) -> Row:
        """Values that identify the period in all versions of the contract."""
        return (*family(self.contract), self.item, timestamp(self.record, "startDateTime"), self.like)

    @property
    def days(self) -> tuple[dt.date | None, dt.date | None]:
        """First and last day in Amsterdam; the end time itself is not part of the period."""
        begins, ends = (timestamp(self.record, name) for name in ("startDateTime", "endDateTime"))
        times = [time for time in (begins, ends and ends - MICROSECOND) if time]
        return (day(self.record, "startDateTime"), max(times).astimezone(AMSTERDAM).date() if times else None)


def family(contract: Json) -> Row:
    """Return the values that all versions of a contract share."""
    return (uuid(contract, "supplierOrganizationId"), text(contract, "reference") or contract["contractId"])


def newest_approved(contracts: list[Json]) -> Iterator[Json]:
    """Yield the newest approved version of each contract, unless it is deleted."""
    families: dict[Row, list[Json]] = defaultdict(list)
    for contract in contracts:
        if value_at(contract, "version.isLatestApprovedVersion"):
            families[family(contract)].append(contract)
    for versions in families.values():
        newest = max(
            versions, key=lambda each: (value_at(each, "version.versionNumber") or 0, -UUID(each["contractId"]).int)
        )
        if not is_deleted(newest):
            yield newest


def periods_of(contract: Json) -> Iterator[Period]:
    """Yield the periods of all lines of a version."""
    counts: dict[Row, int] = defaultdict(int)
    for position, line in enumerate(contract["contractLines"]):
        for record in line.get("periods") or ():
            alike = (uuid(line, "tradeItem.tradeItemId"), timestamp(record, "startDateTime"))
            yield Period(contract, position, line, record, counts[alike])
            counts[alike] += 1


@dataclass
class Drawn:
    """What was drawn down of a period."""

    called_off: int = 0
    waiting: int = 0
    outside_margin: int = 0
    committed: int = 0
    delivered: int = 0
    paid: Decimal = Decimal(0)  # in the contract's currency
    priced_pieces: int = 0  # pieces whose price is known in that currency
    outstanding: int = 0  # called off, and to be delivered after now


def reported_periods(warehouse: ReportWarehouse, now: dt.datetime) -> Iterator[tuple[str, Period, Drawn]]:
    """Yield the periods of the newest versions with their accounts, and what was drawn down of them."""
    contracts = warehouse.newest_records(CONTRACTS)
    for account in dict.fromkeys(account for account, _ in contracts):
        versions = [contract for owner, contract in contracts if owner == account]
        periods = [period for contract in versions for period in periods_of(contract)]
        reported = [period for contract in newest_approved(versions) for period in periods_of(contract)]
        drawn = drawn_by_period(warehouse, account, periods, reported)
        _add_orders(warehouse, account, drawn, now)
        _add_outstanding(warehouse, account, drawn, now)
        for period in reported:
            yield account, period, drawn.total.get(period.id, Drawn())


@dataclass
class _DrawnByPeriod:
    total: dict[UUID | None, Drawn]  # by the id of a reported period
    targets: list[tuple[UUID | None, Drawn, str | None]]  # by line of a blanket order, with the contract's currency
    approved: list[tuple[Drawn, Json, Json]]  # approved blanket orders with each of their lines


def drawn_by_period(
    warehouse: ReportWarehouse, account: str, periods: list[Period], reported: list[Period]
) -> _DrawnByPeriod:
    """Return what blanket orders drew down of each reported period."""
    drawn = _DrawnByPeriod(defaultdict(Drawn), [], [])
    ids = {period.id for period in reported}
    newest_ids = {period.identity: period.id for period in reported}
    identities = {(uuid(period.contract, "contractId"), period.id): period.identity for period in periods}
    currencies = {uuid(each, "contractId"): text(each, "currency") for each in _contracts_of(warehouse, account)}
    for owner, order in warehouse.newest_records(BLANKET_ORDERS):
        for line in order["blanketOrderLines"] if owner == account else ():
            id, contract = uuid(line, "contractLinePeriodId"), uuid(order, "contractId")
            target = drawn.total[id if id in ids else newest_ids.get(identities.get((contract, id)) or ())]
            drawn.targets.append((uuid(line, "blanketOrderLineId"), target, currencies.get(contract)))
            _add_line(target, order, line)
            if not is_deleted(order) and value_at(order, "status.approvalStatus") == "APPROVED":
                drawn.approved.append((target, order, line))
    return drawn


def _contracts_of(warehouse: ReportWarehouse, account: str) -> list[Json]:
    return [contract for owner, contract in warehouse.newest_records(CONTRACTS) if owner == account]


def _add_line(target: Drawn, order: Json, line: Json) -> None:
    status = None if is_deleted(order) else value_at(order, "status.approvalStatus")
    if status == "APPROVED":
        target.called_off += line["numberOfPieces"]
        target.outside_margin += bool(line["liesOutsideOfContractLinePeriodMargins"])
    elif status == "FINALIZED":
        target.waiting += line["numberOfPieces"]


def _add_orders(warehouse: ReportWarehouse, account: str, drawn: _DrawnByPeriod, now: dt.datetime) -> None:
    by_line: Mapping[UUID | None, list[Json]] = defaultdict(list)
    for owner, order in warehouse.committed_orders():
        if owner == account and uuid(order, "blanketOrderLineId"):
            by_line[uuid(order, "blanketOrderLineId")].append(order)
    for id, target, currency in drawn.targets:
        for order in by_line.get(id, ()):
            pieces, latest = order["numberOfPieces"], timestamp(order, DELIVERY)
            target.committed += pieces
            target.delivered += pieces if latest is not None and latest <= now else 0
            price = number(order, "pricePerPiece.value")
            if price is not None and currency and text(order, "pricePerPiece.currency") == currency:
                target.paid += price * pieces
                target.priced_pieces += pieces


def _add_outstanding(warehouse: ReportWarehouse, account: str, drawn: _DrawnByPeriod, now: dt.datetime) -> None:
    """Add what is to come of approved call-offs: pieces of their orders, or of lines that have no order yet."""
    by_line: Mapping[UUID | None, list[Json]] = defaultdict(list)
    for owner, order in warehouse.newest_records(ORDERS):
        if owner == account and not is_deleted(order):
            by_line[uuid(order, "blanketOrderLineId")].append(order)
    for target, blanket, line in drawn.approved:
        orders = by_line.get(uuid(line, "blanketOrderLineId"))
        if orders is None:
            target.outstanding += line["numberOfPieces"] if _is_to_come(blanket, "deliveryDateTime", now) else 0
        for order in orders or ():
            if text(order, "status") in ("PENDING", "ACCEPTED", "COMMITTED") and _is_to_come(order, DELIVERY, now):
                target.outstanding += order["numberOfPieces"]


def _is_to_come(record: Json, name: str, now: dt.datetime) -> bool:
    time = timestamp(record, name)
    return time is None or time > now


def store_all(warehouse: ReportWarehouse) -> ReportWarehouse:
    """Store contracts of two accounts in several versions, and blanket orders and orders under each version."""
    for account, seed in (("north", 1), ("south", 2)):
        random = Random(seed)
        contracts = [contract_version(number, revision, random) for number in range(12) for revision in range(1, 4)]
        warehouse.store(CONTRACTS, contracts, account)
        warehouse.store(
            BLANKET_ORDERS, [blanket_order(number, random.choice(contracts), random) for number in range(90)], account
        )
        warehouse.store(ORDERS, [order_under_contract(number, random) for number in range(300)], account)
    handmade_orders.store_names(warehouse)
    return warehouse


def contract_version(number: int, revision: int, random: Random) -> Json:
    """Return a version of a contract: some keep their period ids, some are not approved, some have no reference."""
    keeps_ids = number % 2 == 0
    has_reference = number % 4 != 1
    return make_record(
        "suppliers",
        CONTRACTS,
        10 * number + revision,
        contractId=id_of(f"contract {number} {revision}"),
        reference=f"C{number}" if has_reference else None,
        supplierOrganizationId=GROWERS[number % 3],
        customerOrganizationId=random.choice((BLOOM, PETAL, None)),
        currency=random.choice(("EUR", "USD")),
        version={
            "versionNumber": random.choice((revision, revision, None)),
            "isLatestApprovedVersion": random.choice((True, True, False, None)),
        },
        status={"isDeleted": random.random() < 0.1},
        isDeleted=False,
        contractLines=[
            contract_line(f"{number} {0 if keeps_ids else revision} {position}", random) for position in range(3)
        ],
    )


def contract_line(name: str, random: Random) -> Json:
    """Return a line with up to four periods, which start on the same days as those of other lines."""
    starts = ["2025-03-23T23:00:00Z", "2025-03-30T22:00:00Z", "2025-12-28T23:00:00Z", None]
    return {
        "contractLineId": id_of(f"line {name}"),
        "tradeItem": {"tradeItemId": random.choice((ROSE, TULIP, None))},
        "periods": [
            {
                "contractLinePeriodId": id_of(f"period {name} {start}"),
                "startDateTime": start,
                "endDateTime": random.choice(("2025-04-06T22:00:00Z", "2026-01-04T23:00:00Z", None)),
                "pricePerPiece": random.choice((0, 1, None)),
                "numberOfPieces": random.choice((0, 60, 600)),
            }
            for start in random.sample(starts, random.randint(0, 4))
        ],
    }


def blanket_order(number: int, contract: Json, random: Random) -> Json:
    """Return a blanket order under a version of a contract."""
    periods = [period["contractLinePeriodId"] for line in contract["contractLines"] for period in line["periods"]]
    lines = [
        {
            "blanketOrderLineId": id_of(f"line {number} {position}"),
            "contractLinePeriodId": random.choice([*periods, id_of("unknown")]),
            "numberOfPieces": random.randrange(90),
            "liesOutsideOfContractLinePeriodMargins": random.choice((True, False, None)),
        }
        for position in range(random.randint(0, 4))
    ]
    return make_record(
        "suppliers",
        BLANKET_ORDERS,
        number,
        contractId=random.choice((*4 * [contract["contractId"]], id_of("unknown"))),
        status={
            "approvalStatus": random.choice(("APPROVED", "APPROVED", "FINALIZED", "DECLINED", "DRAFT")),
            "isDeleted": random.random() < 0.1,
        },
        isDeleted=False,
        deliveryDateTime=(None, "2025-03-12T10:00:00Z", "2150-03-12T10:00:00Z")[number % 3],
        blanketOrderLines=lines,
    )


def order_under_contract(number: int, random: Random) -> Json:
    """Return an order of a line of a blanket order, before or long after the test."""
    year = random.choice((2025, 2025, 2150))
    return make_record(
        "suppliers",
        ORDERS,
        number,
        status=random.choice(("COMMITTED", "COMMITTED", "CANCELLED")),
        isDeleted=random.random() < 0.1,
        blanketOrderLineId=random.choice((None, *[id_of(f"line {random.randrange(90)} {random.randrange(4)}")] * 4)),
        numberOfPieces=random.randrange(50),
        pricePerPiece={"currency": random.choice(("EUR", "USD")), "value": random.choice((None, 1, 2))},
        delivery={"latestDeliveryDateTime": random.choice((None, f"{year}-03-12T10:00:00Z"))},
    )


def contract(revision: int, *, pieces: int, is_deleted: bool = False) -> dict[str, Any]:
    """Return a version of contract C1 with one period."""
    period = {
        "contractLinePeriodId": id_of(f"period {revision}"),
        "startDateTime": "2026-03-08T23:00:00Z",
        "endDateTime": "2026-03-15T23:00:00Z",
        "numberOfPieces": pieces,
    }
    return make_record(
        "suppliers",
        CONTRACTS,
        revision,
        contractId=id_of(f"contract {revision}"),
        reference="C1",
        supplierOrganizationId=id_of("grower"),
        version={"versionNumber": revision, "isLatestApprovedVersion": True},
        status={"isDeleted": is_deleted},
        isDeleted=False,
        contractLines=[{"tradeItem": {"tradeItemId": ROSE}, "periods": [period]}],
    )


def blanket_order_of(revision: int, pieces: int) -> dict[str, Any]:
    """Return an approved blanket order under a version of contract C1."""
    line = {
        "blanketOrderLineId": id_of(f"line {revision}"),
        "contractLinePeriodId": id_of(f"period {revision}"),
        "numberOfPieces": pieces,
    }
    status = {"approvalStatus": "APPROVED", "isDeleted": False}
    fields = {"contractId": id_of(f"contract {revision}"), "status": status, "isDeleted": False}
    return make_record("suppliers", BLANKET_ORDERS, revision, **fields, blanketOrderLines=[line])
