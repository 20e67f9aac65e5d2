"""The feeds of Floriday's Customers API, a module for each topic."""

from __future__ import annotations

from pipelines.catalogue.customers import (
    assortment,
    blanket_orders,
    catalog_requests,
    clock_presales,
    contracts,
    correction_requests,
    delivery_conditions,
    invoices,
    organizations,
    purchase_orders,
    sales_orders,
    services,
    shipments,
    stickers,
    supply_lines,
    supply_requests,
    trade_items,
    trade_settings,
)

FEEDS = (
    *trade_items.FEEDS,
    *assortment.FEEDS,
    *services.FEEDS,
    *catalog_requests.FEEDS,
    *supply_lines.FEEDS,
    *clock_presales.FEEDS,
    *supply_requests.FEEDS,
    *sales_orders.FEEDS,
    *correction_requests.FEEDS,
    *purchase_orders.FEEDS,
    *contracts.FEEDS,
    *blanket_orders.FEEDS,
    invoices.INVOICE_LINES,
    *shipments.FEEDS,
    *stickers.FEEDS,
    invoices.LOGISTIC_MEANS_INVOICE_LINES,
    *organizations.FEEDS,
    *delivery_conditions.FEEDS,
    *trade_settings.FEEDS,
)
"""In the order of all listings: supply, requests, orders, deliveries, organizations and terms."""
