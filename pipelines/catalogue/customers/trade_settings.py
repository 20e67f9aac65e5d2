"""How growers have set up their trade: supplier trade settings (the specification)."""

from __future__ import annotations

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import SEQUENCE_NUMBER, TradeSetting
from pipelines.catalogue.types import Feed, Int64, Record, Uuid, field
from pipelines.floriday.endpoints import Endpoint


class SupplierTradeSettings(Record):
    """What growers accept and use: one row for each grower."""

    supplier_organization_id: Uuid = field("grower whose settings they are (organizations.organizations)")
    automatically_accepts_correction_requests: TradeSetting = field(
        "accepting buyers' correction requests by itself", column="auto_accepts_corrections"
    )
    uses_cancellation_grace_period_if_minimum_quantity_is_not_met: TradeSetting = field(
        "an hour to still accept orders below the minimum quantity", column="uses_cancellation_grace_period"
    )
    uses_contracts: TradeSetting = field("trading by contract")
    uses_customer_stickers: TradeSetting = field("putting on buyers' stickers")
    accepts_order_requests: TradeSetting = field("taking order requests")
    accepts_supply_requests: TradeSetting = field("taking supply requests")
    accepts_trade_item_requests: TradeSetting = field("taking trade item requests")
    accepts_packing_configuration_requests: TradeSetting = field(
        "taking packing configuration requests", column="accepts_packing_requests"
    )
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


SUPPLIER_TRADE_SETTINGS = Feed(
    schema="organizations",
    table="supplier_trade_settings",
    record=SupplierTradeSettings,
    key=("supplier_organization_id",),
    endpoint=Endpoint(
        "/trade-settings/supplier",
        max_sequence="/trade-settings/supplier/max-sequence",
        by_id="/trade-settings/supplier/{supplierOrganizationId}",
    ),
    scope="network:read",
    notes=(notes.NUMBER_ZERO, notes.NOTHING_DELETED, notes.HISTORY_STARTS_HERE),
)

FEEDS = (SUPPLIER_TRADE_SETTINGS,)
