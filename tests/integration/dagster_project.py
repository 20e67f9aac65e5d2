"""A project's folder with a sandbox to sync from, for tests of Dagster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from pipelines.catalogue import catalogue_of
from pipelines.orchestration.code_location import build_definitions
from pipelines.orchestration.instance.opening import open_instance
from pipelines.orchestration.resources import given_settings
from pipelines.orchestration.run_in_process import STORAGE, sync_through_dagster
from pipelines.sandbox import Sandbox
from pipelines.sync.outcome import FeedOutcome
from pipelines.warehouse.file.connection import Warehouse
from tests.records import in_json, valid_records
from tests.written_files import written_below

SUPPLIERS = catalogue_of("suppliers")
RECORDS = 12
"""Number of records of each feed and account in a filled sandbox."""


def fill(sandbox: Sandbox, *names: str) -> None:
    """Add a few records of the named feeds, or of all feeds, to the books of every account."""
    for account in sandbox.api_keys:
        for feed in [SUPPLIERS.feed(name) for name in names] or SUPPLIERS.feeds:
            book = sandbox.book(feed.name, account)
            for record in valid_records(feed, seed=3, count=RECORDS):
                book.put(in_json(record), number=record["sequenceNumber"])


@dataclass
class Project:
    """A project's folder and the sandbox that it syncs from.

    Args:
        sandbox: a sandbox that is started.
        root: the project's folder; its `.env` file is empty, so that no other one is searched.
        settings: FLORIDAY_ variables beside those that point at the sandbox.
    """

    sandbox: Sandbox
    root: Path
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.root / ".env").touch()

    @property
    def environment(self) -> dict[str, str]:
        """The FLORIDAY_ variables."""
        return {**self.sandbox.environment(), "FLORIDAY_WAREHOUSE": str(self.warehouse.path), **self.settings}

    @property
    def warehouse(self) -> Warehouse:
        """The DuckDB file."""
        return Warehouse(self.root / "data" / "w.duckdb")

    @property
    def secrets(self) -> list[str]:
        """The secrets that must not appear anywhere."""
        return [self.sandbox.client_secret, *self.sandbox.api_keys.values()]

    def sync(self, *, full: bool = False) -> dict[str, FeedOutcome]:
        """Sync one account through Dagster; return the outcomes by feed."""
        return {outcome.feed: outcome for outcome in sync_through_dagster(self.environment, root=self.root, full=full)}

    def run(self, job: str, ops: Mapping[str, Mapping[str, Any]] | None = None) -> dg.ExecuteInProcessResult:
        """Execute a job in process, with the config of each op."""
        definitions = build_definitions(given_settings(self.environment, self.root))
        config = {"ops": {name: {"config": dict(values)} for name, values in (ops or {}).items()}}
        with self.instance() as instance:
            return definitions.resolve_job_def(job).execute_in_process(
                config if ops else None, instance, raise_on_error=False
            )

    @contextmanager
    def instance(self) -> Iterator[dg.DagsterInstance]:
        """Open the instance that stores the project's runs."""
        with open_instance(self.root, self.root / STORAGE) as instance:
            yield instance

    def last_run(self) -> dg.DagsterRun:
        """The newest run."""
        with self.instance() as instance:
            return instance.get_runs(limit=1)[0]

    def metadata(self, feed: str) -> Mapping[str, Any]:
        """Return the metadata of the newest materialization of a feed's asset, as plain values."""
        with self.instance() as instance:
            event = instance.get_latest_materialization_event(dg.AssetKey(feed.split(".")))
        assert event is not None
        assert event.asset_materialization is not None
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query in the warehouse."""
        with self.warehouse.reading() as connection:
            return connection.execute(sql).fetchall()

    def files(self) -> dict[Path, bytes]:
        """Return the content of every file that Dagster wrote."""
        return written_below(self.root / STORAGE)


def failure_lines(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Return the error line of each failed step, by the step's name."""
    return {
        event.step_key or "": event.step_failure_data.user_failure_data.description or ""
        for event in result.all_events
        if event.is_step_failure and event.step_failure_data.user_failure_data
    }
