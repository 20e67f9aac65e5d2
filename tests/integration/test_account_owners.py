"""Each organization has one account name in a warehouse; organization ids are compared as UUIDs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.errors import SettingError
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.schema.owner import Owner, check_distinct, check_owner, record_owner
from tests.integration.answering_server import Reply, Request
from tests.integration.scripted_floriday import ORGANIZATIONS, ScriptedFloriday, ScriptedSync
from tests.integration.syncing import SUPPLIERS
from tests.records import in_json, valid_records
from tests.thing_warehouse import ThingWarehouse
from tests.warehouses import state_at

pytestmark = pytest.mark.both_kinds

FEED = SUPPLIERS.feed("supply.batches")
NORTH = ORGANIZATIONS["north"].replace("1", "a")
NOTATIONS = (NORTH.upper(), f"{{{NORTH}}}", f"urn:uuid:{NORTH}", NORTH.replace("-", ""))
"""The same organization id in other notations."""


@pytest.fixture
def server() -> Iterator[ScriptedFloriday]:
    """A server with one feed for every account."""
    records = [(record["sequenceNumber"], in_json(record)) for record in valid_records(FEED, 7, 3)]
    scripted = ScriptedFloriday({FEED: records})
    scripted.start()
    yield scripted
    scripted.stop()


@pytest.mark.parametrize("notation", [NORTH, *NOTATIONS])
def test_two_accounts_of_one_organization_are_refused(server: ScriptedFloriday, tmp_path: Path, notation: str) -> None:
    """Two accounts of one organization are an error with both names, before anything is stored."""
    sync = ScriptedSync(server, tmp_path / "w.duckdb", (FEED.name,), accounts=("north", "south"))
    before = state_at(sync.path)

    def same_organization(request: Request, reply: Reply) -> Reply:
        if not request.path.endswith("/identities"):
            return reply
        identifier = NORTH if request.headers["X-Api-Key"] == "north" else notation
        return replace(reply, body={"organization": {"organizationId": identifier}})

    with pytest.raises(SettingError, match="north and south belong to one organization"):
        sync.sync(same_organization)

    assert state_at(sync.path) == before


@pytest.mark.parametrize("notation", NOTATIONS)
def test_organization_ids_are_compared_as_uuids(notation: str) -> None:
    """An organization id matches the stored one in capitals, with braces and as a URN."""
    check_owner(Owner("suppliers", "host", {"main": NORTH}), "suppliers", "host", {"main": notation})
    check_distinct({"main": NORTH, "other": ORGANIZATIONS["south"]})
    with pytest.raises(SettingError, match="already holds as account main: use that name"):
        check_owner(Owner("suppliers", "host", {"main": NORTH}), "suppliers", "host", {"other": notation})
    with pytest.raises(SettingError, match="one and two belong"):
        check_distinct({"one": NORTH, "two": notation})


def test_first_seen_of_an_account_does_not_change(tmp_path: Path) -> None:
    """A new name of the organization leaves ``first_seen`` of the account unchanged."""
    things = ThingWarehouse(tmp_path / "w.duckdb").create()
    first = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    for name in ("Kwekerij A", "Kwekerij B"):
        with things.warehouse.writing() as connection, transaction(connection):
            record_owner(connection, "suppliers", "host", {"main": (NORTH, name)})
        things.change("UPDATE sync.accounts SET first_seen = ? WHERE organization_name = 'Kwekerij A'", first)

    assert things.rows("SELECT organization_name, first_seen FROM sync.accounts") == [("Kwekerij B", first)]
