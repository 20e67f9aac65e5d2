"""The feeds of Floriday's Suppliers API, a module for each schema."""

from __future__ import annotations

from pipelines.catalogue.suppliers import catalog, fulfillment, orders, organizations, supply

FEEDS = (*catalog.FEEDS, *supply.FEEDS, *orders.FEEDS, *fulfillment.FEEDS, *organizations.FEEDS)
"""In the order in which people read them: what is offered, sold, delivered, and by whom."""
