"""What grower and buyer agreed for a season: contracts, and the groups of trade items that they name."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.contracts import (
    ContractBase,
    ContractLineBase,
    ContractTradeItemGroupBase,
    ContractTradeItemGroupTradeItemBase,
)
from pipelines.catalogue.customers.shared import PackingConfiguration
from pipelines.catalogue.types import (
    Feed,
    Int32,
    Record,
    Retention,
    Uuid,
    field,
)
from pipelines.floriday.endpoints import Endpoint


class ContractLineTradeItem(Record):
    """A trade item as a contract line names it."""

    contract_line_trade_item_id: Uuid = field("Floriday's identifier of the trade item within the contract line")
    contract_line_trade_item_group_id: Uuid | None = field("what the trade items of one choice have in common")
    trade_item_id: Uuid = field("what was agreed on (catalog.trade_items)")
    trade_item_version: Int32 = field("version of the trade item")
    packing_configuration: PackingConfiguration = field("packing", column="packing_configuration")


class ContractLine(ContractLineBase):
    """One trade item of a contract, with its periods."""

    trade_item: ContractLineTradeItem
    substitute_trade_items: list[ContractLineTradeItem] | None


class Contract(ContractBase):
    """Agreements between grower and buyer: one row for each version of a contract."""

    contract_lines: list[ContractLine]


class ContractTradeItemGroupTradeItem(ContractTradeItemGroupTradeItemBase):
    """A trade item of the group, and how it is packed."""

    packing_configuration: PackingConfiguration


class ContractTradeItemGroup(ContractTradeItemGroupBase):
    """Trade items that may replace each other in a contract: one row for each group."""

    trade_items: list[ContractTradeItemGroupTradeItem]


CONTRACTS = Feed(
    schema="orders",
    table="contracts",
    record=Contract,
    key=("contract_id",),
    endpoint=Endpoint("/contracts", "limit", 100, by_id="/contracts/{contractId}"),
    scope="contract:read",
    retention=Retention(dt.timedelta(days=365), "the end of the contract"),
    notes=(
        notes.CONTRACT_VERSIONS,
        notes.HISTORY_STARTS_HERE,
    ),
)

CONTRACT_TRADE_ITEM_GROUPS = Feed(
    schema="orders",
    table="contract_trade_item_groups",
    record=ContractTradeItemGroup,
    key=("contract_trade_item_group_id",),
    endpoint=Endpoint(
        "/contract-trade-item-groups",
        "limit",
        by_id="/contract-trade-item-groups/{contractTradeItemGroupId}",
        part_parameter="supplierOrganizationId",
    ),
    scope="contract:read",
    notes=(notes.ONE_SUPPLIER_AT_A_TIME, notes.HISTORY_STARTS_HERE),
)

FEEDS = (CONTRACTS, CONTRACT_TRADE_ITEM_GROUPS)
