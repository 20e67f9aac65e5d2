"""Stored personal data brought in line with the settings, and single values erased: everywhere, in a file made anew.

The warehouse is written into a new file with other values, and that takes the old one's place in one step: either all
of it is done or nothing, and no freed block of the file holds an old value.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from pydantic import SecretStr

from pipelines.catalogue.tables import Table
from pipelines.errors import SettingError
from pipelines.normalize import PersonalData
from pipelines.normalize.personal import Treatment
from pipelines.normalize.protection import Value, personal_names
from pipelines.warehouse.file import known_copies
from pipelines.warehouse.file.compaction import (
    CompactionResult,
    checksum,
    differing_entry_kinds,
    rewrite_file,
    table_names,
)
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.file.interruptible import run_interruptible
from pipelines.warehouse.file.removal import remove_leftovers
from pipelines.warehouse.privacy.policy import StoredPolicy, check_key, record_policy
from pipelines.warehouse.privacy.rewrite import REJECTED, ChangeCounts, PersonalValues, personal_columns
from pipelines.warehouse.schema.create import create_tables
from pipelines.warehouse.sql import quoted, raw

_OF_ITS_OWN = (REJECTED, '"sync"."personal_data"', '"sync"."erased"')
"""Tables that are written with other rows."""


@dataclass(frozen=True)
class Change:
    """What is done to the personal values of a warehouse.

    Args:
        to: how they are treated from then on.
        value: what becomes of a stored text; None where all goes.
        keeps_numbers: whether personal values stay that are no text.
        is_noted_only: whether no stored value changes.
    """

    to: PersonalData
    value: Value | None
    keeps_numbers: bool = False
    is_metadata_only: bool = False


def plan_change(
    stands: StoredPolicy, treatment: Treatment, key: SecretStr | None, erase: Iterable[str] = ()
) -> Change | None:
    """What has to be done to what is stored; None for nothing.

    Args:
        stands: how personal data stand in the warehouse.
        treatment: what the settings say.
        key: the settings' key.
        erase: keyed hashes of values to be erased.

    Raises:
        SettingError: it cannot be done: hashes cannot be turned back, and need the key that they were made with.
    """
    if treatment != "drop" or stands.erased:
        check_key(stands, key)
    if (stands.treatment, treatment) == ("hash", "keep"):
        raise SettingError(
            "FLORIDAY_PERSONAL_DATA is keep, and the warehouse holds hashes, which cannot be turned back: set hash"
            " again, or remove them with drop and `floriday redact` first, or use another FLORIDAY_WAREHOUSE"
        )
    to = PersonalData(treatment, key, stands.erased | frozenset(erase))
    if (stands.treatment, stands.erased) == (treatment, to.erased):
        return None
    if stands.treatment == "drop":
        return Change(to, None, is_metadata_only=True)
    if treatment == "drop":
        return Change(to, None)
    if stands.treatment == "hash":
        return Change(to, lambda hashed: None if hashed in to.erased else hashed, keeps_numbers=True)
    return Change(to, to.stored, keeps_numbers=treatment == "keep")


def count_changes(warehouse: Warehouse, feeds: Sequence[Table], asked: Change) -> list[ChangeCounts]:
    """How much a change changes, for the tables in which anything does.

    Args:
        warehouse: the file.
        feeds: the tables of the feeds and snapshots of its API.
        asked: the change.
    """
    if asked.is_metadata_only:
        return []
    with warehouse.reading() as connection:
        values = PersonalValues(connection, feeds, asked.value, keeps_numbers=asked.keeps_numbers)
        found = run_interruptible(connection, lambda: list(values.counted()))
    return [one for one in found if any((one.values, one.versions, one.payloads, one.rejected))]


def redact(
    warehouse: Warehouse, feeds: Sequence[Table], asked: Change, published: Path | None = None
) -> CompactionResult | None:
    """Make a change; to be called under the one-sync lock, others may read meanwhile.

    What killed processes left beside the file is removed. Whatever was copied elsewhere before (backups, exports,
    copies for readers) stays as it was.

    Args:
        warehouse: the file.
        feeds: the tables of the feeds and snapshots of its API.
        asked: the change.
        published: where the copy for readers goes from now on, None where there is to be none.

    Returns:
        The bytes of the file before and after it; None where no stored value had to change.

    Raises:
        WarehouseBusyError: another process held the file for longer than the lock timeout.
        WarehouseError: there is no warehouse, it is damaged, or the new file cannot be written or differs. The
            warehouse is as it was then.
    """
    with warehouse.writing() as connection, transaction(connection):
        remove_leftovers(warehouse.path)
        create_tables(connection, ())
        known_copies.record_copy(connection, published)
        if asked.is_metadata_only:
            record_policy(connection, asked.to)
    if asked.is_metadata_only:
        return None
    return rewrite_file(
        warehouse,
        "redact",
        lambda connection, old, new: _write(connection, old, new, feeds, asked),
        lambda connection, old, new: _differing(connection, old, new, feeds),
    )


def _write(connection: duckdb.DuckDBPyConnection, old: str, new: str, feeds: Sequence[Table], asked: Change) -> None:
    PersonalValues(connection, feeds, asked.value, keeps_numbers=asked.keeps_numbers).write(old, new)
    connection.execute(f"USE {quoted(new)}")
    record_policy(connection, asked.to)
    connection.execute(f"USE {quoted(old)}")


def _differing(connection: duckdb.DuckDBPyConnection, old: str, new: str, feeds: Sequence[Table]) -> list[str]:
    """The tables that differ elsewhere than in their personal values."""
    may: dict[str, list[str]] = {
        name: [column.name for column in columns] for feed in feeds for name, columns in personal_columns(feed)
    }
    may |= {raw(feed): ["payload", "content_hash"] for feed in feeds if personal_names(feed)}
    return differing_entry_kinds(connection, old, new) or [
        name
        for name in table_names(connection, old)
        if name not in _OF_ITS_OWN
        and checksum(connection, old, name, may.get(name, ())) != checksum(connection, new, name, may.get(name, ()))
    ]
