"""What a warehouse remembers of personal data: how they stand in it, under which key, and what was erased.

Never the key, nor what was erased. How stored values are rewritten does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
from pydantic import SecretStr

from pipelines.errors import SettingError
from pipelines.normalize.personal import PersonalData, Treatment, fingerprint

_KEY = "FLORIDAY_PERSONAL_DATA_KEY"


@dataclass(frozen=True)
class StoredPolicy:
    """How personal data stand in a warehouse.

    Args:
        treatment: keep, hash or drop.
        fingerprint: of the key that hashes were made with, or None where there are none.
        erased: keyed hashes of what was erased.
    """

    treatment: Treatment = "keep"
    fingerprint: str | None = None
    erased: frozenset[str] = frozenset()


def stored_policy(connection: duckdb.DuckDBPyConnection) -> StoredPolicy:
    """How they stand; as they came in a warehouse of a version that knew nothing else."""
    sql = (
        "SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() AND schema_name = 'sync'"
        " AND table_name IN ('personal_data', 'erased')"
    )
    if connection.execute(sql).fetchall() != [(2,)]:
        return StoredPolicy()
    erased = frozenset(value for (value,) in connection.execute("SELECT value_hash FROM sync.erased").fetchall())
    rows = connection.execute("SELECT treatment, key_fingerprint FROM sync.personal_data").fetchall()
    treatment, mark = rows[0] if rows else ("keep", None)
    return StoredPolicy(treatment, mark, erased)


def policy_for_sync(stands: StoredPolicy | None, treatment: Treatment, key: SecretStr | None) -> PersonalData:
    """How a sync treats personal data.

    Args:
        stands: how they stand in the warehouse, None for a new one.
        treatment: what the settings say.
        key: the settings' key.

    Raises:
        SettingError: they stand otherwise, or under another key.
    """
    if stands is None:
        return PersonalData(treatment, key)
    if stands.treatment != treatment:
        raise SettingError(
            f"FLORIDAY_PERSONAL_DATA is {treatment}, and the warehouse was filled with {stands.treatment}:"
            f" run `floriday redact` to bring it in line, or set {stands.treatment} again"
        )
    check_key(stands, key)
    return PersonalData(treatment, key, stands.erased)


def check_key(stands: StoredPolicy, key: SecretStr | None) -> None:
    """Refuse another key than the one that the hashes in the warehouse were made with.

    Raises:
        SettingError: it is another one, or missing.
    """
    if stands.fingerprint is None:
        return
    what = "tell what was erased" if stands.erased else "match the hashes in the warehouse"
    if key is None:
        raise SettingError(f"{_KEY} is missing: it expects the key that was set before, to {what}")
    if fingerprint(key) != stands.fingerprint:
        raise SettingError(
            f"{_KEY} is another one than the warehouse's hashes were made with, and could not {what}:"
            " set that one again (docs/personal-data.md says how to change it)"
        )


def record_policy(connection: duckdb.DuckDBPyConnection, personal: PersonalData) -> None:
    """Write down how personal data stand from now on, where that is not known yet; within a transaction.

    Nothing is written for data that are kept as they come.
    """
    hashes = personal.treatment == "hash" or personal.erased
    mark = fingerprint(personal.key) if hashes and personal.key else None
    now = StoredPolicy(personal.treatment, mark, personal.erased)
    before = stored_policy(connection)
    if (before.treatment, before.fingerprint) != (now.treatment, now.fingerprint):
        connection.execute("DELETE FROM sync.personal_data")
        connection.execute("INSERT INTO sync.personal_data VALUES (?, ?, now())", [now.treatment, now.fingerprint])
    add_erased(connection, now.erased - before.erased)


def add_erased(connection: duckdb.DuckDBPyConnection, hashes: Iterable[str]) -> None:
    """Remember what was erased; within a transaction."""
    for value in sorted(hashes):
        connection.execute("INSERT INTO sync.erased VALUES (?, now())", [value])
