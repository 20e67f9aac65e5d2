"""Each asset check passes on sound data and fails on the defect that it detects."""

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
"""Dagster uses deprecated features of its own and of pydantic."""

CONTRACTS, LINES, PERIODS = "orders.contracts", "orders.contract_lines", "orders.contract_line_periods"
OFFERS, BATCHES, MUTATIONS = "supply.supply_lines", "supply.batches", "supply.batch_mutations"
ONE_CONTRACT = f"account = 'south' AND contract_id = (SELECT min(contract_id) FROM {LINES} WHERE account = 'south')"
ACCOUNTS = ("north", "south")
RUN = "run 1"
NOW = "now(), now()"
REASON = "title: expected text, got 7"


@dataclass
class Synced:
    """A warehouse with the records of two accounts, and an open connection to it.

    Args:
        api: API of the sandbox that served the records.
        connection: a connection that is open for writing.
    """

    api: str
    connection: duckdb.DuckDBPyConnection

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue of the sandbox's API."""
        return catalogue_of(self.api)

    def outcomes_of(self, source: Source) -> list[FeedOutcome]:
        """Return outcomes in which both accounts have read the feed to its end."""
        return [FeedOutcome(account, source.name, cursor=9, maximum=9, current=True) for account in ACCOUNTS]

    @contextmanager
    def spoiled(self, *changes: str) -> Iterator[None]:
        """Apply changes and undo them at the end; each must affect at least one row."""
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
        """Return the results of a feed's checks by name."""
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
        """Return the names of a feed's checks that fail."""
        return {check for check, result in self.results(name, outcomes).items() if not result.passed}


