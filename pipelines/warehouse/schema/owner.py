"""What a warehouse belongs to: one API, one environment, and the organization of each account."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import duckdb

from pipelines.errors import SettingError, WarehouseError
from pipelines.warehouse.schema.create import LAYOUT_VERSION


@dataclass(frozen=True)
class Owner:
    """What a warehouse belongs to, as ``sync.settings`` and ``sync.accounts`` hold it."""

    api: str
    environment: str
    accounts: dict[str, str]
    layout_version: int = LAYOUT_VERSION

    @property
    def is_older(self) -> bool:
        """Whether an older version of this program laid it out, so that it has to be brought up to date."""
        return self.layout_version < LAYOUT_VERSION


def read_owner(connection: duckdb.DuckDBPyConnection) -> Owner | None:
    """What the warehouse belongs to, or None for a file without a layout.

    Raises:
        WarehouseError: the layout is newer than this program.
    """
    if not _has_layout(connection):
        return None
    row = connection.execute("SELECT api, environment, layout_version FROM sync.settings").fetchall()
    if not row:
        return None
    api, environment, version = row[0]
    if version > LAYOUT_VERSION:
        raise WarehouseError(
            f"the warehouse was written by a newer floriday-warehouse: its layout is {version}, this one knows up to"
            f" {LAYOUT_VERSION}. Upgrade floriday-warehouse, or restore a backup of before; nothing was changed"
        )
    accounts = connection.execute("SELECT account, CAST(organization_id AS VARCHAR) FROM sync.accounts").fetchall()
    return Owner(api, environment, dict(accounts), version)


def require_owner(connection: duckdb.DuckDBPyConnection, path: Path) -> Owner:
    """What the warehouse at ``path`` belongs to.

    Raises:
        WarehouseError: to nobody yet, or the layout is older or newer than this program's.
    """
    belongs = read_owner(connection)
    if belongs is None:
        raise WarehouseError(f"{path} holds nothing of Floriday yet: run `floriday sync` first")
    if belongs.is_older:
        raise WarehouseError(
            f"{path} was laid out by an older floriday-warehouse: `floriday sync` brings it up to date, `floriday"
            " rebuild` does so without asking Floriday"
        )
    return belongs


def _has_layout(connection: duckdb.DuckDBPyConnection) -> bool:
    sql = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'sync' AND table_name = 'settings' AND NOT internal"
    return bool(connection.execute(sql).fetchall()[0][0])


def check_owner(belongs: Owner | None, api: str, environment: str, organizations: dict[str, str]) -> None:
    """Refuse to mix APIs, environments and organizations in one warehouse.

    Args:
        belongs: what the warehouse remembers, None for a new one.
        api: ``suppliers`` or ``customers``.
        environment: the host of the API.
        organizations: each account's organization id, as Floriday tells it.

    Raises:
        SettingError: it belongs to something else.
    """
    if belongs is None:
        return
    if (belongs.api, belongs.environment) != (api, environment):
        raise SettingError(
            f"FLORIDAY_WAREHOUSE belongs to the {belongs.api} API of {belongs.environment}, FLORIDAY_BASE_URL names the"
            f" {api} API of {environment}: use a warehouse of its own for each"
        )
    for account, organization in organizations.items():
        known = belongs.accounts.get(account)
        if known is not None and _comparable(known) != _comparable(organization):
            raise SettingError(
                f"account {account}: its key belongs to organization {organization}, the warehouse holds the data of"
                f" organization {known} under that name: give the account another name, or use another warehouse"
            )
    owners = {_comparable(organization): account for account, organization in belongs.accounts.items()}
    for account, organization in organizations.items():
        known_as = owners.get(_comparable(organization), account)
        if known_as != account:
            raise SettingError(
                f"account {account}: its key belongs to organization {organization}, which the warehouse already holds"
                f" as account {known_as}: use that name"
            )


def check_distinct(organizations: dict[str, str]) -> None:
    """Refuse two accounts of one organization: each of their records would be stored twice.

    Args:
        organizations: each account's organization id, as Floriday tells it.

    Raises:
        SettingError: two names stand for one organization.
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
    """An organization id as text that is equal where the UUID is: capitals, braces and hyphens do not count."""
    try:
        return str(UUID(organization))
    except ValueError:
        return organization


def record_owner(
    connection: duckdb.DuckDBPyConnection, api: str, environment: str, organizations: dict[str, tuple[str, str | None]]
) -> None:
    """Write down what the warehouse belongs to, where it does not know yet; within a transaction."""
    if not connection.execute("SELECT 1 FROM sync.settings").fetchall():
        connection.execute("INSERT INTO sync.settings VALUES (?, ?, ?, now())", [api, environment, LAYOUT_VERSION])
    known = dict(connection.execute("SELECT account, organization_name FROM sync.accounts").fetchall())
    for account, (organization, name) in organizations.items():
        if account not in known:
            given = [account, organization, name]
            connection.execute("INSERT INTO sync.accounts VALUES (?, CAST(? AS UUID), ?, now())", given)
        elif known[account] != name:
            connection.execute("UPDATE sync.accounts SET organization_name = ? WHERE account = ?", [name, account])
