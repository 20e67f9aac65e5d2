"""How much of a contract is called off."""

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
from tests.integration.reporting import (
    AMSTERDAM,
    Json,
    Reporting,
    Row,
    at,
    day,
    id_of,
    last_if_none,
    made,
    moment,
    number,
    quotient,
    text,
    uuid,
)
from tests.integration.reports import by_hand
from tests.integration.reports.asked import ALL, Asked
from tests.integration.reports.by_hand import BLOOM, GROWERS, PETAL, ROSE, TULIP

REPORT = "contract_drawdown"
CONTRACTS, BLANKET_ORDERS = "orders.contracts", "orders.blanket_orders"
INSTANT = dt.timedelta(microseconds=1)


@dataclass(frozen=True)
class Period:
    """A period of a contract's line.

    Args:
        contract: the version of the contract.
        place: of the line in the contract.
        line: the line.
        record: the period.
        like: how many periods of the contract with the same trade item and beginning stand before it.
    """

    contract: Json
    place: int
    line: Json
    record: Json
    like: int

    @property
    def id(self) -> UUID | None:
        """The period's id."""
        return uuid(self.record, "contractLinePeriodId")

    @property
    def item(self) -> UUID | None:
        """The trade item that was agreed on."""
        return uuid(self.line, "tradeItem.tradeItemId")

    @property
    def known_as(self) -> Row:
        """What is the same in all versions of the contract."""
        return (*family(self.contract), self.item, moment(self.record, "startDateTime"), self.like)

    @property
    def days(self) -> tuple[dt.date | None, dt.date | None]:
        """Its first and last day in Amsterdam; the end itself is not within it."""
        begins, ends = (moment(self.record, name) for name in ("startDateTime", "endDateTime"))
        known = [one for one in (begins, ends and ends - INSTANT) if one]
        return (day(self.record, "startDateTime"), max(known).astimezone(AMSTERDAM).date() if known else None)


def contract_drawdown(told: Reporting, asked: Asked = ALL) -> list[Row]:
    """The rows of the report."""
    contracts, names = told.served(CONTRACTS), {**told.organizations(), **told.items()}
    rows = []
    for account in dict.fromkeys(account for account, _ in contracts):
        versions = [record for whose, record in contracts if whose == account]
        counting = [period for contract in newest_approved(versions) for period in periods_of(contract)]
        drawn = drawn_by_period(told, account, [one for contract in versions for one in periods_of(contract)], counting)
        rows += [(*row_of(names, account, one, drawn[one.id]), one) for one in counting if is_asked(asked, one)]
    return [row[:-1] for row in sorted(rows, key=lambda row: (row[0], *place(row[-1])))]


def family(contract: Json) -> Row:
    """What all versions of a contract have in common."""
    return (uuid(contract, "supplierOrganizationId"), text(contract, "reference") or contract["contractId"])


def newest_approved(contracts: list[Json]) -> Iterator[Json]:
    """Of each contract the newest version that is said to be approved; none where that was deleted."""
    families: dict[Row, list[Json]] = defaultdict(list)
    for contract in contracts:
        if at(contract, "version.isLatestApprovedVersion"):
            families[family(contract)].append(contract)
    for versions in families.values():
        newest = max(versions, key=lambda one: (at(one, "version.versionNumber") or 0, -UUID(one["contractId"]).int))
        if not is_deleted(newest):
            yield newest


def periods_of(contract: Json) -> Iterator[Period]:
    """The periods of all lines of a version."""
    seen: dict[Row, int] = defaultdict(int)
    for place, line in enumerate(contract["contractLines"]):
        for record in line.get("periods") or ():
            alike = (uuid(line, "tradeItem.tradeItemId"), moment(record, "startDateTime"))
            yield Period(contract, place, line, record, seen[alike])
            seen[alike] += 1


def drawn_by_period(
    told: Reporting, account: str, periods: list[Period], counting: list[Period]
) -> dict[UUID | None, list[int]]:
    """By the id of a period that counts, pieces called off, pieces waiting, and lines outside of the margins."""
    drawn: dict[UUID | None, list[int]] = defaultdict(lambda: [0, 0, 0])
    ids = {one.id for one in counting}
    newer = {one.known_as: one.id for one in counting}
    older = {(uuid(one.contract, "contractId"), one.id): one.known_as for one in periods}
    for whose, order in told.served(BLANKET_ORDERS):
        if whose != account or is_deleted(order):
            continue
        for line in order["blanketOrderLines"]:
            id = uuid(line, "contractLinePeriodId")
            known_as = older.get((uuid(order, "contractId"), id))
            target = drawn[id if id in ids else newer.get(known_as or ())]
            if at(order, "status.approvalStatus") == "APPROVED":
                target[0] += line["numberOfPieces"]
                target[2] += bool(line["liesOutsideOfContractLinePeriodMargins"])
            elif at(order, "status.approvalStatus") == "FINALIZED":
                target[1] += line["numberOfPieces"]
    return drawn


