"""The same steps with a file and with a lake, and the comparison of all their tables, row by row."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from pipelines.catalogue.tables import Table, tables_of
from pipelines.normalize.personal import Treatment
from pipelines.sandbox import Sandbox
from pipelines.sandbox.records.books import Book
from pipelines.sync.stored.rebuild import rebuild
from pipelines.warehouse.lake.connection import LakeWarehouse
from pipelines.warehouse.lake.upkeep import upkeep
from pipelines.warehouse.load.days_to_sequence import Days
from pipelines.warehouse.privacy.policy import stored_policy
from pipelines.warehouse.privacy.redact import plan_change, redact
from pipelines.warehouse.schema.rename_account import rename
from pipelines.warehouse.storage import NUL_SIGN
from tests.integration.syncing import Syncing
from tests.moments import real_now
from tests.records import in_json, valid_records
from tests.warehouses import Saved, saved_at

KEY = "a-key-of-thirty-two-characters-or-more"
LAKE_ONLY = ("reports", "definitions")
FILE, LAKE = "file.duckdb", "lake.duckdb"
Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class SavedKinds:
    """The content of a file and a lake, and the time since which they were synced."""

    file: Saved
    lake: Saved
    began: dt.datetime


class TwoKinds:
    """A file and a lake, which are synced from the same sandbox."""

    def __init__(self, sandbox: Sandbox, folder: Path, only: tuple[str, ...] = ()) -> None:
        self._began = real_now()
        self.sandbox = sandbox
        self.file = Syncing(sandbox, folder / FILE, api=sandbox.api, only=only, kind="file")
        self.lake = Syncing(sandbox, folder / LAKE, api=sandbox.api, only=only, kind="lake")
        self.account = "main"
        self.treatment: Treatment = "keep"
        self.errors: set[str | None] = set()

    @classmethod
    def restored(cls, saved: SavedKinds, sandbox: Sandbox, folder: Path) -> TwoKinds:
        """A file and a lake with saved content; the sandbox is equal to the one that they were synced from."""
        saved.file.restore(folder / FILE)
        saved.lake.restore(folder / LAKE)
        kinds = cls(sandbox, folder)
        kinds._began = saved.began
        return kinds

    def saved(self) -> SavedKinds:
        """The content of both."""
        return SavedKinds(saved_at(self.file.path, "file"), saved_at(self.lake.path, "lake"), self._began)

    @property
    def feeds(self) -> list[str]:
        """The names of the change feeds."""
        return [feed.name for feed in self.file.catalogue.feeds]

    def book(self, feed: str) -> Book:
        """What the sandbox serves of a feed."""
        return self.sandbox.book(feed)

    # What happens at Floriday

    def create(self, feed: str, count: int, seed: int) -> None:
        """Create records."""
        for record in valid_records(self.file.catalogue.feed(feed), seed=seed, count=count):
            number = self.book(feed).reserve()
            self.book(feed).put(in_json({**record, "sequenceNumber": number}), number=number)

    def change(self, feed: str, place: int, **fields: Any) -> None:
        """Change a record, or only its number; None changes a field to null."""
        entries = [entry for entry in self.book(feed).entries() if entry.key[0] != "wrong"]
        if entries:
            entry = entries[place % len(entries)]
            number = self.book(feed).reserve()
            self.book(feed).put(in_json({**entry.document, **fields, "sequenceNumber": number}), number=number)

    def spoil(self, feed: str) -> None:
        """Serve a record that is rejected."""
        number = self.book(feed).reserve()
        key = self.file.catalogue.feed(feed).key[0].split("_")
        name = key[0] + "".join(part.capitalize() for part in key[1:])
        self.book(feed).put(in_json({name: "unlike an id", "sequenceNumber": number}), key=("wrong",), number=number)

    def heal(self, feed: str, seed: int) -> None:
        """Serve a valid record in place of a rejected one."""
        if self.book(feed).get("wrong") is not None:
            self.book(feed).remove("wrong")
            self.create(feed, 1, seed)

    # What happens to the warehouses

    def both(self, step: Callable[[Syncing], object]) -> None:
        """Do a step with the file, then with the lake."""
        for syncing in (self.file, self.lake):
            step(syncing)

    def sync(self, *, full: bool = False, days: Days | None = None) -> None:
        """Sync all feeds, and assert that the same feeds are current."""
        settings: dict[str, Any] = {
            "FLORIDAY_API_KEY": "",
            "FLORIDAY_API_KEYS": json.dumps({self.account: self.sandbox.api_keys["main"]}),
            "FLORIDAY_PUBLISHED": "off",
            "FLORIDAY_PERSONAL_DATA": self.treatment,
            "FLORIDAY_PERSONAL_DATA_KEY": KEY,
        }

        file, lake = (each.sync(full=full, days=days, **settings) for each in (self.file, self.lake))
        errors = [{name: outcome.error for name, outcome in outcomes.items()} for outcomes in (file, lake)]
        assert errors[0] == errors[1], errors
        self.errors = set(errors[0].values()) - {None}

    def rebuild(self, feed: str) -> None:
        """Rebuild a feed from its raw log."""
        self.both(lambda syncing: rebuild(syncing.warehouse, syncing.catalogue.source(feed)))

    def rename(self, name: str) -> None:
        """Rename the account."""
        old, self.account = self.account, name

        def step(syncing: Syncing) -> None:
            with syncing.warehouse.writing() as connection:
                rename(connection, old, name)

        if old != name:
            self.both(step)

    def redact(self, treatment: Treatment) -> None:
        """Apply another treatment of personal data, where that is possible."""
        order: list[Treatment] = ["keep", "hash", "drop"]
        if order.index(treatment) > order.index(self.treatment):
            self.treatment = treatment
            self.both(self._redact)

    def _redact(self, syncing: Syncing) -> None:
        tables: list[Table] = [tables_of(source) for source in syncing.catalogue.sources]
        with syncing.warehouse.reading() as connection:
            stored = stored_policy(connection)
        if change := plan_change(stored, self.treatment, SecretStr(KEY)):
            redact(syncing.warehouse, tables, change)

    def upkeep(self) -> None:
        """Do the upkeep of the lake."""
        assert isinstance(self.lake.warehouse, LakeWarehouse)
        upkeep(self.lake.warehouse, keep=dt.timedelta(0))

    # The comparison

    def assert_equal(self) -> int:
        """Assert that both have the same tables with the same rows; returns the number of tables."""
        file, lake = self.content(self.file), self.content(self.lake)
        assert file.keys() == lake.keys()
        differing = [name for name in file if file[name] != lake[name]]
        assert not differing, f"{differing[0]}: {_first_difference(file[differing[0]], lake[differing[0]])}"
        return len(file)

    def content(self, syncing: Syncing) -> dict[str, Rows]:
        """Every row of every table; times of syncs only as such.

        The order of the raw log is compared for each record, because it orders the versions. Other rows have no order.
        """
        with syncing.reading() as connection:
            sql = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = current_database()"
            names = sorted(set(connection.execute(sql).fetchall()) - {LAKE_ONLY})
            rows = {
                f"{schema}.{name}": connection.execute(f'FROM "{schema}"."{name}" ORDER BY rowid').fetchall()
                for schema, name in names
            }
            sql = (
                "SELECT table_name, column_index - 1 FROM duckdb_columns() WHERE database_name = current_database()"
                " AND schema_name = 'raw' AND column_name = 'series'"
            )
            keys = {f"raw.{name}": number for name, number in connection.execute(sql).fetchall()}
        compared = {name: [tuple(map(self._compared, row)) for row in found] for name, found in rows.items()}
        return {name: sorted(found, key=lambda row: repr(row[: keys.get(name)])) for name, found in compared.items()}

    def _compared(self, value: Any) -> Any:
        if isinstance(value, dt.datetime) and value >= self._began:
            return "during the test"
        if isinstance(value, list):
            return list(map(self._compared, value))
        return value.replace("\0", NUL_SIGN) if isinstance(value, str) else value


def _first_difference(file: Rows, lake: Rows) -> str:
    if len(file) != len(lake):
        return f"{len(file)} rows in the file, {len(lake)} in the lake"
    one, other = next(pair for pair in zip(file, lake, strict=True) if pair[0] != pair[1])
    return f"{one} in the file, {other} in the lake"
