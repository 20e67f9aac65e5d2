"""Report ``contract_drawdown``: the pieces of a contract that are called off."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

import pytest

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
    nulls_last,
    number,
    quotient,
    text,
    timestamp,
    uuid,
    value_at,
)
from tests.integration.reports import handmade_orders
from tests.integration.reports.handmade_orders import BLOOM, GROWERS, PETAL, ROSE, TULIP
from tests.integration.reports.report_parameters import NO_FILTER, Parameters
from tests.moments import real_now

REPORT = "contract_drawdown"
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


def expected_rows(
    warehouse: ReportWarehouse, parameters: Parameters = NO_FILTER, now: dt.datetime | None = None
) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    ordered = ordered_by_line(warehouse, now or real_now())
    contracts = warehouse.newest_records(CONTRACTS)
    names = {**warehouse.organization_names(), **warehouse.trade_item_names()}
    rows = []
    for account in dict.fromkeys(account for account, _ in contracts):
        versions = [contract for owner, contract in contracts if owner == account]
        periods = [period for contract in versions for period in periods_of(contract)]
        reported = [period for contract in newest_approved(versions) for period in periods_of(contract)]
        drawn = drawn_by_period(warehouse, account, periods, reported, ordered)
        rows += [
            (*row_of(names, account, period, drawn[period.id]), period)
            for period in reported
            if is_selected(parameters, period)
        ]
    return [row[:-1] for row in sorted(rows, key=lambda row: (row[0], *sort_key(row[-1])))]


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


def ordered_by_line(warehouse: ReportWarehouse, now: dt.datetime) -> dict[Row, tuple[int, int]]:
    """Return committed and delivered pieces by account and line of a blanket order."""
    ordered: dict[Row, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for account, order in warehouse.committed_orders():
        if line := uuid(order, "blanketOrderLineId"):
            pieces, latest = order["numberOfPieces"], timestamp(order, DELIVERY)
            committed, delivered = ordered[account, line]
            has_passed = latest is not None and latest <= now
            ordered[account, line] = (committed + pieces, delivered + (pieces if has_passed else 0))
    return ordered


def drawn_by_period(
    warehouse: ReportWarehouse,
    account: str,
    periods: list[Period],
    reported: list[Period],
    ordered: Mapping[Row, tuple[int, int]],
) -> dict[UUID | None, list[int]]:
    """Return pieces called off, waiting, committed, delivered, and lines outside the margins, by reported period."""
    drawn: dict[UUID | None, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
    ids = {period.id for period in reported}
    newest_ids = {period.identity: period.id for period in reported}
    identities = {(uuid(period.contract, "contractId"), period.id): period.identity for period in periods}
    for owner, order in warehouse.newest_records(BLANKET_ORDERS):
        if owner != account:
            continue
        for line in order["blanketOrderLines"]:
            id = uuid(line, "contractLinePeriodId")
            identity = identities.get((uuid(order, "contractId"), id))
            target = drawn[id if id in ids else newest_ids.get(identity or ())]
            committed, delivered = ordered.get((account, uuid(line, "blanketOrderLineId")), (0, 0))
            target[2] += committed
            target[3] += delivered
            if is_deleted(order):
                continue
            if value_at(order, "status.approvalStatus") == "APPROVED":
                target[0] += line["numberOfPieces"]
                target[4] += bool(line["liesOutsideOfContractLinePeriodMargins"])
            elif value_at(order, "status.approvalStatus") == "FINALIZED":
                target[1] += line["numberOfPieces"]
    return drawn


def is_selected(parameters: Parameters, period: Period) -> bool:
    """Return whether a period has a day within the parameters' period and matches the other parameters."""
    first, last = period.days
    return (
        (parameters.from_date is None or (last is not None and last >= parameters.from_date))
        and (parameters.to_date is None or (first is not None and first <= parameters.to_date))
        and parameters.currency in (None, text(period.contract, "currency"))
        and parameters.customer in (None, uuid(period.contract, "customerOrganizationId"))
        and parameters.grower in (None, uuid(period.contract, "supplierOrganizationId"))
        and parameters.trade_item in (None, period.item)
    )


def row_of(names: Mapping[Row, str | None], account: str, period: Period, drawn: list[int]) -> Row:
    """Return the row of a period."""
    called_off, waiting, committed, delivered, outside = drawn
    customer, supplier = (uuid(period.contract, f"{role}OrganizationId") for role in ("customer", "supplier"))
    agreed = period.record["numberOfPieces"]
    return (
        *(account, text(period.contract, "reference"), text(period.contract, "title")),
        *(customer, names.get((account, customer)), supplier, names.get((account, supplier))),
        *(period.item, names.get((account, period.item)), *period.days),
        *(text(period.contract, "currency"), number(period.record, "pricePerPiece"), agreed),
        *(called_off, waiting, committed, delivered, quotient(called_off, agreed), outside, period.id),
    )


