"""How buyers want to trade: their trade settings (the specification)."""

from __future__ import annotations

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import SEQUENCE_NUMBER, TradeSetting
from pipelines.catalogue.types import Feed, Int64, Record, Uuid, field
from pipelines.floriday.endpoints import Endpoint


class CustomerTradeSettings(Record):
    """What connected buyers accept and how they work: one row for each buyer."""

    customer_organization_id: Uuid = field("buyer whose settings they are (organizations.organizations)")
    accepts_direct_orders: TradeSetting = field("growers may enter orders for the buyer")
    automatically_accepts_correction_requests_on_direct_orders: TradeSetting = field(
        "growers' corrections of orders that they entered are accepted by themselves",
        column="auto_accepts_direct_order_corrections",
    )
    automatically_accepts_correction_requests_on_supply_orders: TradeSetting = field(
        "growers' corrections of orders that the buyer placed are accepted by themselves",
        column="auto_accepts_supply_order_corrections",
    )
    allow_suppliers_to_manage_selected_trade_item_assortment: TradeSetting = field(
        "growers may add trade items to the buyer's selected assortment", column="suppliers_manage_selected_assortment"
    )
    accepts_supply_of_type_purchase_tip: TradeSetting = field(
        "the buyer takes purchase tips", column="accepts_purchase_tips"
    )
    uses_contracts: TradeSetting = field("the buyer works with contracts")
    accepts_transport_cost: TradeSetting = field("the buyer pays transport costs (else orders only what includes them)")
    trades_exclusively_with_fsi_compliant_suppliers: TradeSetting = field(
        "the buyer orders only from growers that meet the sustainability demands of the FSI",
        column="trades_only_with_fsi_suppliers",
    )
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


CUSTOMER_TRADE_SETTINGS = Feed(
    schema="organizations",
    table="customer_trade_settings",
    record=CustomerTradeSettings,
    key=("customer_organization_id",),
    endpoint=Endpoint(
        "/trade-settings/customer",
        max_sequence="/trade-settings/customer/max-sequence",
        by_id="/trade-settings/customer/{customerOrganizationId}",
    ),
    scope="network:read",
    notes=(notes.NUMBER_ZERO, notes.NOTHING_DELETED, notes.HISTORY_STARTS_HERE),
)

FEEDS = (CUSTOMER_TRADE_SETTINGS,)
