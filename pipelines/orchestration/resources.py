"""What the assets of a run share: the settings, the session with Floriday, the warehouse.

Dagster shows a resource's fields and keeps them with every run. So these have none: the variables, and the secrets
among them, are read inside, when a run needs them.
"""

# No `from __future__ import annotations` here: Dagster reads the annotations of a resource as they stand.

import logging
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import PrivateAttr, SecretStr

from pipelines.errors import PipelineError, WarehouseBusyError
from pipelines.orchestration.assets.concurrent_feeds import Together
from pipelines.settings import LocalSettings, Settings, load_alerts, load_local_settings, load_settings
from pipelines.sync.session import Connected, SyncSession, open_clients
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.sync_lock import hold_sync_lock

PATIENCE = 600.0
"""Seconds that a run waits, in all, for a sync that was started elsewhere."""


class SettingsResource(dg.ConfigurableResource[Any]):
    """The FLORIDAY_ variables of the environment and of the `.env` file."""

    def environ(self) -> Mapping[str, str]:
        """The environment that is read."""
        return os.environ

    def directory(self) -> Path:
        """Where a `.env` file is looked for first."""
        return Path.cwd()

    def reads_dotenv(self) -> bool:
        """Whether a `.env` file adds to the environment."""
        return True

    def load(self) -> Settings:
        """All settings.

        Raises:
            SettingError: one is missing or malformed.
        """
        return load_settings(self.environ(), self.directory(), dotenv=self.reads_dotenv())

    def load_local(self) -> LocalSettings:
        """The settings that need no credentials.

        Raises:
            SettingError: one is malformed.
        """
        return load_local_settings(self.environ(), self.directory(), dotenv=self.reads_dotenv())

    def load_alerts(self) -> tuple[SecretStr, ...]:
        """Where alerts go, whatever else is malformed.

        Raises:
            SettingError: FLORIDAY_ALERTS is malformed.
        """
        return load_alerts(self.environ(), self.directory(), dotenv=self.reads_dotenv())


def given_settings(environ: Mapping[str, str], directory: Path) -> SettingsResource:
    """Settings from the given variables and nothing else; Dagster gets to see neither.

    Args:
        environ: the FLORIDAY_ variables.
        directory: what relative paths count from.
    """

    class GivenSettings(SettingsResource):
        """The settings that the caller hands in."""

        def environ(self) -> Mapping[str, str]:
            return environ

        def directory(self) -> Path:
            return directory

        def reads_dotenv(self) -> bool:
            return False

    return GivenSettings()


class FloridaySession(dg.ConfigurableResource[Any]):
    """Floriday, signed in to once a run: an OAuth2Session with client credentials, and a client for each account."""

    settings: dg.ResourceDependency[SettingsResource]
    _opened: ExitStack = PrivateAttr(default_factory=ExitStack)
    _connected: Connected | None = PrivateAttr(default=None)
    _session: SyncSession | None = PrivateAttr(default=None)
    _failure: PipelineError | None = PrivateAttr(default=None)
    _together: Together | None = PrivateAttr(default=None)

    def open(self) -> Connected:
        """The session, the clients and the warehouse that belong together; nothing is called and nothing created.

        Raises:
            SettingError: a setting is missing or malformed.
            UsageError: the feeds of this API are not known.
        """
        if self._connected is None:
            self._connected = self._opened.enter_context(open_clients(self.settings.load()))
        return self._connected

    def prepare(self) -> SyncSession:
        """The same, with keys that Floriday knows and a warehouse that is theirs; found out once a run.

        Raises:
            PipelineError: no key is good, or the warehouse cannot be used; each time anew, without asking again.
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

    def together(self, run_id: str) -> Together:
        """The syncs of the run's feeds.

        Raises:
            PipelineError: as of :meth:`prepare`.
        """
        session = self.prepare()
        if self._together is None:
            self._together = Together(session, run_id)
        return self._together

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Renew the copy for readers, where the run's syncs made it due, and close what was opened."""
        with self._opened:
            if self._together is not None:
                self._together.close()
            if self._session is not None:
                try:
                    self._session.save_positions()
                    self._session.connected.publish()
                except PipelineError as error:
                    assert context.log is not None
                    context.log.warning("%s", error)


class WarehouseResource(dg.ConfigurableResource[Any]):
    """The DuckDB file that the settings name, and its lock file."""

    settings: dg.ResourceDependency[SettingsResource]
    _waited: float = PrivateAttr(default=0.0)
    _is_held: bool = PrivateAttr(default=False)
    _lock: ExitStack = PrivateAttr(default_factory=ExitStack)

    def file(self) -> Warehouse:
        """The DuckDB file.

        Raises:
            SettingError: a setting is malformed.
        """
        return Warehouse(self.settings.load_local().warehouse)

    def hold(self, holder: str, log: logging.Logger) -> None:
        """Keep every other sync out until the run ends, once the one that may be under way is done.

        Args:
            holder: who, in words, for the message to others.
            log: is told who is waited for.

        Raises:
            WarehouseBusyError: the other sync took longer than this run's patience.
            WarehouseError: the folder does not take files.
        """
        if self._is_held:
            return
        path = self.file().path
        try:
            self._lock.enter_context(hold_sync_lock(path, holder))
        except WarehouseBusyError as busy:
            log.warning("Waiting: %s", busy.message)
            self._wait(path, holder)
        self._is_held = True

    def _wait(self, path: Path, holder: str) -> None:
        """Wait for the other sync, but not longer than what is left of the run's patience."""
        began = time.monotonic()
        try:
            self._lock.enter_context(hold_sync_lock(path, holder, timeout=max(0.0, PATIENCE - self._waited)))
        finally:
            self._waited += time.monotonic() - began

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - Dagster's name
        """Let other syncs in."""
        self.release()

    def release(self) -> None:
        """Give up the warehouse."""
        self._lock.close()
        self._is_held = False
