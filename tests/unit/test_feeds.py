"""Facts about single feeds: tier, rate limit, page size, sub-feeds and marks of deletion."""

from __future__ import annotations

import re

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.tables import Path, deletion_paths, tables_of
from pipelines.floriday.endpoints import SLOW, USUAL, RateLimit

SUPPLIERS = catalogue_of("suppliers")
CUSTOMERS = catalogue_of("customers")


def fast_feeds(catalogue: Catalogue) -> set[str]:
    """Return the tables of the feeds in the fast tier."""
    return {feed.table for feed in catalogue.feeds if feed.tier == "fast"}


def feeds_with_small_pages(catalogue: Catalogue) -> set[str]:
    """Return the tables of the feeds with 100 records a page; all others must have 1000."""
    maxima = {feed.table: feed.endpoint.page_maximum for feed in catalogue.feeds}
    assert set(maxima.values()) == {100, 1000}
    return {table for table, maximum in maxima.items() if maximum == 100}


def feeds_deleted_by(catalogue: Catalogue, signal: Path) -> set[str]:
    """Return the tables of the feeds whose records are marked as deleted by this field."""
    return {feed.table for feed in catalogue.feeds if signal in deletion_paths(tables_of(feed))}


class TestBothAPIs:
    """Facts that both APIs share."""

    def test_nested_deletion(self) -> None:
        """Contracts and blanket orders are marked as deleted in their status."""
        assert feeds_deleted_by(SUPPLIERS, ("status", "isDeleted")) == {"contracts", "blanket_orders"}
        assert feeds_deleted_by(CUSTOMERS, ("status", "isDeleted")) == {"contracts", "blanket_orders"}

    def test_fast_feeds_have_a_maximum(self) -> None:
        """Every fast feed has a max-sequence operation."""
        feeds = [*SUPPLIERS.feeds, *CUSTOMERS.feeds]

        assert [feed.name for feed in feeds if feed.tier == "fast" and not feed.endpoint.max_sequence] == []


class TestSuppliers:
    """Facts of the Suppliers API."""

    def test_rates(self) -> None:
        """Organizations, trade items, warehouses and requests have a slower rate, delivery locations the slowest."""
        rates = {feed.table: feed.endpoint.rate for feed in SUPPLIERS.feeds if feed.endpoint.rate != USUAL}
        requests = {feed.table for feed in SUPPLIERS.feeds if re.search(r"(?<!correction)_requests$", feed.table)}

        assert rates.pop("delivery_locations") == RateLimit(1.0, 200)
        assert rates == dict.fromkeys({"organizations", "trade_items", "warehouses", *requests}, SLOW)

    def test_page_maxima(self) -> None:
        """Contracts and delivery condition sets have at most 100 records a page, all others 1000."""
        assert feeds_with_small_pages(SUPPLIERS) == {"contracts", "delivery_condition_sets"}

    def test_tiers(self) -> None:
        """Offers, stock, orders and deliveries are in the fast tier."""
        assert fast_feeds(SUPPLIERS) == {
            "supply_lines",
            "clock_supply_lines",
            "clock_presales_supply_lines",
            "batches",
            "batch_mutations",
            "sales_orders",
            "delivery_orders",
            "fulfillment_orders",
        }


class TestCustomers:
    """Facts of the Customers API."""

    def test_rates(self) -> None:
        """All feeds are read at the usual rate."""
        assert {feed.endpoint.rate for feed in CUSTOMERS.feeds} == {USUAL}

    def test_page_maxima(self) -> None:
        """Contracts have at most 100 records a page, all others 1000."""
        assert feeds_with_small_pages(CUSTOMERS) == {"contracts"}

    def test_tiers(self) -> None:
        """Trade items, offers, orders and shipments are in the fast tier."""
        assert fast_feeds(CUSTOMERS) == {
            "trade_items",
            "supply_lines",
            "custom_supply_lines",
            "clock_presales_supply_lines",
            "sales_orders",
            "sub_customer_sales_orders",
            "purchase_orders",
            "advance_shipping_notices",
        }

    def test_no_filter_by_default(self) -> None:
        """No feed is filtered by default, and only trade items and supply lines can be limited to the assortment."""
        limited = {feed.table for feed in CUSTOMERS.feeds if feed.endpoint.selected_only_parameters}

        assert limited == {"trade_items", "supply_lines"}
        assert {value for feed in CUSTOMERS.feeds for _, value in feed.endpoint.parameters} == {"false"}

    def test_sub_feeds(self) -> None:
        """Only the trade item groups of contracts have a sub-feed for each supplier."""
        feeds_with_parts = {
            feed.table: feed.endpoint.part_parameter for feed in CUSTOMERS.feeds if feed.endpoint.part_parameter
        }

        assert feeds_with_parts == {"contract_trade_item_groups": "supplierOrganizationId"}

    def test_selection(self) -> None:
        """Only custom supply lines are a selection, with their own path, maximum and mark of deletion."""
        (feed,) = (feed for feed in CUSTOMERS.feeds if feed.selection)

        assert feed.table == "custom_supply_lines"
        assert feed.endpoint.page(7) == "/supply-lines/sync/custom/7"
        assert feed.endpoint.max_sequence == "/supply-lines/sync/custom/current-max-sequence"
        assert ("isDisabledForSync",) in {column.path for column in tables_of(feed).columns}
