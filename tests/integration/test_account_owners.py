"""Accounts are organizations: one name for each, compared as UUIDs."""

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

FEED = SUPPLIERS.feed("supply.batches")
NORTH = ORGANIZATIONS["north"].replace("1", "a")
WRITTEN = (NORTH.upper(), f"{{{NORTH}}}", f"urn:uuid:{NORTH}", NORTH.replace("-", ""))
"""The same organization, written in other ways."""


@pytest.fixture
def server() -> Iterator[ScriptedFloriday]:
    """One feed for every account."""
    made = ScriptedFloriday({FEED: [(one["sequenceNumber"], in_json(one)) for one in valid_records(FEED, 7, 3)]})
    made.start()
    yield made
    made.stop()


@pytest.mark.parametrize("written", [NORTH, *WRITTEN])
def test_two_names_of_one_organization_are_refused(server: ScriptedFloriday, tmp_path: Path, written: str) -> None:
    """Before anything is stored, with both names, however Floriday writes the id."""
    sync = ScriptedSync(server, tmp_path / "w.duckdb", (FEED.name,), accounts=("north", "south"))
    before = sync.path.read_bytes()

    def same(request: Request, reply: Reply) -> Reply:
        if not request.path.endswith("/identities"):
            return reply
        given = NORTH if request.headers["X-Api-Key"] == "north" else written
        return replace(reply, body={"organization": {"organizationId": given}})

    with pytest.raises(SettingError, match="north and south belong to one organization"):
        sync.sync(same)

    assert sync.path.read_bytes() == before


@pytest.mark.parametrize("written", WRITTEN)
def test_ids_are_compared_as_uuids(written: str) -> None:
    """What the warehouse remembers in lower case may be told in capitals or braces."""
    check_owner(Owner("suppliers", "host", {"main": NORTH}), "suppliers", "host", {"main": written})
    check_distinct({"main": NORTH, "other": ORGANIZATIONS["south"]})
    with pytest.raises(SettingError, match="already holds as account main: use that name"):
        check_owner(Owner("suppliers", "host", {"main": NORTH}), "suppliers", "host", {"other": written})
    with pytest.raises(SettingError, match="one and two belong"):
        check_distinct({"one": NORTH, "two": written})


def test_an_account_was_first_seen_once(tmp_path: Path) -> None:
    """Another name of its organization leaves that moment as it was."""
    things = ThingWarehouse(tmp_path / "w.duckdb").create()
    first = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
    for name in ("Kwekerij A", "Kwekerij B"):
        with things.warehouse.writing() as connection, transaction(connection):
            record_owner(connection, "suppliers", "host", {"main": (NORTH, name)})
        things.change("UPDATE sync.accounts SET first_seen = ? WHERE organization_name = 'Kwekerij A'", first)

    assert things.rows("SELECT organization_name, first_seen FROM sync.accounts") == [("Kwekerij B", first)]
