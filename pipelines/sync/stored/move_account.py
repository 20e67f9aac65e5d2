"""Move an account with all its rows from one warehouse to another, without calling Floriday."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.errors import SettingError, UsageError, WarehouseError
from pipelines.reports import install
from pipelines.sync.stored.rebuild import bring_up_to_date
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.opening import hold_sync_lock, open_warehouse
from pipelines.warehouse.privacy.policy import StoredPolicy, stored_policy
from pipelines.warehouse.schema.create import create_tables
from pipelines.warehouse.schema.owner import Owner, check_owner, read_owner, record_owner, require_owner
from pipelines.warehouse.schema.rename_account import accounts
from pipelines.warehouse.schema.unfinished_moves import check_no_move, unfinished_moves
from pipelines.warehouse.two_places import Place, TwoPlaces, two_places


@dataclass(frozen=True)
class Moved:
    """What was moved."""

    rows: int
    tables: int


def move_account(account: str, source: Place, target: Place) -> Moved:
    """Copy the rows of an account, compare every row with its copy, then delete them at their old place.

    A first transaction marks the account in the target, so that its rows there count as a copy; the copy is the second,
    the deletion the third, and the last one removes the mark. If the process ends in between, the same call goes on; it
    makes the copy anew if the account has changed since. The order of rows is kept, because that of the raw log is the
    order of the versions. A target that does not exist is created.

    Raises:
        UsageError: the account is not in the source, or the target has other rows of it.
        SettingError: the warehouses belong to different APIs or environments, or an earlier move of the account to the
            source has not ended.
        WarehouseError: a warehouse cannot be used, or they treat personal data differently. Nothing was changed.
        WarehouseBusyError: a sync holds the lock of one of them.
    """
    if source == target:
        raise UsageError(f"the account {account} stays where it is: --from and --to are the same warehouse")
    with hold_sync_lock(source, "floriday move"), hold_sync_lock(target, "floriday move"):
        owner, policy, known = _stored(source, account)
        if account not in known and not _was_copied(target, account, source):
            others = ", ".join(known) or "none"
            raise UsageError(f"{open_warehouse(source).name} has no account {account}; there are: {others}")
        _prepare(target, owner, policy, account)
        if account not in known:
            _check_no_other_name(owner, target, account)
        with two_places(source, target) as places:
            return _moved(places, account, known)


def _moved(places: TwoPlaces, account: str, known: list[str]) -> Moved:
    """Move the account, or end a move of which only the mark was left; ``known`` are the accounts of the source."""
    tables = places.tables(account)
    if account not in known:
        places.end(account)
        if not places.is_copied:
            raise UsageError(
                f"neither place has the account {account}: nothing was moved, and the mark of the interrupted move was"
                f" removed; there are: {', '.join(known) or 'none'}"
            )
        return Moved(0, len(tables))
    if not places.is_copied or (places.is_unfinished and not places.has_same_rows(tables, account)):
        if not places.is_unfinished:
            places.mark(account)
        places.copy(tables, account)
    places.check_copy(tables, account)
    rows = places.delete(tables, account)
    places.end(account)
    return Moved(rows, len(tables))


def _stored(source: Place, account: str) -> tuple[Owner, StoredPolicy, list[str]]:
    """Owner, policy and accounts of the source, where the account is not a copy whose own move has not ended."""
    warehouse = open_warehouse(source)
    if not warehouse.exists():
        raise WarehouseError(f"there is no warehouse at {warehouse.name}, so nothing can be moved from there")
    with warehouse.reading() as connection:
        check_no_move(connection, [account])
        found = require_owner(connection, warehouse.name), stored_policy(connection), accounts(connection)
    warehouse.finish()
    return found


def _was_copied(target: Place, account: str, source: Place) -> bool:
    """Whether the account was moved from the source to the target by a move that did not end."""
    warehouse = open_warehouse(target)
    if not warehouse.exists():
        return False
    with warehouse.reading() as connection:
        moved_from = unfinished_moves(connection).get(account)
    warehouse.finish()
    return moved_from == str(source)


def _check_no_other_name(owner: Owner, target: Place, account: str) -> None:
    """Refuse to end a move whose account has got another name at its old place, where its rows still are.

    Raises:
        SettingError: the source has the account's organization.
    """
    warehouse = open_warehouse(target)
    with warehouse.reading() as connection:
        organization = require_owner(connection, warehouse.name).accounts.get(account)
    warehouse.finish()
    for name, each in owner.accounts.items():
        if each == organization:
            raise SettingError(
                f"the account {account} was renamed {name} at its old place before its move had ended: rename it"
                f" {account} there, and move it again"
            )


def _prepare(target: Place, owner: Owner, policy: StoredPolicy, account: str) -> None:
    """Create the tables of a target that has none; refuse one that belongs to others."""
    warehouse, catalogue = open_warehouse(target), catalogue_of(owner.api, owner.api_version)
    with warehouse.writing() as connection, transaction(connection):
        found = read_owner(connection)
        organizations = {name: each for name, each in owner.accounts.items() if name == account}
        check_owner(found, owner.api, owner.environment, organizations)
        if found is not None and stored_policy(connection) != policy:
            raise WarehouseError(
                f"{warehouse.name} treats personal data differently: run `floriday redact` in both places with the same"
                " settings first; nothing was moved"
            )
        bring_up_to_date(connection, catalogue)
        tables = [tables_of(each) for each in catalogue.sources]
        create_tables(connection, tables)
        install(connection, {part.qualified_name for table in tables for part in table.walk()})
        if found is None:
            record_owner(connection, owner.api, owner.environment, {}, api_version=owner.api_version)
    warehouse.finish()