def sort_key(period: Period) -> Row:
    """Return the sort key: by contract, then by line, then by time."""
    begins = timestamp(period.record, "startDateTime")
    contract = (text(period.contract, "reference"), uuid(period.contract, "supplierOrganizationId"))
    return (
        *map(nulls_last, contract),
        UUID(period.contract["contractId"]),
        period.position,
        nulls_last(begins),
        nulls_last(period.id),
    )


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected, with call-offs under older versions."""
    contracts = {contract["contractId"]: contract for _, contract in grower_world.newest_records(CONTRACTS)}
    ordered_from = [contracts[order["contractId"]] for _, order in grower_world.newest_records(BLANKET_ORDERS)]
    rows = grower_world.report(REPORT)

    assert {value_at(contract, "version.isLatestApprovedVersion") for contract in ordered_from} == {True, False}
    assert any(row[14] for row in rows)
    assert any(row[19] for row in rows)
    assert any(row[16] > 0 for row in rows)
    assert rows == expected_rows(grower_world)


def test_buyer_world(buyer_world: ReportWarehouse) -> None:
    """For a buyer in the sandbox world, the rows are as expected; its contracts keep their id in each version."""
    rows = buyer_world.report(REPORT)

    assert any(row[14] for row in rows)
    assert rows == expected_rows(buyer_world)


@pytest.fixture(scope="module")
def handmade_contracts(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with contracts of two accounts in several versions, and blanket orders under each version."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("contracts") / "w.duckdb")
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


FILTERS = (
    Parameters(from_date=dt.date(2025, 4, 7)),
    Parameters(to_date=dt.date(2025, 3, 30)),
    Parameters(from_date=dt.date(2025, 3, 31), to_date=dt.date(2025, 3, 31)),
    Parameters(currency="USD"),
    Parameters(customer=UUID(BLOOM)),
    Parameters(grower=UUID(GROWERS[0])),
    Parameters(trade_item=UUID(ROSE)),
)


@pytest.mark.parametrize("parameters", [NO_FILTER, *FILTERS], ids=repr)
def test_handmade_contracts(handmade_contracts: ReportWarehouse, parameters: Parameters) -> None:
    """Rows are correct for kept and replaced period ids, equal trade items, and periods without start or end."""
    rows = handmade_contracts.report(REPORT, **parameters.arguments)

    assert rows
    assert rows == expected_rows(handmade_contracts, parameters)


def test_call_offs_of_older_versions_count_for_the_newest(warehouse: ReportWarehouse) -> None:
    """Pieces called off under an older version count for the newest version's period with the same start."""
    warehouse.store(CONTRACTS, [contract(1, pieces=100), contract(2, pieces=200)])
    warehouse.store(BLANKET_ORDERS, [blanket_order_of(1, 40), blanket_order_of(2, 20)])

    assert [row[13:] for row in warehouse.report(REPORT)] == [
        (200, 60, 0, 0, 0, quotient(60, 200), 0, UUID(id_of("period 2")))
    ]


def test_committed_and_delivered_pieces(warehouse: ReportWarehouse) -> None:
    """What is called off, committed and delivered are three figures; a correction changes the last two."""
    warehouse.store(CONTRACTS, [contract(1, pieces=100)])
    warehouse.store(BLANKET_ORDERS, [blanket_order_of(1, 40)])
    ordered = {"status": "COMMITTED", "isDeleted": False, "blanketOrderLineId": id_of("line 1")}
    for seed, (pieces, date) in enumerate(((25, "2026-03-10"), (10, "2150-03-10"))):
        delivery = {"latestDeliveryDateTime": f"{date}T10:00:00Z"}
        order = make_record("suppliers", ORDERS, seed, **ordered, numberOfPieces=pieces, delivery=delivery)
        warehouse.store(ORDERS, [order])

    assert [row[13:18] for row in warehouse.report(REPORT)] == [(100, 40, 0, 35, 25)]


def test_deleted_contract_has_no_row(warehouse: ReportWarehouse) -> None:
    """A contract whose newest version is deleted has no row, although an older version is not deleted."""
    warehouse.store(CONTRACTS, [contract(1, pieces=100), contract(2, pieces=200, is_deleted=True)])

    assert warehouse.report(REPORT) == []


def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []


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
