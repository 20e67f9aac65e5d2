"""A warehouse made ready for a sync: its owner is checked, its layout completed, its cursors loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import duckdb

from pipelines.catalogue import Catalogue
from pipelines.catalogue.tables import tables_of
from pipelines.floriday.identity import Identity
from pipelines.normalize import PersonalData, get_ready
from pipelines.reports import install
from pipelines.settings import Settings
from pipelines.sync.stored.rebuild import bring_up_to_date
from pipelines.warehouse.file import known_copies
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.lake.other_lakes import check_other_lakes
from pipelines.warehouse.load import visibility
from pipelines.warehouse.load.run_state import RunState
from pipelines.warehouse.privacy import policy
from pipelines.warehouse.schema.create import create_tables
from pipelines.warehouse.schema.owner import Owner, check_distinct, check_owner, read_owner, record_owner
from pipelines.warehouse.schema.unfinished_moves import check_no_move
from pipelines.warehouse.storage import ALL_TABLES, FilledTables


@dataclass(frozen=True)
class Prepared:
    """What a sync uses of a warehouse that is ready."""

    personal: PersonalData  # how personal data are protected
    state: RunState  # cursors of all feeds, and the feeds that wait for a full re-read


@dataclass(frozen=True)
class Preparation:
    """What a sync expects of its warehouse."""

    settings: Settings
    catalogue: Catalogue  # of the settings' API
    identities: Mapping[str, Identity]  # the organization behind each account's key
    views: Sequence[visibility.View]  # the filter and scope that each feed is requested with

    def prepare(self, warehouse: Warehouse) -> Prepared:
        """Refuse a warehouse of others, bring an older one up to date, create what it lacks.

        Mostly there is nothing to write, and the file is opened for reading only.

        Raises:
            SettingError: two accounts are one organization, the warehouse belongs to another API, environment or
                organization, its personal data are protected differently from what the settings define, the move of an
                account to it has not ended, or another cell has an account that is new here.
            WarehouseError: the file cannot be used. Nothing was written then.
        """
        stored, new = None, {*self.identities}
        check_distinct(self._organizations)
        if warehouse.exists():
            with warehouse.reading() as connection:
                filled = warehouse.filled_tables(connection)
                owner = read_owner(connection)
                check_no_move(connection, self.identities, filled)
                stored = self._checked_policy(connection, owner, filled)
                new -= {*owner.accounts} if owner else set()
                if stored is not None:
                    # DuckDB refuses the first statement that would write.
                    with suppress(duckdb.InvalidInputException, duckdb.TransactionException):
                        return self._complete(connection, self._personal(stored), filled)
        else:
            get_ready()  # the first records come as soon as the tables are created, which takes a second
        check_other_lakes(warehouse.address, new)
        personal = self._personal(stored)
        with warehouse.writing() as connection, transaction(connection):
            return self._complete(connection, personal)

    @property
    def _organizations(self) -> dict[str, str]:
        return {account: identity.organization_id for account, identity in self.identities.items()}

    def _checked_policy(
        self, connection: duckdb.DuckDBPyConnection, owner: Owner | None, filled: FilledTables
    ) -> policy.StoredPolicy | None:
        """How a warehouse of ours protects personal data; None in a file without a layout."""
        check_owner(owner, self.settings.api, self.settings.environment, self._organizations)
        return policy.stored_policy(connection, filled) if owner else None

    def _personal(self, stored: policy.StoredPolicy | None) -> PersonalData:
        return policy.policy_for_sync(stored, self.settings.personal_data, self.settings.personal_data_key)

    def _complete(
        self, connection: duckdb.DuckDBPyConnection, personal: PersonalData, filled: FilledTables = ALL_TABLES
    ) -> Prepared:
        """Write what is missing, and nothing else; ``filled`` is known where nothing can be written."""
        owners = {name: (each.organization_id, each.organization_name) for name, each in self.identities.items()}
        tables = [tables_of(source) for source in self.catalogue.sources]
        bring_up_to_date(connection, self.catalogue)
        columns = create_tables(connection, tables)
        install(connection, {each.qualified_name for table in tables for each in table.walk()}, columns=columns)
        api, version = self.catalogue.api, self.catalogue.version
        record_owner(connection, api, self.settings.environment, owners, api_version=version)
        policy.record_policy(connection, personal, filled)
        known_copies.record_copy(connection, self.settings.published)
        visibility.remember(connection, self.views)
        return Prepared(personal, RunState.load(connection, filled))
