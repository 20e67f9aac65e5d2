"""Report ``stock_at_risk``: old stock beside its offers, and what failed at the clock."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.integration.report_warehouse import (
    Json,
    ReportWarehouse,
    Row,
    day,
    descending,
    id_of,
    make_record,
    nulls_last,
    text,
    timestamp,
    uuid,
)
from tests.integration.reports import handmade_orders
from tests.integration.reports.handmade_orders import ROSE, TULIP, UNKNOWN
from tests.integration.reports.handmade_stock import BATCHES
from tests.integration.reports.timed_reports import noon, today
from tests.moments import real_now

REPORT = "stock_at_risk"
LINES = "supply.supply_lines"
PRESALES = "supply.clock_presales_supply_lines"
CLOCK = "supply.clock_supply_lines"
WAREHOUSES = "organizations.warehouses"
COLD_STORE, DISTANT = id_of("cold store"), id_of("distant warehouse")
WAITING = ("NOT_QUEUED_FOR_AUCTION", "QUEUED_FOR_AUCTION", "IN_AUCTION")
PRESALE, UNSOLD, DESTROYED = range(3)


@dataclass(frozen=True)
class Filter:
    """Values of the report's parameters; None means that the parameter is not passed."""

    from_date: dt.date | None = None
    to_date: dt.date | None = None
    trade_item: UUID | None = None

    @property
    def arguments(self) -> dict[str, object]:
        """The parameters to pass to the report."""
        return {name: value for name, value in vars(self).items() if value is not None}


def expected_rows(warehouse: ReportWarehouse, now: dt.datetime, parameters: Filter = Filter()) -> list[Row]:
    """Compute the report's rows from the records, in Python."""
    items, groups = warehouse.trade_item_names(), defaultdict(list)
    oldest: dict[Row, int | None] = {}
    warehouses = warehouse.names_by_id(WAREHOUSES, "warehouseId", "name")
    for account, batch, item, measures in [*stock(warehouse, now), *failures(warehouse, now, parameters)]:
        place, age = uuid(batch, "warehouseId"), age_of(batch, now)
        if parameters.trade_item in (None, item):
            key = (account, item, place, age_class(age))
            groups[key].append((age if measures[0] else None, *measures))
            oldest[key] = max((each for each in (age, oldest.get(key)) if each is not None), default=None)
    rows = []
    for key, found in groups.items():
        account, item, place, name = key
        ages, *columns = zip(*found, strict=True)
        batches, pieces, *others = map(sum, columns)
        age = max((each for each in ages if each is not None), default=None)
        names = (item, items.get((account, item)), place, warehouses.get((account, place)))
        row = (account, *names, name, batches, pieces, age, *others)
        rows.append(((account, descending(oldest[key]), -pieces, nulls_last(item), nulls_last(place)), row))
    return [row for _, row in sorted(rows)]


def stock(warehouse: ReportWarehouse, now: dt.datetime) -> Iterator[tuple[str, Json, UUID | None, tuple[int, ...]]]:
    """Yield the batches with pieces left: account, batch, trade item and measures."""
    offered = offered_pieces(warehouse, now)
    for account, batch in warehouse.newest_records(BATCHES):
        left = 0 if batch.get("isDeleted") else batch["numberOfPieces"]
        if left > 0:
            pieces = min(left, offered[account, uuid(batch, "batchId")])
            yield account, batch, uuid(batch, "tradeItemId"), (1, left, pieces, 0, 0, 0)


def offered_pieces(warehouse: ReportWarehouse, now: dt.datetime) -> Counter[tuple[str, UUID | None]]:
    """Return the pieces that can be bought now, by account and batch."""
    offered: Counter[tuple[str, UUID | None]] = Counter()
    for name, period in ((LINES, "orderPeriod"), (PRESALES, "tradePeriod"), (CLOCK, None)):
        for account, line in warehouse.newest_records(name):
            if period:
                start, end = (timestamp(line, f"{period}.{which}DateTime") for which in ("start", "end"))
                is_open = line["status"] == "AVAILABLE" and bool(start and end and start <= now <= end)
            else:
                is_open = text(line, "auctionStatus") in WAITING and auction(line) >= today(now)
            if is_open and not line.get("isDeleted"):
                offered[account, uuid(line, "batchId")] += max(line["numberOfPieces"], 0)
    return offered


