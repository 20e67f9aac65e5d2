"""The feeds and snapshots of Floriday's Suppliers API, a module for each topic."""

from __future__ import annotations

from pipelines.catalogue.suppliers import (
    availability,
    base_supply,
    blanket_orders,
    catalog,
    catalog_requests,
    contracts,
    delivery_conditions,
    fulfillment,
    inbound,
    invoices,
    logistics,
    order_requests,
    orders,
    organizations,
    services,
    supply,
    supply_clock,
    supply_offers,
    trade_settings,
)

FEEDS = (
    *catalog.FEEDS,
    *services.FEEDS,
    *catalog_requests.FEEDS,
    *supply.FEEDS,
    *supply_offers.FEEDS,
    *base_supply.FEEDS,
    *availability.FEEDS,
    *supply_clock.FEEDS,
    *orders.FEEDS,
    *order_requests.FEEDS,
    *contracts.FEEDS,
    *blanket_orders.FEEDS,
    invoices.INVOICE_LINES,
    *fulfillment.FEEDS,
    *inbound.FEEDS,
    *logistics.FEEDS,
    invoices.LOGISTIC_MEANS_INVOICE_LINES,
    *organizations.FEEDS,
    *trade_settings.FEEDS,
    *delivery_conditions.FEEDS,
)
"""In the order of all listings: supply, orders, deliveries, and organizations."""

SNAPSHOTS = base_supply.SNAPSHOTS
"""The lists without a change feed."""
