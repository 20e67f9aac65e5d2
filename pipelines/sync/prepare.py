"""A warehouse made ready for a sync: whose it is, how it is laid out, and what it remembers of earlier ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import duckdb

from pipelines.catalogue import Catalogue
from pipelines.catalogue.tables import tables_of
from pipelines.floriday.identity import Identity
from pipelines.normalize import PersonalData
from pipelines.reports import install
from pipelines.settings import Settings
from pipelines.sync.rebuild import bring_up_to_date
from pipelines.warehouse.file import known_copies
from pipelines.warehouse.file.connection import Warehouse, transaction
from pipelines.warehouse.load import visibility
from pipelines.warehouse.load.cursors import Ledger, open_ledger
from pipelines.warehouse.privacy import policy
from pipelines.warehouse.schema.create import create_tables
from pipelines.warehouse.schema.owner import check_distinct, check_owner, read_owner, record_owner


@dataclass(frozen=True)
class Prepared:
    """What a warehouse that is ready tells.

    Args:
        personal: what becomes of personal data.
        known: how far every feed is read, and which ones wait for a full re-read.
    """

    personal: PersonalData
    known: Ledger


@dataclass(frozen=True)
class Preparation:
    """What a sync expects of its warehouse.

    Args:
        settings: all of them.
        catalogue: of the settings' API.
        identities: whose key each account's is, as Floriday said.
        seen: how each feed is asked for.
    """

    settings: Settings
    catalogue: Catalogue
    identities: Mapping[str, Identity]
    seen: Sequence[visibility.View]

    def of(self, warehouse: Warehouse) -> Prepared:
        """Refuse a warehouse of others, bring an older one up to date, create what it lacks.

        Mostly there is nothing to be written, and the file is not opened for it.

        Raises:
            SettingError: two accounts are one organization, the warehouse belongs to another API, environment or
                organization, or its personal data are treated otherwise than the settings say.
            WarehouseError: the file cannot be used. Nothing was written then.
        """
        standing = None
        check_distinct(self._organizations)
        if warehouse.exists():
            with warehouse.reading() as connection:
                standing = self._agreed_standing(connection)
                if standing is not None:
                    # DuckDB refuses the first statement that would write.
                    with suppress(duckdb.InvalidInputException):
                        return self._bring_about(connection, self._personal(standing))
        personal = self._personal(standing)
        with warehouse.writing() as connection, transaction(connection):
            return self._bring_about(connection, personal)

    @property
    def _organizations(self) -> dict[str, str]:
        return {account: one.organization_id for account, one in self.identities.items()}

    def _agreed_standing(self, connection: duckdb.DuckDBPyConnection) -> policy.StoredPolicy | None:
        """How personal data stand in a warehouse of ours; None in a file without a layout."""
        belongs = read_owner(connection)
        check_owner(belongs, self.settings.api, self.settings.environment, self._organizations)
        return policy.stored_policy(connection) if belongs else None

    def _personal(self, standing: policy.StoredPolicy | None) -> PersonalData:
        return policy.policy_for_sync(standing, self.settings.personal_data, self.settings.personal_data_key)

    def _bring_about(self, connection: duckdb.DuckDBPyConnection, personal: PersonalData) -> Prepared:
        """Write what is missing, and nothing else."""
        named = {account: (one.organization_id, one.organization_name) for account, one in self.identities.items()}
        tables = [tables_of(source) for source in self.catalogue.sources]
        bring_up_to_date(connection, self.catalogue.sources)
        create_tables(connection, tables)
        install(connection, {part.qualified_name for table in tables for part in table.walk()})
        record_owner(connection, self.settings.api, self.settings.environment, named)
        policy.record_policy(connection, personal)
        known_copies.record_copy(connection, self.settings.published)
        visibility.remember(connection, self.seen)
        return Prepared(personal, open_ledger(connection))
