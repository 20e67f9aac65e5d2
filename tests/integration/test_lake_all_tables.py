"""All tables of all feeds and snapshots of a lake have the rows of a file, after every kind of step.

The other tests of both kinds do so with few feeds, because a lake with all tables takes a minute to fill.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.catalogue.tables import tables_of
from pipelines.sandbox import Sandbox
from tests.integration.two_kinds import SavedKinds, TwoKinds
from tests.lakes import postgres

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
LATER = dt.timedelta(hours=6)
TABLES = {"suppliers": 88, "customers": 61}
"""Number of tables of records; each has a table of versions, and each feed or snapshot a raw log."""
FEW_EMPTY = 5
"""Tables that the sandbox leaves empty in these six hours, at most."""
FEED = "orders.sales_orders"

pytestmark = pytest.mark.slow


@contextmanager
def trading(api: str) -> Iterator[Sandbox]:
    """Run a sandbox, which has the same records each time."""
    with Sandbox(now=NOW, scale=0.05, api=api) as sandbox:
        sandbox.set_switches(rate_limits=None)
        yield sandbox


@pytest.fixture(scope="module", params=sorted(TABLES))
def api(request: pytest.FixtureRequest) -> str:
    """Suppliers or customers."""
    postgres()
    return str(request.param)


@pytest.fixture(scope="module")
def loaded(api: str, tmp_path_factory: pytest.TempPathFactory) -> SavedKinds:
    """A file and a lake after a load and changes."""
    with trading(api) as sandbox:
        kinds = TwoKinds(sandbox, tmp_path_factory.mktemp("loaded"))
        kinds.sync()
        sandbox.advance(LATER)
        kinds.sync()
        assert kinds.errors == set()
        return kinds.saved()


@pytest.fixture
def kinds(api: str, loaded: SavedKinds, tmp_path: Path) -> Iterator[TwoKinds]:
    """The same content in warehouses of this test, and their sandbox."""
    with trading(api) as sandbox:
        sandbox.advance(LATER)
        yield TwoKinds.restored(loaded, sandbox, tmp_path)


def test_all_tables_are_equal_after_a_load_and_changes(api: str, kinds: TwoKinds) -> None:
    """A first sync and one of six hours of trade fill all tables with the same rows."""
    kinds.assert_equal()
    filled = {name for name, rows in kinds.content(kinds.lake).items() if rows}
    tables = [table for source in kinds.lake.catalogue.sources for table in tables_of(source).walk()]

    assert len(tables) == TABLES[api]
    assert len(filled & {table.qualified_name for table in tables}) >= TABLES[api] - FEW_EMPTY
    assert {f"versions.{table.name}" for table in tables if table.qualified_name in filled} <= filled
    raw = {f"raw.{source.table}" for source in kinds.lake.catalogue.sources}
    assert len(raw & filled) >= len(raw) - FEW_EMPTY


def test_all_tables_are_equal_after_a_restart_and_rejected_records(kinds: TwoKinds) -> None:
    """A restarted series, a rejected record, its valid version and a full re-read lead to the same rows."""
    is_open = "SELECT resolved_at IS NULL FROM sync.rejected_records"
    kinds.book(FEED).restart()
    kinds.sync()
    assert kinds.lake.rows(f"SELECT series FROM sync.cursors WHERE feed = '{FEED}'") == [(2,)]
    kinds.spoil(FEED)
    kinds.sync()
    assert kinds.lake.rows(is_open) == [(True,)]
    kinds.assert_equal()
    kinds.heal(FEED, 1)
    kinds.sync(full=True)

    assert kinds.lake.rows(is_open) == [(False,)]
    kinds.assert_equal()


def test_all_tables_are_equal_after_rebuilding_every_source(kinds: TwoKinds) -> None:
    """Typed tables and history that are made anew from the raw log have the same rows."""
    for source in kinds.lake.catalogue.sources:
        kinds.rebuild(source.name)

    kinds.assert_equal()


def test_all_tables_are_equal_after_a_rename_and_upkeep(kinds: TwoKinds) -> None:
    """Another name for the account, merged files and a further sync lead to the same rows."""
    kinds.rename("north")
    kinds.upkeep()
    kinds.sync()

    kinds.assert_equal()


def test_all_tables_are_equal_after_redacting(kinds: TwoKinds) -> None:
    """Hashed, then dropped personal data, each with a sync after it, lead to the same rows."""
    for treatment in ("hash", "drop"):
        kinds.redact("hash" if treatment == "hash" else "drop")
        kinds.sync()
        kinds.assert_equal()
