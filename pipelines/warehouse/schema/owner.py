"""The owner of a warehouse: one API, one environment, and the organization of each account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import duckdb

from pipelines.errors import NewerWarehouseError, SettingError, WarehouseError
from pipelines.warehouse.schema.create import LAYOUT_VERSION
from pipelines.warehouse.schema.introspection import has_tables
from pipelines.warehouse.storage import conflict_with_inserts


@dataclass(frozen=True)
class Owner:
    """The content of ``sync.settings``, and the organization id of each account in ``sync.accounts``."""

    api: str
    environment: str
    accounts: dict[str, str]
    layout_version: int = LAYOUT_VERSION
    api_version: str | None = None  # whose fields the tables have; None in an older layout

    @property
    def is_older(self) -> bool:
        """Whether an older version of this program created the tables, so that they must be migrated."""
        return self.layout_version < LAYOUT_VERSION


def stored_settings(connection: duckdb.DuckDBPyConnection) -> dict[str, Any] | None:
    """The row of ``sync.settings`` by its columns, of which an older layout lacks some; None if nothing was stored."""
    if not has_tables(connection, "sync", "settings"):
        return None
    rows = connection.execute("FROM sync.settings").fetchall()
    return dict(zip((column[0] for column in connection.description or ()), rows[0], strict=True)) if rows else None


def read_owner(connection: duckdb.DuckDBPyConnection) -> Owner | None:
    """The owner of the warehouse; None if nothing was stored yet.

    Raises:
        NewerWarehouseError: the layout is newer than this program.
    """
    stored = stored_settings(connection)
    if stored is None:
        return None
    version = stored["layout_version"]
    if version > LAYOUT_VERSION:
        raise NewerWarehouseError(
            f"the warehouse was written by a newer floriday-warehouse: its layout is {version}, this one knows up to"
            f" {LAYOUT_VERSION}. Upgrade floriday-warehouse, or restore an older backup; nothing was changed"
        )
    accounts = connection.execute("SELECT account, CAST(organization_id AS VARCHAR) FROM sync.accounts").fetchall()
    return Owner(stored["api"], stored["environment"], dict(accounts), version, stored.get("api_version"))


def require_owner(connection: duckdb.DuckDBPyConnection, name: str) -> Owner:
    """The owner of the warehouse, which messages call ``name``.

    Raises:
        WarehouseError: it has none yet, or its layout is older or newer than this program's.
    """
    owner = read_owner(connection)
    if owner is None:
        raise WarehouseError(f"{name} contains no data of Floriday yet: run `floriday sync` first")
    if owner.is_older:
        raise WarehouseError(
            f"{name} has the layout of an older floriday-warehouse: `floriday sync` brings it up to date, `floriday"
            " rebuild` does so without requests to Floriday"
        )
    return owner


def check_owner(owner: Owner | None, api: str, environment: str, organizations: dict[str, str]) -> None:
    """Refuse to mix APIs, environments (hosts) and organizations in one warehouse; a new one has no owner.

    Raises:
        SettingError: the warehouse belongs to another owner.
    """
    if owner is None:
        return
    if (owner.api, owner.environment) != (api, environment):
        raise SettingError(
            f"FLORIDAY_WAREHOUSE belongs to the {owner.api} API of {owner.environment}, FLORIDAY_BASE_URL names the"
            f" {api} API of {environment}: use a separate warehouse for each"
        )
    for account, organization in organizations.items():
        known = owner.accounts.get(account)
        if known is not None and _comparable(known) != _comparable(organization):
            raise SettingError(
                f"account {account}: its key belongs to organization {organization}, the warehouse holds the data of"
                f" organization {known} under that name: give the account another name, or use another warehouse"
            )
    known_accounts = {_comparable(organization): account for account, organization in owner.accounts.items()}
    for account, organization in organizations.items():
        known_as = known_accounts.get(_comparable(organization), account)
        if known_as != account:
            raise SettingError(
                f"account {account}: its key belongs to organization {organization}, which the warehouse already holds"
                f" as account {known_as}: use that name"
            )


def check_distinct(organizations: dict[str, str]) -> None:
    """Refuse two accounts of one organization, because each of their records would be stored twice.

    Raises:
        SettingError: two accounts have the same organization.
    """
    names: dict[str, str] = {}
    for account, organization in organizations.items():
        other = names.setdefault(_comparable(organization), account)
        if other != account:
            raise SettingError(
                f"FLORIDAY_API_KEYS: the keys of {other} and {account} belong to one organization, {organization}:"
                " keep one of the two names; nothing was stored"
            )


def _comparable(organization: str) -> str:
    """An organization id in canonical form, without differences in capitals, braces and hyphens."""
    try:
        return str(UUID(organization))
    except ValueError:
        return organization


def record_owner(
    connection: duckdb.DuckDBPyConnection,
    api: str,
    environment: str,
    organizations: dict[str, tuple[str, str | None]],
    *,
    api_version: str | None = None,
) -> None:
    """Record the owner, and new accounts with id and name of their organizations; within a transaction.

    ``api_version`` is the version of the API whose fields the tables have.
    """
    if not connection.execute("SELECT 1 FROM sync.settings").fetchall():
        params = [api, environment, LAYOUT_VERSION, api_version]
        connection.execute("INSERT INTO sync.settings VALUES (?, ?, ?, now(), ?)", params)
    known = dict(connection.execute("SELECT account, organization_name FROM sync.accounts").fetchall())
    for account, (organization, name) in organizations.items():
        if account not in known:
            conflict_with_inserts(connection)
            params = [account, organization, name]
            connection.execute("INSERT INTO sync.accounts VALUES (?, CAST(? AS UUID), ?, now())", params)
        elif known[account] != name:
            connection.execute("UPDATE sync.accounts SET organization_name = ? WHERE account = ?", [name, account])
