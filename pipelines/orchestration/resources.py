"""The resources that the assets of a run share: the settings, the session with Floriday, the warehouse.

Dagster shows the fields of a resource and stores them with every run. So these have none: the FLORIDAY_ variables, the
secrets among them, are read when a run needs them.
"""

# No `from __future__ import annotations` here: Dagster reads the annotations of a resource at run time.

import logging
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import dagster as dg
from pydantic import PrivateAttr, SecretStr

from pipelines.errors import PipelineError, UsageError, WarehouseBusyError
from pipelines.lake_address import WarehouseAddress
from pipelines.orchestration.assets.concurrent_feeds import ConcurrentFeeds
from pipelines.orchestration.cells import CELL, cell_of_run, cells_of
from pipelines.orchestration.dagster_private import SCHEDULE_NAME_TAG
from pipelines.settings import LocalSettings, Settings, home_folder, load_alerts, load_local_settings, load_settings
from pipelines.sync.session import Connected, SyncSession, open_clients
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.opening import hold_sync_lock, open_warehouse

LONGEST_WAIT = 600.0  # most seconds that all steps of a run together wait for syncs outside of Dagster
SCHEDULED_WAIT = 6 * 3600.0  # the same for runs of a schedule: as long as a first load may take, so that none is lost


class SettingsResource(dg.ConfigurableResource[Any]):
    """The FLORIDAY_ variables of the environment and of the `.env` file; in the run of a cell, those of the cell."""

    _cell: str | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Use the settings of the run's cell, if it has one."""
        self._cell = cell_of_run(context.run) if context.run else None

    def in_cell(self, cell: str | None) -> Self:
        """The settings of one cell, as if it were alone; None: all settings."""
        settings = self.model_copy()
        settings._cell = cell  # noqa: SLF001 - of its own class
        return settings

    def environ(self) -> Mapping[str, str]:
        """The environment variables."""
        return os.environ

    def directory(self) -> Path:
        """The folder in which a `.env` file is looked for first."""
        return home_folder()

    def reads_dotenv(self) -> bool:
        """Whether a `.env` file adds to the environment."""
        return True

    def load(self) -> Settings:
        """All settings of a cell, or of a warehouse without cells.

        Raises:
            SettingError: a setting is missing or malformed.
            UsageError: the run belongs to no cell, or there is no such cell.
        """
        settings = load_settings(self.environ(), self.directory(), dotenv=self.reads_dotenv())
        if self._cell is None and cells_of(settings):
            raise UsageError(
                "this run belongs to no cell: start it for a partition, which names one, or with the tag"
                f" {CELL} of one of the cells {', '.join(cells_of(settings))}"
            )
        return settings if self._cell is None else settings.in_cell(self._cell)

    def load_local(self) -> LocalSettings:
        """The settings that need no credentials, of a cell or of all. Raises a SettingError if one is malformed."""
        settings = load_local_settings(self.environ(), self.directory(), dotenv=self.reads_dotenv())
        return settings if self._cell is None else settings.in_cell(self._cell)

    def load_alerts(self) -> tuple[SecretStr, ...]:
        """The addresses for alerts, also if other settings are malformed. Raises a SettingError as ``load`` does."""
        return load_alerts(self.environ(), self.directory(), dotenv=self.reads_dotenv())


def given_settings(environ: Mapping[str, str], directory: Path) -> SettingsResource:
    """Settings from the given variables alone, which Dagster does not store; relative paths start in ``directory``."""

    class GivenSettings(SettingsResource):
        """The settings that the caller passes."""

        def environ(self) -> Mapping[str, str]:
            return environ

        def directory(self) -> Path:
            return directory

        def reads_dotenv(self) -> bool:
            return False

    return GivenSettings()


class FloridaySession(dg.ConfigurableResource[Any]):
    """The session with Floriday, which a run opens once: an OAuth2 token, and a client for each account."""

    settings: dg.ResourceDependency[SettingsResource]
    _opened: ExitStack = PrivateAttr(default_factory=ExitStack)
    _connected: Connected | None = PrivateAttr(default=None)
    _session: SyncSession | None = PrivateAttr(default=None)
    _failure: PipelineError | None = PrivateAttr(default=None)
    _feeds: ConcurrentFeeds | None = PrivateAttr(default=None)

    def open(self) -> Connected:
        """The token session, the clients and the warehouse; nothing is requested. Raises errors of the settings."""
        if self._connected is None:
            self._connected = self._opened.enter_context(open_clients(self.settings.load()))
        return self._connected

    def prepare(self) -> SyncSession:
        """The session that syncs, with identified accounts and a checked warehouse; prepared once in a run.

        Raises:
            PipelineError: no key is accepted, or the warehouse cannot be used; later calls raise the same error.
        """
        if self._failure is not None:
            raise self._failure
        if self._session is None:
            try:
                self._session = self.open().prepare()
            except PipelineError as error:
                self._failure = error
                raise
        return self._session

    def concurrent_feeds(self, run_id: str) -> ConcurrentFeeds:
        """The syncs of the run's feeds. Raises errors as :meth:`prepare` does."""
        session = self.prepare()
        if self._feeds is None:
            self._feeds = ConcurrentFeeds(session, run_id)
        return self._feeds

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Stop syncs in progress, publish the copy for readers if it is due, and close what was opened."""
        with self._opened:
            if self._feeds is not None:
                self._feeds.close()
            if self._session is not None:
                try:
                    self._session.save_positions()
                    self._session.connected.publish()
                except PipelineError as error:
                    assert context.log is not None
                    context.log.warning("%s", error)


class WarehouseResource(dg.ConfigurableResource[Any]):
    """The warehouse that the settings name, and its lock."""

    settings: dg.ResourceDependency[SettingsResource]
    _waited: float = PrivateAttr(default=0.0)
    _is_held: bool = PrivateAttr(default=False)
    _lock: ExitStack = PrivateAttr(default_factory=ExitStack)

    def file(self) -> Warehouse:
        """The warehouse. Raises a SettingError if a setting is malformed."""
        return open_warehouse(self.settings.load_local().warehouse)

    def hold(self, run: dg.DagsterRun, log: logging.Logger) -> None:
        """Take the sync lock until the run ends, in its name; wait while another sync holds it.

        Raises:
            WarehouseBusyError: the other sync took longer than the rest of :data:`LONGEST_WAIT`, or of
                :data:`SCHEDULED_WAIT` for the run of a schedule.
            WarehouseError: the folder is not writable.
        """
        if self._is_held:
            return
        address, holder = self.file().address, f"Dagster run {run.run_id}"
        try:
            self._lock.enter_context(hold_sync_lock(address, holder))
        except WarehouseBusyError as busy:
            log.warning("Waiting: %s", busy.message)
            self._wait(address, holder, SCHEDULED_WAIT if SCHEDULE_NAME_TAG in run.tags else LONGEST_WAIT)
        self._is_held = True

    def _wait(self, address: WarehouseAddress, holder: str, longest: float) -> None:
        began = time.monotonic()
        try:
            self._lock.enter_context(hold_sync_lock(address, holder, timeout=max(0.0, longest - self._waited)))
        finally:
            self._waited += time.monotonic() - began

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - Dagster's name
        """Release the sync lock."""
        self.release()

    def release(self) -> None:
        """Release the sync lock."""
        self._lock.close()
        self._is_held = False