def failures(
    warehouse: ReportWarehouse, now: dt.datetime, parameters: Filter
) -> Iterator[tuple[str, Json | None, UUID | None, tuple[int, ...]]]:
    """Yield the lines that failed at the clock: account, batch, trade item and measures."""
    batches = {(account, uuid(batch, "batchId")): batch for account, batch in warehouse.newest_records(BATCHES)}
    first = parameters.from_date or today(now) - dt.timedelta(days=30)
    last = parameters.to_date or dt.date.max
    failed = {"NOT_AUCTIONED": UNSOLD, "DESTROYED": DESTROYED}
    lines = [(account, line, PRESALE) for account, line in warehouse.newest_records(PRESALES) if is_unavailable(line)]
    for account, line in warehouse.newest_records(CLOCK):
        if text(line, "auctionStatus") in failed and not line.get("isDeleted"):
            lines.append((account, line, failed[line["auctionStatus"]]))
    for account, line, failure in lines:
        if first <= auction(line) <= last and line["numberOfPieces"] > 0:
            batch = batches.get((account, uuid(line, "batchId")))
            item = uuid(batch, "tradeItemId") or uuid(line, "tradeItemId")
            pieces = [line["numberOfPieces"] if failure == each else 0 for each in range(3)]
            yield account, batch, item, (0, 0, 0, *pieces)


def is_unavailable(line: Json) -> bool:
    """Return whether a pre-sale line is unavailable and not deleted."""
    return text(line, "status") == "UNAVAILABLE" and not line.get("isDeleted")


def auction(line: Json) -> dt.date:
    """Return the day of the auction of a line; a day long ago if it has none."""
    return dt.date.fromisoformat(line["auctionDate"]) if text(line, "auctionDate") else dt.date.min


def age_of(batch: Json | None, now: dt.datetime) -> int | None:
    """Return the age of a batch in days."""
    date = day(batch, "batchDate")
    return None if date is None else (today(now) - date).days


def age_class(age: int | None) -> str | None:
    """Return the class of an age in days."""
    classes = ((3, "0 to 3 days"), (7, "4 to 7 days"), (14, "8 to 14 days"), (30, "15 to 30 days"))
    return None if age is None else next((name for most, name in classes if age <= most), "over 30 days")


def report(warehouse: ReportWarehouse, parameters: Filter = Filter()) -> tuple[list[Row], dt.datetime]:
    """Return the rows of the report and DuckDB's time of the query."""
    arguments = ", ".join(f"{name} := ${name}" for name in parameters.arguments)
    rows = warehouse.rows(f"SELECT now(), * FROM reports.{REPORT}({arguments})", parameters.arguments)
    return [row[1:] for row in rows], rows[0][0] if rows else real_now()


def test_grower_world(grower_world: ReportWarehouse) -> None:
    """For a grower in the sandbox world, the rows are as expected; some stock is not sold, and some lines fail."""
    parameters = Filter(from_date=dt.date(2026, 1, 1))
    rows, now = report(grower_world, parameters)

    assert all(any(row[column] for row in rows) for column in (7, 10, 11))
    assert rows == expected_rows(grower_world, now, parameters)


