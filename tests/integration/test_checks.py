"""Each check passes where all is well, and fails for what it is there for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Source
from pipelines.orchestration.assets import check_results
from pipelines.orchestration.assets.checks import results, specs
from pipelines.sandbox import Sandbox
from pipelines.sync.outcome import FeedOutcome
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.load import visibility
from pipelines.warehouse.load.cursors import FeedPart
from pipelines.warehouse.load.visibility import View
from pipelines.warehouse.read import integrity
from tests import moments
from tests.integration.syncing import SUPPLIERS, Syncing
from tests.moments import real_now
from tests.thing_warehouse import STARTED, commit

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses what it and pydantic have deprecated."""

CONTRACTS, LINES, PERIODS = "orders.contracts", "orders.contract_lines", "orders.contract_line_periods"
OFFERS, BATCHES, MUTATIONS = "supply.supply_lines", "supply.batches", "supply.batch_mutations"
ONE = f"account = 'south' AND contract_id = (SELECT min(contract_id) FROM {LINES} WHERE account = 'south')"
ACCOUNTS = ("north", "south")
RUN = "run 1"
NOW = "now(), now()"
REASON = "title: expected text, got 7"


@dataclass
class Synced:
    """A warehouse that holds what two accounts are served, open for looks and for changes that are undone.

    Args:
        api: of the sandbox that served it.
        connection: open for writing.
    """

    api: str
    connection: duckdb.DuckDBPyConnection

    @property
    def catalogue(self) -> Catalogue:
        """What was synced."""
        return catalogue_of(self.api)

    def outcomes_of(self, source: Source) -> list[FeedOutcome]:
        """That both accounts are read to the feed's end."""
        return [FeedOutcome(account, source.name, cursor=9, maximum=9, current=True) for account in ACCOUNTS]

    @contextmanager
    def spoiled(self, *changes: str) -> Iterator[None]:
        """Changes that are undone in the end; each must change something."""
        self.connection.execute("BEGIN")
        try:
            for change in changes:
                (count,) = self.connection.execute(change).fetchall()[0]
                assert count
            yield
        finally:
            self.connection.execute("ROLLBACK")

    def results(
        self,
        name: str,
        outcomes: Sequence[FeedOutcome] | None = None,
        *,
        run_id: str = RUN,
        now: dt.datetime | None = None,
    ) -> dict[str, dg.AssetCheckResult]:
        """The results of a feed's checks, by their names."""
        source = self.catalogue.source(name)
        found = results(
            source,
            self.outcomes_of(source) if outcomes is None else outcomes,
            self.connection,
            run_id=run_id,
            now=now or real_now(),
        )
        assert [result.check_name for result in found] == [spec.name for spec in specs(source)]
        return {result.check_name or "": result for result in found}

    def failing(self, name: str, outcomes: Sequence[FeedOutcome] | None = None) -> set[str]:
        """The names of a feed's checks that fail."""
        return {check for check, result in self.results(name, outcomes).items() if not result.passed}


