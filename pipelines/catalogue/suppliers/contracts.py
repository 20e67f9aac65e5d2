"""What grower and buyer agree on for longer: contracts and the groups of trade items in them (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.contracts import (
    TRADE_ITEM_GROUP,
    ContractBase,
    ContractLineBase,
    ContractTradeItemGroupBase,
    ContractTradeItemGroupTradeItemBase,
)
from pipelines.catalogue.suppliers.shared import PackingConfigurationBase
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
    """A trade item, in one version, packed in one way."""

    contract_line_trade_item_id: Uuid = field("Floriday's identifier of the trade item within the line")
    contract_trade_item_group_id: Uuid | None = field(TRADE_ITEM_GROUP)
    trade_item_id: Uuid = field("what is agreed on (catalog.trade_items)")
    trade_item_version: Int32 = field("version of the trade item")
    packing_configuration: PackingConfigurationBase = field("packing", column="packing_configuration")


class ContractLine(ContractLineBase):
    """One trade item with its periods."""

    trade_item: ContractLineTradeItem
    substitute_trade_items: list[ContractLineTradeItem] | None


class Contract(ContractBase):
    """Agreements of grower and buyer on pieces and prices: one row for each version of a contract."""

    contract_lines: list[ContractLine]


class ContractTradeItemGroupTradeItem(ContractTradeItemGroupTradeItemBase):
    """A trade item, packed in one way."""

    packing_configuration: PackingConfigurationBase


class ContractTradeItemGroup(ContractTradeItemGroupBase):
    """Trade items that may replace each other in a contract: one row for each group."""

    trade_items: list[ContractTradeItemGroupTradeItem]


CONTRACTS = Feed(
    schema="orders",
    table="contracts",
    record=Contract,
    key=("contract_id",),
    endpoint=Endpoint("/contracts", page_maximum=100, by_id="/contracts/{contractId}"),
    scope="contract:read",
    retention=Retention(dt.timedelta(days=365), "its end"),
    notes=(notes.CONTRACT_VERSIONS, notes.HISTORY_STARTS_HERE),
)

CONTRACT_TRADE_ITEM_GROUPS = Feed(
    schema="orders",
    table="contract_trade_item_groups",
    record=ContractTradeItemGroup,
    key=("contract_trade_item_group_id",),
    endpoint=Endpoint(
        "/contract-trade-item-groups", "limit", by_id="/contract-trade-item-groups/{contractTradeItemGroupId}"
    ),
    scope="contract:read",
    notes=(notes.HISTORY_STARTS_HERE,),
)

FEEDS = (CONTRACTS, CONTRACT_TRADE_ITEM_GROUPS)
