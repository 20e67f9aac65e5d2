"""Every feed and snapshot of both APIs becomes equal to a server with random valid records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.types import Feed, Snapshot, Source
from pipelines.sandbox import Sandbox
from tests.expected_rows import assert_holds, parsed
from tests.integration.syncing import Syncing
from tests.moments import NOW, real_now
from tests.records import in_json, valid_record

pytestmark = pytest.mark.both_kinds

COUNT = 14
CONNECTED = ["11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"]
"""Suppliers that the customer is connected with, in the Customers API."""


SOME = tuple(source.name for source in catalogue_of("suppliers").sources[::6])
"""Sources of every schema, for a quick test."""


@pytest.fixture(
    params=[
        pytest.param(("suppliers", SOME), id="some of suppliers"),
        pytest.param(("suppliers", ()), id="suppliers", marks=pytest.mark.slow),
        pytest.param(("customers", ()), id="customers", marks=pytest.mark.slow),
    ]
)
def syncing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Syncing]:
    """A sandbox of each API without records, and a warehouse with all sources or some of them."""
    api, only = request.param
    with Sandbox(api=api, empty=True) as sandbox:
        sandbox.set_switches(rate_limits=None)
        yield Syncing(sandbox, tmp_path / "w.duckdb", page=10, api=api, only=only)


def random_record(source: Source, random: Random, number: int, place: int) -> dict[str, Any]:
    """Return a valid record that the server lists: of a requested week, of a connected supplier."""
    record = valid_record(source, random, number, identity=place)
    if isinstance(source, Snapshot) and source.asked_by == "week":
        iso = (real_now().date() + dt.timedelta(weeks=place % 8)).isocalendar()
        record |= {"year": iso.year, "week": iso.week}
    if isinstance(source, Snapshot) and source.asked_by == "moment":
        record["orderPeriod"] = {"startDateTime": "2020-01-01T00:00:00Z", "endDateTime": "2120-01-01T00:00:00Z"}
    if source.name == "organizations.connections" and "supplierOrganizationId" in record:
        record |= {"supplierOrganizationId": CONNECTED[place % 2], "isDeleted": False}
    if isinstance(source, Feed) and source.endpoint.part_parameter:
        record[source.endpoint.part_parameter] = CONNECTED[place % 2]
    return record


def fill(syncing: Syncing, seed: int, places: range) -> None:
    """Put random records at some indexes of every feed: new records, or other versions of existing ones."""
    for source in syncing.catalogue.sources:
        random, book = Random(f"{source.name} {seed}"), syncing.sandbox.book(source.name)
        for place in places:
            number = book.reserve()
            record = random_record(source, random, number, place)
            if isinstance(source, Snapshot):
                record.pop("sequenceNumber", None)
            book.put(in_json(record), number=number)


def assert_every_table_equal(syncing: Syncing) -> None:
    """Assert that all tables of the API equal the records of the server."""
    with syncing.reading() as connection:
        for source in syncing.catalogue.sources:
            served = [parsed(entry.body) for entry in syncing.sandbox.book(source.name).entries()]
            assert_holds(connection, source, "main", served)


def test_every_table_equals_the_server_before_and_after_changes(syncing: Syncing) -> None:
    """After the first load, an idle sync, changes and deletions, every table equals the server."""
    fill(syncing, seed=1, places=range(COUNT))

    first = syncing.sync()

    assert not [each for each in first.values() if each.error or each.rejected or not each.current]
    assert_every_table_equal(syncing)
    before = syncing.content()
    syncing.sync()
    assert syncing.content() == before
    fill(syncing, seed=2, places=range(COUNT // 2, COUNT + 6))
    second = syncing.sync()
    assert not [each for each in second.values() if each.error or each.rejected]
    assert_every_table_equal(syncing)


@pytest.mark.slow
@pytest.mark.parametrize("api", ["suppliers", "customers"])
def test_records_of_the_simulated_market_are_stored(api: str, tmp_path: Path) -> None:
    """After the first sync and after a day of simulated trade, every table equals the sandbox."""
    with Sandbox(now=NOW, api=api, scale=0.1) as sandbox:
        syncing = Syncing(sandbox, tmp_path / "w.duckdb", api=api)
        outcomes = syncing.sync()
        assert not [each for each in outcomes.values() if each.error or each.rejected]
        syncing.assert_equal()
        sandbox.advance(dt.timedelta(hours=20))

        outcomes = syncing.sync()

        assert not [each for each in outcomes.values() if each.error or each.rejected]
        syncing.assert_equal()


def test_the_catalogue_is_complete() -> None:
    """The Suppliers API has 39 feeds and 2 snapshots, and the Customers API has 29 feeds."""
    suppliers, customers = catalogue_of("suppliers"), catalogue_of("customers")

    assert (len(suppliers.feeds), len(suppliers.snapshots)) == (39, 2)
    assert (len(customers.feeds), len(customers.snapshots)) == (29, 0)
