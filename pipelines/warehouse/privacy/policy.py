"""How a warehouse stores personal data: the treatment, the fingerprint of the key, and hashes of erased values.

Neither the key nor an erased value is stored. How stored values are rewritten does not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
from pydantic import SecretStr

from pipelines.errors import SettingError
from pipelines.normalize.personal import PersonalData, Treatment, fingerprint
from pipelines.warehouse.schema.introspection import has_tables
from pipelines.warehouse.storage import ALL_TABLES, FilledTables

_KEY = "FLORIDAY_PERSONAL_DATA_KEY"
_TABLES = ("personal_data", "erased")


@dataclass(frozen=True)
class StoredPolicy:
    """How personal data are stored in a warehouse."""

    treatment: Treatment = "keep"  # ``keep``, ``hash`` or ``drop``
    fingerprint: str | None = None  # fingerprint of the key of the hashes; None if there are no hashes
    erased: frozenset[str] = frozenset()  # keyed hashes of erased values


def stored_policy(connection: duckdb.DuckDBPyConnection, filled: FilledTables = ALL_TABLES) -> StoredPolicy:
    """The policy of a warehouse; a warehouse of a version without these tables keeps personal data."""
    is_filled = any(("sync", name) in filled for name in _TABLES)
    if not is_filled or not has_tables(connection, "sync", *_TABLES):
        return StoredPolicy()
    erased = frozenset(value for (value,) in connection.execute("SELECT value_hash FROM sync.erased").fetchall())
    rows = connection.execute("SELECT treatment, key_fingerprint FROM sync.personal_data").fetchall()
    treatment, mark = rows[0] if rows else ("keep", None)
    return StoredPolicy(treatment, mark, erased)


def policy_for_sync(stored: StoredPolicy | None, treatment: Treatment, key: SecretStr | None) -> PersonalData:
    """How a sync with these settings treats personal data; ``stored`` is None for a new warehouse.

    Raises:
        SettingError: the settings differ from the policy of the warehouse.
    """
    if stored is None:
        return PersonalData(treatment, key)
    if stored.treatment != treatment:
        raise SettingError(
            f"FLORIDAY_PERSONAL_DATA is {treatment}, and the warehouse was filled with {stored.treatment}:"
            f" run `floriday redact` to bring it in line, or set {stored.treatment} again"
        )
    check_key(stored, key)
    return PersonalData(treatment, key, stored.erased)


def check_key(stored: StoredPolicy, key: SecretStr | None) -> None:
    """Refuse another key than that of the hashes in the warehouse.

    Raises:
        SettingError: the key differs or is missing.
    """
    if stored.fingerprint is None:
        return
    what = "recognize what was erased" if stored.erased else "match the hashes in the warehouse"
    if key is None:
        raise SettingError(f"{_KEY} is missing: it expects the key that was set before, to {what}")
    if fingerprint(key) != stored.fingerprint:
        raise SettingError(
            f"{_KEY} is not the key with which the warehouse's hashes were made, and could not {what}: set that key"
            " again (docs/personal-data.md describes how to change it)"
        )


def record_policy(
    connection: duckdb.DuckDBPyConnection, personal: PersonalData, filled: FilledTables = ALL_TABLES
) -> None:
    """Record how personal data are stored from now on, if that differs; within a transaction.

    Nothing is written while personal data are kept.
    """
    hashes = personal.treatment == "hash" or personal.erased
    mark = fingerprint(personal.key) if hashes and personal.key else None
    before = stored_policy(connection, filled)
    if (before.treatment, before.fingerprint) != (personal.treatment, mark):
        connection.execute("DELETE FROM sync.personal_data")
        connection.execute("INSERT INTO sync.personal_data VALUES (?, ?, now())", [personal.treatment, mark])
    for value in sorted(personal.erased - before.erased):
        connection.execute("INSERT INTO sync.erased VALUES (?, now())", [value])