def is_asked(asked: Asked, period: Period) -> bool:
    """Whether a period has a day that is asked for, and is about what is asked for."""
    first, last = period.days
    return (
        (asked.from_date is None or (last is not None and last >= asked.from_date))
        and (asked.to_date is None or (first is not None and first <= asked.to_date))
        and asked.currency in (None, text(period.contract, "currency"))
        and asked.customer in (None, uuid(period.contract, "customerOrganizationId"))
        and asked.grower in (None, uuid(period.contract, "supplierOrganizationId"))
        and asked.trade_item in (None, period.item)
    )


def row_of(names: Mapping[Row, str | None], account: str, period: Period, drawn: list[int]) -> Row:
    """A period's row, with the names of organizations and trade items."""
    called_off, waiting, outside = drawn
    customer, supplier = (uuid(period.contract, f"{one}OrganizationId") for one in ("customer", "supplier"))
    agreed = period.record["numberOfPieces"]
    return (
        *(account, text(period.contract, "reference"), text(period.contract, "title")),
        *(customer, names.get((account, customer)), supplier, names.get((account, supplier))),
        *(period.item, names.get((account, period.item)), *period.days),
        *(text(period.contract, "currency"), number(period.record, "pricePerPiece"), agreed),
        *(called_off, waiting, quotient(called_off, agreed), outside, period.id),
    )


def place(period: Period) -> Row:
    """By contract, in it by line, in that by time."""
    begins = moment(period.record, "startDateTime")
    contract = (text(period.contract, "reference"), uuid(period.contract, "supplierOrganizationId"))
    return (
        *map(last_if_none, contract),
        UUID(period.contract["contractId"]),
        period.place,
        last_if_none(begins),
        last_if_none(period.id),
    )


def test_the_world_of_a_grower(grower_world: Reporting) -> None:
    """Every row of the sandbox's world, in order: call-offs under older versions, within and outside of the margins."""
    contracts = {contract["contractId"]: contract for _, contract in grower_world.served(CONTRACTS)}
    under = [contracts[order["contractId"]] for _, order in grower_world.served(BLANKET_ORDERS)]
    rows = grower_world.report(REPORT)

    assert {at(contract, "version.isLatestApprovedVersion") for contract in under} == {True, False}
    assert any(row[14] for row in rows)
    assert any(row[17] for row in rows)
    assert rows == contract_drawdown(grower_world)


def test_the_world_of_a_buyer(buyer_world: Reporting) -> None:
    """The same of what a buyer has agreed on, whose contracts keep their id in another version."""
    rows = buyer_world.report(REPORT)

    assert any(row[14] for row in rows)
    assert rows == contract_drawdown(buyer_world)


@pytest.fixture(scope="module")
def contracts_by_hand(tmp_path_factory: pytest.TempPathFactory) -> Reporting:
    """Contracts of two accounts in several versions, and what was called off under each of them."""
    told = Reporting(tmp_path_factory.mktemp("contracts") / "w.duckdb")
    for account, seed in (("north", 1), ("south", 2)):
        random = Random(seed)
        contracts = [version(number, of, random) for number in range(12) for of in range(1, 4)]
        told.store(CONTRACTS, contracts, account)
        told.store(
            BLANKET_ORDERS, [blanket_order(number, random.choice(contracts), random) for number in range(90)], account
        )
    by_hand.store_names(told)
    return told


def version(number: int, of: int, random: Random) -> Json:
    """A version of a contract: some keep the ids of their periods, some are not approved, some have no reference."""
    keeps_ids = number % 2 == 0
    has_reference = number % 4 != 1
    return made(
        "suppliers",
        CONTRACTS,
        10 * number + of,
        contractId=id_of(f"contract {number} {of}"),
        reference=f"C{number}" if has_reference else None,
        supplierOrganizationId=GROWERS[number % 3],
        customerOrganizationId=random.choice((BLOOM, PETAL, None)),
        currency=random.choice(("EUR", "USD")),
        version={
            "versionNumber": random.choice((of, of, None)),
            "isLatestApprovedVersion": random.choice((True, True, False, None)),
        },
        status={"isDeleted": random.random() < 0.1},
        isDeleted=False,
        contractLines=[contract_line(f"{number} {0 if keeps_ids else of} {place}", random) for place in range(3)],
    )