@pytest.fixture(scope="module", params=["suppliers", "customers"])
def synced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synced]:
    """All that the sandbox's world serves to two accounts, stored as a sync does, in one opening of the file."""
    api = request.param
    sandbox = Sandbox(api=api, now=moments.NOW, scale=0.02, accounts=ACCOUNTS)
    syncing = Syncing(sandbox, tmp_path_factory.mktemp(api) / "w.duckdb", api=api)
    everything = list(product(ACCOUNTS, syncing.catalogue.sources))
    with Warehouse(syncing.path).writing() as connection:
        for account, source in everything:
            served = [entry.body for entry in sandbox.book(source.name, account).entries()]
            commit(connection, served, FeedPart(account, source.name), source, run=RUN)
        visibility.remember(
            connection, [View(account, source.name, "", granted=True) for account, source in everything]
        )
    with duckdb.connect(str(syncing.path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield Synced(api, connection)


growers = pytest.mark.parametrize("synced", ["suppliers"], indirect=True)
"""For what only growers have."""


def cells(result: dg.AssetCheckResult, table: str) -> list[dict[str, object]]:
    """The rows of a table in a result's metadata."""
    shown = result.metadata[table]
    assert isinstance(shown, dg.TableMetadataValue)
    return [dict(record.data) for record in shown.records]


class TestSpecs:
    """Which checks a feed carries."""

    @pytest.mark.parametrize("api", ["suppliers", "customers"])
    def test_every_check_says_what_it_means(self, api: str) -> None:
        """In words that are whole sentences, with the feed's name in place."""
        for source in catalogue_of(api).sources:
            for spec in specs(source):
                assert spec.asset_key == dg.AssetKey([source.schema, source.table])
                assert spec.description
                assert spec.description.endswith(".")
                assert not {"{", "}"} & set(spec.description)
                assert not spec.blocking

    def test_only_what_can_be_asked_is_asked(self) -> None:
        """Orphans need children, retention a stated time, the ledger its mutations."""
        suppliers = catalogue_of("suppliers")
        always = {"current", "unique_key", "raw_equals_current", "rejected_records", "schema_drift"}

        def more(name: str) -> set[str]:
            return {spec.name for spec in specs(suppliers.source(name))} - always

        assert more("supply.price_groups") == set()
        assert more(CONTRACTS) == {"no_orphans", "retention"}
        assert more(BATCHES) == {"retention"}
        assert more(MUTATIONS) == {"batch_ledger"}


class TestSyncedWarehouse:
    """Where all is well."""

    def test_every_check_passes_after_a_sync(self, tmp_path: Path) -> None:
        """A first load, and one that finds nothing new, of two accounts."""
        names = (CONTRACTS, BATCHES, MUTATIONS)
        with Sandbox(now=moments.NOW, scale=0.02, accounts=ACCOUNTS) as sandbox:
            syncing = Syncing(sandbox, tmp_path / "w.duckdb")
            for _ in range(2):
                outcomes = syncing.sync(*names)
                with syncing.reading() as connection:
                    found = [
                        result
                        for source in map(SUPPLIERS.source, names)
                        for result in results(
                            source,
                            [outcomes[account, source.name] for account in ACCOUNTS],
                            connection,
                            run_id=f"run {syncing.runs}",
                            now=real_now(),
                        )
                    ]

                assert len(found) == sum(len(specs(SUPPLIERS.source(name))) for name in names)
                assert [result for result in found if not result.passed] == []

    def test_every_check_of_every_feed_passes(self, synced: Synced) -> None:
        """Once for each spec, for both APIs, with two accounts."""
        failing = {source.name: synced.failing(source.name) for source in synced.catalogue.sources}

        assert {name: checks for name, checks in failing.items() if checks} == {}

    @growers
    def test_batches_are_judged(self, synced: Synced) -> None:
        """The sandbox's stock obeys the ledger, and some of it can be told to."""
        judged = synced.results(MUTATIONS)["batch_ledger"].metadata["judged"].value

        assert isinstance(judged, int)
        assert judged > 0

    def test_dagster_takes_them(self, synced: Synced) -> None:
        """An asset with these specs and results runs well, failed errors and warnings among them."""
        source = synced.catalogue.source(CONTRACTS)

        @dg.asset(key=dg.AssetKey(["orders", "contracts"]), check_specs=specs(source), output_required=False)
        def contracts() -> Iterator[dg.MaterializeResult[None]]:
            late = [replace(one, current=False) for one in synced.outcomes_of(source)]
            yield dg.MaterializeResult(check_results=list(synced.results(CONTRACTS, late).values()))

        with synced.spoiled(f"DELETE FROM {CONTRACTS} WHERE {ONE}"):
            result = dg.materialize([contracts], raise_on_error=False)

        evaluated = {each.check_name: each.passed for each in result.get_asset_check_evaluations()}
        assert result.success
        assert evaluated == {
            spec.name: spec.name not in {"current", "no_orphans", "raw_equals_current"} for spec in specs(source)
        }


SPOILED = {
    "a doubled row": (f"INSERT INTO {CONTRACTS} FROM {CONTRACTS} WHERE {ONE}", {"unique_key"}),
    "a doubled child row": (
        f"INSERT INTO {PERIODS} FROM {PERIODS} WHERE {ONE} LIMIT 1",
        {"unique_key", "raw_equals_current"},
    ),
    "a row of no contract": (
        f"INSERT INTO {PERIODS} SELECT * REPLACE (uuid() AS contract_id) FROM {PERIODS} WHERE {ONE} LIMIT 1",
        {"no_orphans"},
    ),
    "a changed value": (f"UPDATE {CONTRACTS} SET title = 'by hand' WHERE {ONE}", {"raw_equals_current"}),
    "a lost row": (f"DELETE FROM {CONTRACTS} WHERE {ONE}", {"raw_equals_current", "no_orphans"}),
    "a lost version": (f"DELETE FROM raw.contracts WHERE {ONE}", {"raw_equals_current"}),
    "a changed child row": (f"UPDATE {PERIODS} SET number_of_pieces = -1 WHERE {ONE}", {"raw_equals_current"}),
    "a rejected record": (
        f"INSERT INTO sync.rejected_records SELECT 'south', '{CONTRACTS}', 'a', 'payload', '{REASON}', 9, {NOW}, NULL",
        {"rejected_records"},
    ),
    "an unknown field": (
        f"INSERT INTO sync.unknown VALUES ('south', '{CONTRACTS}', 'field', 'lines[].fresh', 'int64', {NOW})",
        {"schema_drift"},
    ),
    "an unknown value": (
        f"INSERT INTO sync.unknown SELECT 'south', '{CONTRACTS}', 'value', '{CONTRACTS}.currency', 'SEK', {NOW}",
        {"schema_drift"},
    ),
}


class TestSpoiledWarehouse:
    """Each change fails the checks that are there for it, and no other."""

    @pytest.mark.parametrize(("change", "checks"), SPOILED.values(), ids=SPOILED)
    def test_what_fails(self, synced: Synced, change: str, checks: set[str]) -> None:
        """Lost and corrupt data are errors, the rest are warnings."""
        with synced.spoiled(change):
            failed = {name: result for name, result in synced.results(CONTRACTS).items() if not result.passed}

        assert failed.keys() == checks
        errors = {name for name, result in failed.items() if result.severity is dg.AssetCheckSeverity.ERROR}
        assert errors == checks & {"unique_key", "no_orphans", "raw_equals_current"}

    def test_examples_name_account_and_key(self, synced: Synced) -> None:
        """And how many there are in all."""
        ((contract,),) = synced.connection.execute(
            f"SELECT CAST(contract_id AS VARCHAR) FROM {CONTRACTS} WHERE {ONE}"
        ).fetchall()

        with synced.spoiled(f"UPDATE {CONTRACTS} SET title = 'by hand' WHERE {ONE}"):
            result = synced.results(CONTRACTS)["raw_equals_current"]

        assert (result.description, result.metadata["wrong"].value) == ("differences from the newest versions: 1", 1)
        assert cells(result, "examples") == [
            {
                "table": CONTRACTS,
                "account": "south",
                "key": contract,
                "what": "the current row differs from its newest version",
            }
        ]

    def test_no_content_is_shown(self, synced: Synced) -> None:
        """Neither the payload of a rejected record nor the value that was wrong in it."""
        with synced.spoiled(SPOILED["a rejected record"][0]):
            result = synced.results(CONTRACTS)["rejected_records"]

        assert cells(result, "examples")[0]["what"] == "title: expected text"
        assert "payload" not in repr(result)

    def test_what_is_unknown_is_named(self, synced: Synced) -> None:
        """In the line and in a table."""
        with synced.spoiled(SPOILED["an unknown value"][0]):
            result = synced.results(CONTRACTS)["schema_drift"]

        assert result.description == f"unknown: `{CONTRACTS}.currency`"
        row = cells(result, "served")[0]
        assert (row["account"], row["kind"], row["seen"]) == ("south", "value", "SEK")

    @growers
    def test_a_ledger_that_does_not_add_up(self, synced: Synced) -> None:
        """The batch is named with both numbers, as a warning."""
        with synced.spoiled(f"UPDATE {MUTATIONS} SET delta_number_of_pieces = delta_number_of_pieces - 1000"):
            result = synced.results(MUTATIONS)["batch_ledger"]

        assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert "pieces left, the ledger comes to" in str(cells(result, "examples")[0]["what"])


class TestLargeFeed:
    """A feed with more versions than are looked at after every run."""

    @pytest.fixture(autouse=True)
    def large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Any feed is large."""
        monkeypatch.setattr(integrity, "WHOLE_UP_TO", 1)

    def failing(self, synced: Synced, run_id: str, *, whole: bool = False) -> tuple[set[str], object]:
        """The checks that fail on a row that was changed by hand, and what they say was looked at."""
        outcomes = [replace(one, whole=whole) for one in synced.outcomes_of(synced.catalogue.source(CONTRACTS))]
        with synced.spoiled(f"UPDATE {CONTRACTS} SET title = 'by hand' WHERE {ONE}"):
            found = synced.results(CONTRACTS, outcomes, run_id=run_id)
        looked = found["raw_equals_current"].metadata["looked at"].value
        return {name for name, result in found.items() if not result.passed}, looked

    def test_the_runs_own_records(self, synced: Synced) -> None:
        """Only those of which it stored a version are looked at, and the result says so."""
        looked = "the records of which this run stored a version"

        assert self.failing(synced, RUN) == ({"raw_equals_current"}, looked)
        assert self.failing(synced, "run 2") == (set(), looked)

    def test_a_run_that_read_the_whole_feed(self, synced: Synced) -> None:
        """It looks at all records, whoever stored them."""
        assert self.failing(synced, "run 2", whole=True) == ({"raw_equals_current"}, "all records")


class TestCurrent:
    """How far the accounts are."""

    def test_an_account_that_is_behind(self, synced: Synced) -> None:
        """It is named, with its distance."""
        north, south = synced.outcomes_of(synced.catalogue.source(CONTRACTS))
        late = replace(south, current=False, cursor=5, maximum=25)

        result = synced.results(CONTRACTS, [north, late])["current"]

        assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert result.description == "not current: south"
        assert [row["distance"] for row in cells(result, "accounts")] == [0, 20]

    @pytest.mark.parametrize(
        "how", [{"error": "no answer"}, {"skipped": "423: being rebuilt"}], ids=["failed", "rebuilt"]
    )
    def test_an_account_that_was_not_read(self, synced: Synced, how: dict[str, str]) -> None:
        """The reason stands beside it; every check has its result nevertheless."""
        outcomes = [FeedOutcome("north", CONTRACTS, **how), FeedOutcome("south", CONTRACTS, current=True)]  # type: ignore[arg-type]

        assert synced.failing(CONTRACTS, outcomes) == {"current"}
        assert cells(synced.results(CONTRACTS, outcomes)["current"], "accounts")[0]["why"] in how.values()

    def test_an_account_without_the_scope(self, synced: Synced) -> None:
        """It is left out, and the reason is told."""
        reason = "scope contract:read is not granted"
        outcomes = [FeedOutcome("north", CONTRACTS, skipped=reason), FeedOutcome("south", CONTRACTS, current=True)]

        with synced.spoiled(f"UPDATE sync.views SET granted = false WHERE account = 'north' AND feed = '{CONTRACTS}'"):
            result = synced.results(CONTRACTS, outcomes)["current"]
            assert synced.failing(CONTRACTS, outcomes) == set()

        assert cells(result, "accounts")[0]["why"] == reason

    def test_no_outcome_at_all(self, synced: Synced) -> None:
        """Every check has its result."""
        assert synced.failing(CONTRACTS, []) == set()


class TestRetention:
    """What Floriday forgets, 14 days after the end of a supply line."""

    def test_time_enough(self, synced: Synced) -> None:
        """Read to its end just now: 14 days are left."""
        result = synced.results(OFFERS)["retention"]

        assert result.passed
        assert {row["hours left"] for row in cells(result, "accounts")} == {14 * 24.0}

    @pytest.mark.parametrize("days", [6, 8, 15])
    def test_a_feed_that_is_not_read_to_its_end(self, synced: Synced, days: int) -> None:
        """It warns seven days before the first changes may be lost; the other account is well."""
        north, south = synced.outcomes_of(synced.catalogue.source(OFFERS))
        known = real_now() - dt.timedelta(days=days)

        with synced.spoiled(f"UPDATE sync.cursors SET current_at = '{known.isoformat()}' WHERE feed = '{OFFERS}'"):
            result = synced.results(OFFERS, [replace(north, current=False), south])["retention"]

        assert result.passed is (days < 7)
        assert cells(result, "accounts")[0]["hours left"] == pytest.approx((14 - days) * 24, abs=0.2)
        assert cells(result, "accounts")[1]["hours left"] == 14 * 24

    def test_a_feed_that_was_never_read_to_its_end(self, synced: Synced) -> None:
        """The time counts from its first reading."""
        north, south = synced.outcomes_of(synced.catalogue.source(OFFERS))
        later = STARTED + dt.timedelta(days=10)

        with synced.spoiled(f"UPDATE sync.cursors SET current_at = NULL WHERE feed = '{OFFERS}'"):
            result = synced.results(OFFERS, [replace(north, current=False), south], now=later)["retention"]

        assert not result.passed
        assert cells(result, "accounts")[0]["hours left"] == 4 * 24

    def test_a_gap_that_was_too_long(self, synced: Synced) -> None:
        """Though the feed is current again, the window that may be incomplete is told, for the account concerned."""
        north, south = synced.outcomes_of(synced.catalogue.source(OFFERS))
        now = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
        back = replace(north, current_before=now - dt.timedelta(days=20))
        regular = replace(south, current_before=now - dt.timedelta(days=13))

        result = synced.results(OFFERS, [back, regular], now=now)["retention"]

        assert (result.passed, result.description) == (False, "changes are lost, or soon will be: north")
        windows = [row["may be incomplete"] for row in cells(result, "accounts")]
        assert windows == ["2026-02-09 12:00:00 UTC to 2026-03-01 12:00:00 UTC", None]

    def test_an_account_without_the_scope(self, synced: Synced) -> None:
        """What may not be read cannot be missed."""
        outcomes = [FeedOutcome("north", OFFERS, skipped="not granted"), FeedOutcome("south", OFFERS, current=True)]
        late = real_now() + dt.timedelta(days=90)

        with synced.spoiled(f"UPDATE sync.views SET granted = false WHERE account = 'north' AND feed = '{OFFERS}'"):
            result = synced.results(OFFERS, outcomes, now=late)["retention"]

        assert result.passed
        assert [row["account"] for row in cells(result, "accounts")] == ["south"]

    def test_notice_is_shorter_than_any_retention(self) -> None:
        """A feed that is read as it should be never warns."""
        keeps = [
            source.retention.keeps
            for api in ("suppliers", "customers")
            for source in catalogue_of(api).sources
            if source.retention
        ]

        assert min(keeps) > check_results.NOTICE


def test_the_tables_behind_the_spoiling_are_there() -> None:
    """The changes above touch a parent, a child and a grandchild."""
    for api in ("suppliers", "customers"):
        names = [part.qualified_name for part in tables_of(catalogue_of(api).source(CONTRACTS)).walk()]
        assert {CONTRACTS, LINES, PERIODS} <= set(names)
