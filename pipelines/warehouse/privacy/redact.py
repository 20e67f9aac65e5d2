"""Apply the settings to personal data that are stored already, and erase single values.

A warehouse file is written into a new file with other values, which replaces the old one in one step: either all of it
is done or nothing, and no freed block of the file contains an old value. The rows of a lake are updated in one
transaction; then its older snapshots are removed, with their files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from pydantic import SecretStr

from pipelines.catalogue.tables import Table
from pipelines.errors import SettingError, WarehouseError
from pipelines.normalize import PersonalData
from pipelines.normalize.personal import Treatment
from pipelines.normalize.protection import Value, personal_names
from pipelines.warehouse.file import compaction
from pipelines.warehouse.file.compaction import CompactionResult
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.file.interruptible import run_interruptible
from pipelines.warehouse.file.known_copies import record_copy
from pipelines.warehouse.file.removal import remove_leftovers
from pipelines.warehouse.lake.connection import LakeWarehouse
from pipelines.warehouse.lake.replaced_values import remove_replaced_values
from pipelines.warehouse.privacy.policy import StoredPolicy, check_key, record_policy
from pipelines.warehouse.privacy.rewrite import REJECTED, ChangeCounts, PersonalValues, personal_columns
from pipelines.warehouse.schema.create import create_tables
from pipelines.warehouse.sql import listed, quoted, raw

_OTHER_ROWS = (REJECTED, '"sync"."personal_data"', '"sync"."erased"')  # tables whose rows may differ in the new file


@dataclass(frozen=True)
class Change:
    """A change of the stored personal values of a warehouse."""

    to: PersonalData  # treatment of personal data after the change
    value: Value | None  # function from a stored text to its new value; None if all values are removed
    keeps_numbers: bool = False  # whether personal values that are no text are kept
    is_metadata_only: bool = False  # whether no stored value changes, only the recorded policy

    def values(self, connection: duckdb.DuckDBPyConnection, feeds: Sequence[Table]) -> PersonalValues:
        """The personal values of an open warehouse, with their new values."""
        return PersonalValues(connection, feeds, self.value, keeps_numbers=self.keeps_numbers)


def plan_change(
    stored: StoredPolicy, treatment: Treatment, key: SecretStr | None, erase: Iterable[str] = ()
) -> Change | None:
    """The change that brings the stored data in line with the settings, and erases values by their keyed hashes.

    None if nothing changes.

    Raises:
        SettingError: the change is impossible: hashes cannot be reversed, and need the key that made them.
    """
    if treatment != "drop" or stored.erased:
        check_key(stored, key)
    if (stored.treatment, treatment) == ("hash", "keep"):
        raise SettingError(
            "FLORIDAY_PERSONAL_DATA is keep, and the warehouse holds hashes, which cannot be turned back: set hash"
            " again, or remove them with drop and `floriday redact` first, or use another FLORIDAY_WAREHOUSE"
        )
    to = PersonalData(treatment, key, stored.erased | frozenset(erase))
    if (stored.treatment, stored.erased) == (treatment, to.erased):
        return None
    if stored.treatment == "drop":
        return Change(to, None, is_metadata_only=True)
    if treatment == "drop":
        return Change(to, None)
    if stored.treatment == "hash":
        return Change(to, lambda hashed: None if hashed in to.erased else hashed, keeps_numbers=True)
    return Change(to, to.stored, keeps_numbers=treatment == "keep")


def count_changes(warehouse: Warehouse, feeds: Sequence[Table], change: Change) -> list[ChangeCounts]:
    """How many values a change affects, for each table with any."""
    if change.is_metadata_only:
        return []
    with warehouse.reading() as connection:
        values = change.values(connection, feeds)
        counts = run_interruptible(connection, lambda: list(values.counted()))
    return [each for each in counts if any((each.values, each.versions, each.payloads, each.rejected))]


def redact(
    warehouse: Warehouse, feeds: Sequence[Table], change: Change, published: Path | None = None
) -> CompactionResult | None:
    """Apply a change; the caller holds the sync lock, and other processes may read meanwhile.

    What killed processes left beside the file is removed. Older copies (backups, exports, published copies) are not
    changed; ``published`` is the path of the present one, None if none is made.

    Returns:
        The size of the file before and after; None if no stored value changed, or it is a lake.

    Raises:
        WarehouseBusyError: another process had the file open for longer than the lock timeout.
        WarehouseError: there is no warehouse, it is damaged, or the new file cannot be written or differs. The
            warehouse is unchanged then.
    """
    with warehouse.writing() as connection, transaction(connection):
        if not isinstance(warehouse, LakeWarehouse):
            remove_leftovers(warehouse.path)
        create_tables(connection, ())
        record_copy(connection, published)
        if change.is_metadata_only:
            record_policy(connection, change.to)
    if change.is_metadata_only:
        return None
    if isinstance(warehouse, LakeWarehouse):
        _update(warehouse, feeds, change)
        return None
    return compaction.rewrite_file(
        warehouse,
        "redact",
        lambda connection, old, new: _write(connection, old, new, feeds, change),
        lambda connection, old, new: _differing(connection, old, new, feeds),
    )


def _write(connection: duckdb.DuckDBPyConnection, old: str, new: str, feeds: Sequence[Table], change: Change) -> None:
    change.values(connection, feeds).write(old, new)
    connection.execute(f"USE {quoted(new)}")
    record_policy(connection, change.to)
    connection.execute(f"USE {quoted(old)}")


def remove_old_values(warehouse: Warehouse) -> None:
    """Remove the values that a change replaced, which a lake keeps in older snapshots; a file keeps none.

    Raises:
        PipelineError: some may be left; nothing that can be read has changed.
    """
    if isinstance(warehouse, LakeWarehouse):
        remove_replaced_values(warehouse)


def _update(warehouse: LakeWarehouse, feeds: Sequence[Table], change: Change) -> None:
    """Apply a change within one transaction, and then remove the replaced values."""

    def work(connection: duckdb.DuckDBPyConnection) -> list[str]:
        may_differ = _may_differ(feeds)
        ((lake,),) = connection.execute("SELECT current_database()").fetchall()
        names = [name for name in compaction.table_names(connection, lake) if name in may_differ]
        before = [_checksum(connection, name, may_differ[name]) for name in names]
        change.values(connection, feeds).update()
        record_policy(connection, change.to)
        after = [_checksum(connection, name, may_differ[name]) for name in names]
        return [name for name, *sums in zip(names, before, after, strict=True) if sums[0] != sums[1]]

    with warehouse.writing() as connection, transaction(connection):
        differing = run_interruptible(connection, lambda: work(connection))
        if differing:
            raise WarehouseError(
                f"{warehouse.name} was not redacted, and is unchanged: other values changed in {', '.join(differing)}"
            )
    remove_old_values(warehouse)


def _checksum(connection: duckdb.DuckDBPyConnection, table: str, but: Sequence[str]) -> Any:
    """A checksum of all rows with their positions, without some columns."""
    rows = f'(SELECT rowid AS place, * EXCLUDE ({listed(but)}) FROM {table}) "whole row"'
    return connection.execute(f'SELECT count(*), sum(hash("whole row")) FROM {rows}').fetchall()


def _may_differ(feeds: Sequence[Table]) -> dict[str, list[str]]:
    """The columns whose values a change may replace, by table."""
    columns = {name: [each.name for each in columns] for feed in feeds for name, columns in personal_columns(feed)}
    return columns | {raw(feed): ["payload", "content_hash"] for feed in feeds if personal_names(feed)}


def _differing(connection: duckdb.DuckDBPyConnection, old: str, new: str, feeds: Sequence[Table]) -> list[str]:
    may_differ = _may_differ(feeds)

    def differs(name: str) -> bool:
        before, after = (compaction.checksum(connection, file, name, may_differ.get(name, ())) for file in (old, new))
        return name not in _OTHER_ROWS and before != after

    return compaction.differing_entry_kinds(connection, old, new) or [
        name for name in compaction.table_names(connection, old) if differs(name)
    ]