def contract_line(name: str, random: Random) -> Json:
    """A line with periods that begin on the same days as those of others, one without any."""
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
    """What is called off under a version."""
    periods = [one["contractLinePeriodId"] for line in contract["contractLines"] for one in line["periods"]]
    lines = [
        {
            "contractLinePeriodId": random.choice([*periods, id_of("nobody knows")]),
            "numberOfPieces": random.randrange(90),
            "liesOutsideOfContractLinePeriodMargins": random.choice((True, False, None)),
        }
        for _ in range(random.randint(0, 4))
    ]
    return made(
        "suppliers",
        BLANKET_ORDERS,
        number,
        contractId=random.choice((*4 * [contract["contractId"]], id_of("nobody knows"))),
        status={
            "approvalStatus": random.choice(("APPROVED", "APPROVED", "FINALIZED", "DECLINED", "DRAFT")),
            "isDeleted": random.random() < 0.1,
        },
        isDeleted=False,
        blanketOrderLines=lines,
    )


NARROWED = (
    Asked(from_date=dt.date(2025, 4, 7)),
    Asked(to_date=dt.date(2025, 3, 30)),
    Asked(from_date=dt.date(2025, 3, 31), to_date=dt.date(2025, 3, 31)),
    Asked(currency="USD"),
    Asked(customer=UUID(BLOOM)),
    Asked(grower=UUID(GROWERS[0])),
    Asked(trade_item=UUID(ROSE)),
)


@pytest.mark.parametrize("asked", [ALL, *NARROWED], ids=repr)
def test_contracts_by_hand(contracts_by_hand: Reporting, asked: Asked) -> None:
    """Versions with and without ids of their own, lines of one trade item, periods without a beginning or an end."""
    rows = contracts_by_hand.report(REPORT, **asked.given)

    assert rows
    assert rows == contract_drawdown(contracts_by_hand, asked)


def test_what_was_called_off_earlier_counts_for_the_newest_version(grower: Reporting) -> None:
    """The newest version has periods of its own, with the same beginning."""
    grower.store(CONTRACTS, [agreed(1, pieces=100), agreed(2, pieces=200)])
    grower.store(BLANKET_ORDERS, [called(1, 40), called(2, 20)])

    assert [row[13:] for row in grower.report(REPORT)] == [(200, 60, 0, quotient(60, 200), 0, UUID(id_of("period 2")))]


def test_a_deleted_contract_is_gone(grower: Reporting) -> None:
    """No older version takes its place."""
    grower.store(CONTRACTS, [agreed(1, pieces=100), agreed(2, pieces=200, is_deleted=True)])

    assert grower.report(REPORT) == []


def test_no_contracts(grower: Reporting) -> None:
    """The report is there and empty."""
    assert grower.report(REPORT) == []


def agreed(of: int, *, pieces: int, is_deleted: bool = False) -> dict[str, Any]:
    """A version of a contract with one period."""
    period = {
        "contractLinePeriodId": id_of(f"period {of}"),
        "startDateTime": "2026-03-08T23:00:00Z",
        "endDateTime": "2026-03-15T23:00:00Z",
        "numberOfPieces": pieces,
    }
    return made(
        "suppliers",
        CONTRACTS,
        of,
        contractId=id_of(f"contract {of}"),
        reference="C1",
        supplierOrganizationId=id_of("grower"),
        version={"versionNumber": of, "isLatestApprovedVersion": True},
        status={"isDeleted": is_deleted},
        isDeleted=False,
        contractLines=[{"tradeItem": {"tradeItemId": ROSE}, "periods": [period]}],
    )


def called(of: int, pieces: int) -> dict[str, Any]:
    """What was called off under a version."""
    line = {"contractLinePeriodId": id_of(f"period {of}"), "numberOfPieces": pieces}
    status = {"approvalStatus": "APPROVED", "isDeleted": False}
    fields = {"contractId": id_of(f"contract {of}"), "status": status, "isDeleted": False}
    return made("suppliers", BLANKET_ORDERS, of, **fields, blanketOrderLines=[line])