@pytest.fixture(
    scope="module", params=[pytest.param(api, marks=pytest.mark.slow) for api in ("suppliers", "customers")]
)
def synced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synced]:
    """A warehouse with all records that the sandbox serves to two accounts, stored without a sync."""
    api = request.param
    sandbox = Sandbox(api=api, now=moments.NOW, scale=0.02, accounts=ACCOUNTS)
    syncing = Syncing(sandbox, tmp_path_factory.mktemp(api) / "w.duckdb", api=api)
    feeds_of_accounts = list(product(ACCOUNTS, syncing.catalogue.sources))
    with Warehouse(syncing.path).writing() as connection:
        for account, source in feeds_of_accounts:
            records = [entry.body for entry in sandbox.book(source.name, account).entries()]
            commit(connection, records, FeedPart(account, source.name), source, run=RUN)
        visibility.remember(
            connection, [View(account, source.name, "", granted=True) for account, source in feeds_of_accounts]
        )
    with duckdb.connect(str(syncing.path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield Synced(api, connection)


growers = pytest.mark.parametrize("synced", [pytest.param("suppliers", marks=pytest.mark.slow)], indirect=True)
"""For tests of data that only growers have."""


def cells(result: dg.AssetCheckResult, table: str) -> list[dict[str, object]]:
    """Return the rows of a table in a result's metadata."""
    metadata = result.metadata[table]
    assert isinstance(metadata, dg.TableMetadataValue)
    return [dict(record.data) for record in metadata.records]


class TestSpecs:
    """The checks that each feed has."""

    @pytest.mark.parametrize("api", ["suppliers", "customers"])
    def test_every_check_is_described(self, api: str) -> None:
        """The description of each check is a whole sentence with the feed's name filled in."""
        for source in catalogue_of(api).sources:
            for spec in specs(source):
                assert spec.asset_key == dg.AssetKey([source.schema, source.table])
                assert spec.description
                assert spec.description.endswith(".")
                assert not {"{", "}"} & set(spec.description)
                assert not spec.blocking

    def test_a_feed_has_only_the_checks_that_apply(self) -> None:
        """Orphans need children, retention needs a stated time, and ``batch_ledger`` needs batch mutations."""
        suppliers = catalogue_of("suppliers")
        always = {"current", "unique_key", "raw_equals_current", "rejected_records", "schema_drift"}

        def additional(name: str) -> set[str]:
            return {spec.name for spec in specs(suppliers.source(name))} - always

        assert additional("supply.price_groups") == set()
        assert additional(CONTRACTS) == {"no_orphans", "retention"}
        assert additional(BATCHES) == {"retention"}
        assert additional(MUTATIONS) == {"batch_ledger"}


class TestSyncedWarehouse:
    """Sound data."""

    def test_every_check_passes_after_a_sync(self, tmp_path: Path) -> None:
        """Every check passes after a first load and after a sync without changes, for two accounts."""
        names = (CONTRACTS, BATCHES, MUTATIONS)
        with Sandbox(now=moments.NOW, scale=0.02, accounts=ACCOUNTS) as sandbox:
            syncing = Syncing(sandbox, tmp_path / "w.duckdb", only=names)
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
        """Every check of every feed passes, for both APIs and two accounts."""
        failing = {source.name: synced.failing(source.name) for source in synced.catalogue.sources}

        assert {name: checks for name, checks in failing.items() if checks} == {}

    @growers
    def test_batch_ledger_judges_batches(self, synced: Synced) -> None:
        """The check ``batch_ledger`` judges some of the sandbox's batches and finds no difference."""
        judged = synced.results(MUTATIONS)["batch_ledger"].metadata["judged"].value

        assert isinstance(judged, int)
        assert judged > 0

    def test_dagster_accepts_the_results(self, synced: Synced) -> None:
        """Dagster runs an asset with these specs and results, including failed errors and warnings."""
        source = synced.catalogue.source(CONTRACTS)

        @dg.asset(key=dg.AssetKey(["orders", "contracts"]), check_specs=specs(source), output_required=False)
        def contracts() -> Iterator[dg.MaterializeResult[None]]:
            outcomes = [replace(outcome, current=False) for outcome in synced.outcomes_of(source)]
            yield dg.MaterializeResult(check_results=list(synced.results(CONTRACTS, outcomes).values()))

        with synced.spoiled(f"DELETE FROM {CONTRACTS} WHERE {ONE_CONTRACT}"):
            result = dg.materialize([contracts], raise_on_error=False)

        evaluated = {evaluation.check_name: evaluation.passed for evaluation in result.get_asset_check_evaluations()}
        assert result.success
        assert evaluated == {
            spec.name: spec.name not in {"current", "no_orphans", "raw_equals_current"} for spec in specs(source)
        }


SPOILED = {
    "a doubled row": (f"INSERT INTO {CONTRACTS} FROM {CONTRACTS} WHERE {ONE_CONTRACT}", {"unique_key"}),
    "a doubled child row": (
        f"INSERT INTO {PERIODS} FROM {PERIODS} WHERE {ONE_CONTRACT} LIMIT 1",
        {"unique_key", "raw_equals_current"},
    ),
    "a row without a contract": (
        f"INSERT INTO {PERIODS} SELECT * REPLACE (uuid() AS contract_id) FROM {PERIODS} WHERE {ONE_CONTRACT} LIMIT 1",
        {"no_orphans"},
    ),
    "a changed value": (f"UPDATE {CONTRACTS} SET title = 'by hand' WHERE {ONE_CONTRACT}", {"raw_equals_current"}),
    "a lost row": (f"DELETE FROM {CONTRACTS} WHERE {ONE_CONTRACT}", {"raw_equals_current", "no_orphans"}),
    "a lost version": (f"DELETE FROM raw.contracts WHERE {ONE_CONTRACT}", {"raw_equals_current"}),
    "a changed child row": (f"UPDATE {PERIODS} SET number_of_pieces = -1 WHERE {ONE_CONTRACT}", {"raw_equals_current"}),
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
    """Each defect fails the checks that detect it, and no other."""

    @pytest.mark.parametrize(("change", "checks"), SPOILED.values(), ids=SPOILED)
    def test_a_defect_fails_its_checks(self, synced: Synced, change: str, checks: set[str]) -> None:
        """Lost and corrupt data fail as errors; other defects fail as warnings."""
        with synced.spoiled(change):
            failed = {name: result for name, result in synced.results(CONTRACTS).items() if not result.passed}

        assert failed.keys() == checks
        errors = {name for name, result in failed.items() if result.severity is dg.AssetCheckSeverity.ERROR}
        assert errors == checks & {"unique_key", "no_orphans", "raw_equals_current"}

    def test_examples_name_account_and_key(self, synced: Synced) -> None:
        """The result counts the wrong records and lists examples with account and key."""
        ((contract,),) = synced.connection.execute(
            f"SELECT CAST(contract_id AS VARCHAR) FROM {CONTRACTS} WHERE {ONE_CONTRACT}"
        ).fetchall()

        with synced.spoiled(f"UPDATE {CONTRACTS} SET title = 'by hand' WHERE {ONE_CONTRACT}"):
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
        """The result contains neither the payload of a rejected record nor the value that was refused."""
        with synced.spoiled(SPOILED["a rejected record"][0]):
            result = synced.results(CONTRACTS)["rejected_records"]

        assert cells(result, "examples")[0]["what"] == "title: expected text"
        assert "payload" not in repr(result)

    def test_schema_drift_is_listed(self, synced: Synced) -> None:
        """The description names the unknown value, and a table lists it with its account."""
        with synced.spoiled(SPOILED["an unknown value"][0]):
            result = synced.results(CONTRACTS)["schema_drift"]

        assert result.description == f"unknown: `{CONTRACTS}.currency`"
        row = cells(result, "served")[0]
        assert (row["account"], row["kind"], row["seen"]) == ("south", "value", "SEK")

    @growers
    def test_wrong_stock_is_a_warning(self, synced: Synced) -> None:
        """A batch whose mutations do not add up fails as a warning that shows both numbers."""
        with synced.spoiled(f"UPDATE {MUTATIONS} SET delta_number_of_pieces = delta_number_of_pieces - 1000"):
            result = synced.results(MUTATIONS)["batch_ledger"]

        assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert "pieces left, but the mutations add up to" in str(cells(result, "examples")[0]["what"])


class TestLargeFeed:
    """Feeds with too many versions to check all of them after each run."""

    @pytest.fixture(autouse=True)
    def large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Treat every feed as large."""
        monkeypatch.setattr(integrity, "WHOLE_UP_TO", 1)

    def failing(self, synced: Synced, run_id: str, *, whole: bool = False) -> tuple[set[str], object]:
        """Return the checks that fail after a manual change of a row, and which records were compared."""
        outcomes = [replace(outcome, whole=whole) for outcome in synced.outcomes_of(synced.catalogue.source(CONTRACTS))]
        with synced.spoiled(f"UPDATE {CONTRACTS} SET title = 'by hand' WHERE {ONE_CONTRACT}"):
            checks = synced.results(CONTRACTS, outcomes, run_id=run_id)
        compared = checks["raw_equals_current"].metadata["looked at"].value
        return {name for name, result in checks.items() if not result.passed}, compared

    def test_only_records_of_the_run_are_compared(self, synced: Synced) -> None:
        """Only records of which the run stored a version are compared, and the result states it."""
        compared = "the records of which this run stored a version"

        assert self.failing(synced, RUN) == ({"raw_equals_current"}, compared)
        assert self.failing(synced, "run 2") == (set(), compared)

    def test_a_run_that_read_the_whole_feed(self, synced: Synced) -> None:
        """A run that read the whole feed compares all records."""
        assert self.failing(synced, "run 2", whole=True) == ({"raw_equals_current"}, "all records")


class TestCurrent:
    """The check `current`."""

    def test_an_account_that_is_behind(self, synced: Synced) -> None:
        """An account that is behind is named with its distance."""
        north, south = synced.outcomes_of(synced.catalogue.source(CONTRACTS))
        behind = replace(south, current=False, cursor=5, maximum=25)

        result = synced.results(CONTRACTS, [north, behind])["current"]

        assert (result.passed, result.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert result.description == "not current: south"
        assert [row["distance"] for row in cells(result, "accounts")] == [0, 20]

    @pytest.mark.parametrize(
        "fields", [{"error": "no answer"}, {"skipped": "423: being rebuilt"}], ids=["failed", "rebuilt"]
    )
    def test_an_account_that_was_not_read(self, synced: Synced, fields: dict[str, str]) -> None:
        """The reason why an account was not read is listed, and every check has a result."""
        outcomes = [FeedOutcome("north", CONTRACTS, **fields), FeedOutcome("south", CONTRACTS, current=True)]  # type: ignore[arg-type]

        assert synced.failing(CONTRACTS, outcomes) == {"current"}
        assert cells(synced.results(CONTRACTS, outcomes)["current"], "accounts")[0]["why"] in fields.values()

    def test_an_account_without_the_scope(self, synced: Synced) -> None:
        """An account without the scope passes, and the reason is listed."""
        reason = "scope contract:read is not granted"
        outcomes = [FeedOutcome("north", CONTRACTS, skipped=reason), FeedOutcome("south", CONTRACTS, current=True)]

        with synced.spoiled(f"UPDATE sync.views SET granted = false WHERE account = 'north' AND feed = '{CONTRACTS}'"):
            result = synced.results(CONTRACTS, outcomes)["current"]
            assert synced.failing(CONTRACTS, outcomes) == set()

        assert cells(result, "accounts")[0]["why"] == reason

    def test_no_outcomes(self, synced: Synced) -> None:
        """Without outcomes every check has a result and none fails."""
        assert synced.failing(CONTRACTS, []) == set()


class TestRetention:
    """The check `retention`: Floriday deletes changes 14 days after the end of a supply line."""

    def test_a_feed_read_just_now(self, synced: Synced) -> None:
        """A feed that was just read to its end has 14 days left."""
        result = synced.results(OFFERS)["retention"]

        assert result.passed
        assert {row["hours left"] for row in cells(result, "accounts")} == {14 * 24.0}

    @pytest.mark.parametrize("days", [6, 8, 15])
    def test_a_feed_that_is_not_read_to_its_end(self, synced: Synced, days: int) -> None:
        """The check warns seven days before the first changes may be lost, for the account concerned only."""
        north, south = synced.outcomes_of(synced.catalogue.source(OFFERS))
        current_at = real_now() - dt.timedelta(days=days)

        with synced.spoiled(f"UPDATE sync.cursors SET current_at = '{current_at.isoformat()}' WHERE feed = '{OFFERS}'"):
            result = synced.results(OFFERS, [replace(north, current=False), south])["retention"]

        assert result.passed is (days < 7)
        assert cells(result, "accounts")[0]["hours left"] == pytest.approx((14 - days) * 24, abs=0.2)
        assert cells(result, "accounts")[1]["hours left"] == 14 * 24

    def test_a_feed_that_was_never_read_to_its_end(self, synced: Synced) -> None:
        """The time of a feed that was never current counts from its first sync."""
        north, south = synced.outcomes_of(synced.catalogue.source(OFFERS))
        later = STARTED + dt.timedelta(days=10)

        with synced.spoiled(f"UPDATE sync.cursors SET current_at = NULL WHERE feed = '{OFFERS}'"):
            result = synced.results(OFFERS, [replace(north, current=False), south], now=later)["retention"]

        assert not result.passed
        assert cells(result, "accounts")[0]["hours left"] == 4 * 24

    def test_a_gap_that_was_too_long(self, synced: Synced) -> None:
        """After a gap longer than the retention, the window that may be incomplete is shown for the account."""
        north, south = synced.outcomes_of(synced.catalogue.source(OFFERS))
        now = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
        after_gap = replace(north, current_before=now - dt.timedelta(days=20))
        regular = replace(south, current_before=now - dt.timedelta(days=13))

        result = synced.results(OFFERS, [after_gap, regular], now=now)["retention"]

        assert (result.passed, result.description) == (False, "changes are lost, or soon will be: north")
        windows = [row["may be incomplete"] for row in cells(result, "accounts")]
        assert windows == ["2026-02-09 12:00:00 UTC to 2026-03-01 12:00:00 UTC", None]

    def test_an_account_without_the_scope(self, synced: Synced) -> None:
        """An account without the scope is left out."""
        outcomes = [FeedOutcome("north", OFFERS, skipped="not granted"), FeedOutcome("south", OFFERS, current=True)]
        late = real_now() + dt.timedelta(days=90)

        with synced.spoiled(f"UPDATE sync.views SET granted = false WHERE account = 'north' AND feed = '{OFFERS}'"):
            result = synced.results(OFFERS, outcomes, now=late)["retention"]

        assert result.passed
        assert [row["account"] for row in cells(result, "accounts")] == ["south"]

    def test_notice_is_shorter_than_any_retention(self) -> None:
        """A feed that is read regularly never fails the check."""
        retentions = [
            source.retention.keeps
            for api in ("suppliers", "customers")
            for source in catalogue_of(api).sources
            if source.retention
        ]

        assert min(retentions) > check_results.NOTICE


def test_the_changed_tables_belong_to_contracts() -> None:
    """The tables that the tests change are a parent, a child and a grandchild of one feed."""
    for api in ("suppliers", "customers"):
        names = [part.qualified_name for part in tables_of(catalogue_of(api).source(CONTRACTS)).walk()]
        assert {CONTRACTS, LINES, PERIODS} <= set(names)