@pytest.fixture(scope="module")
def handmade(tmp_path_factory: pytest.TempPathFactory) -> ReportWarehouse:
    """A warehouse with batches of all ages, and lines of them and of unknown batches, around the current time."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("risk") / "w.duckdb")
    now = real_now()
    for account, seed, count in (("north", 21, 60), ("south", 22, 20)):
        random = Random(f"risk {seed}")
        ids = [id_of(f"batch {number}") for number in range(count)]
        warehouse.store(BATCHES, [random_batch(id, number, now, random) for number, id in enumerate(ids)], account)
        ids += [id_of("unknown batch")]
        for name in (LINES, PRESALES, CLOCK):
            warehouse.store(name, [random_line(name, number, ids, now, random) for number in range(2 * count)], account)
    handmade_orders.store_names(warehouse)
    place = make_record("suppliers", WAREHOUSES, 1, warehouseId=COLD_STORE, name="Koelcel")
    warehouse.store(WAREHOUSES, [place], "north")
    return warehouse


def random_batch(id: str, number: int, now: dt.datetime, random: Random) -> Json:
    """Return a batch of up to forty days ago."""
    harvest = str(now - dt.timedelta(days=random.choice((-1, 0, 3, 4, 7, 8, 14, 15, 30, 31, 40))))
    return make_record(
        "suppliers",
        BATCHES,
        number,
        batchId=id,
        batchDate=random.choice((harvest, harvest, harvest, None)),
        tradeItemId=random.choice((ROSE, TULIP, UNKNOWN)),
        warehouseId=random.choice((COLD_STORE, DISTANT, None)),
        numberOfPieces=random.choice((0, 1, 100, 400)),
        isDeleted=random.random() < 0.1,
    )


def random_line(name: str, number: int, batches: list[str], now: dt.datetime, random: Random) -> Json:
    """Return a line of one of the batches, in, before or after its period, with any status."""
    start = now + dt.timedelta(hours=random.choice((-48, -48, 2)))
    period = {"startDateTime": str(start), "endDateTime": str(start + dt.timedelta(hours=random.choice((10, 96))))}
    fields: dict[str, Any] = {
        "batchId": random.choice((*batches, None)),
        "tradeItemId": random.choice((ROSE, TULIP, UNKNOWN)),
        "numberOfPieces": random.choice((-20, 0, 10, 60, 300)),
        "isDeleted": random.random() < 0.1,
    }
    if name != CLOCK:
        fields["status"] = random.choice(("AVAILABLE", "AVAILABLE", "UNAVAILABLE", "DELETED"))
        fields["orderPeriod" if name == LINES else "tradePeriod"] = period
    if name != LINES:
        auction_day = today(now) + dt.timedelta(days=random.choice((-31, -30, -29, -3, 0, 1)))
        fields["auctionDate"] = auction_day.isoformat()
    if name == CLOCK:
        fields["auctionStatus"] = random.choice((*WAITING, "NOT_AUCTIONED", "DESTROYED", "AUCTION_COMPLETED", None))
    return make_record("suppliers", name, number, **fields)


FILTERS = (
    Filter(),
    Filter(trade_item=UUID(ROSE)),
    Filter(from_date=dt.date(2020, 1, 1)),
    Filter(to_date=dt.date(2020, 1, 1)),
)


@pytest.mark.slow
@pytest.mark.parametrize("parameters", FILTERS, ids=repr)
def test_handmade_stock(handmade: ReportWarehouse, parameters: Filter) -> None:
    """Rows are correct for each age class, for open and closed offers, failed lines, and unknown batches."""
    rows, now = report(handmade, parameters)

    assert rows
    assert rows == expected_rows(handmade, now, parameters)


@pytest.mark.slow
def test_old_stock_with_offers(warehouse: ReportWarehouse) -> None:
    """The same pieces in two offers count once, and lines that failed at the clock stand beside the batch."""
    now = real_now()
    period = {"startDateTime": str(now - dt.timedelta(days=1)), "endDateTime": str(now + dt.timedelta(days=1))}
    of_batch = {"batchId": id_of("batch"), "tradeItemId": ROSE, "isDeleted": False}
    batch = {
        **of_batch,
        "batchDate": str(noon(9)),
        "warehouseId": COLD_STORE,
        "numberOfPieces": 100,
    }
    warehouse.store(BATCHES, [make_record("suppliers", BATCHES, 1, **batch)])
    for number, pieces in enumerate((80, 70)):
        fields = {**of_batch, "status": "AVAILABLE", "numberOfPieces": pieces, "orderPeriod": period}
        warehouse.store(LINES, [make_record("suppliers", LINES, number, **fields)])
    yesterday = {**of_batch, "auctionDate": (today(now) - dt.timedelta(days=1)).isoformat()}
    failed = {**yesterday, "status": "UNAVAILABLE", "numberOfPieces": 30}
    warehouse.store(PRESALES, [make_record("suppliers", PRESALES, 1, **failed)])
    for number, status in enumerate(("NOT_AUCTIONED", "DESTROYED", "AUCTION_COMPLETED")):
        fields = {**yesterday, "auctionStatus": status, "numberOfPieces": 20 + number}
        warehouse.store(CLOCK, [make_record("suppliers", CLOCK, number, **fields)])

    assert [row[5:] for row in warehouse.report(REPORT)] == [("8 to 14 days", 1, 100, 9, 100, 30, 20, 21)]


@pytest.mark.slow
def test_empty_warehouse(warehouse: ReportWarehouse) -> None:
    """Without any records, the report exists and has no rows."""
    assert warehouse.report(REPORT) == []
