"""What is special about single feeds: how often and how fast they are read, in what parts, and what they tell."""

from __future__ import annotations

import re

from pipelines.catalogue import Catalogue, catalogue_of
from pipelines.catalogue.tables import Path, deletion_paths, tables_of
from pipelines.floriday.endpoints import SLOW, USUAL, RateLimit

SUPPLIERS = catalogue_of("suppliers")
CUSTOMERS = catalogue_of("customers")


def fast(catalogue: Catalogue) -> set[str]:
    """The tables of the feeds that are asked for by the minute."""
    return {feed.table for feed in catalogue.feeds if feed.tier == "fast"}


def paged_by_a_hundred(catalogue: Catalogue) -> set[str]:
    """The tables of the feeds whose pages hold a hundred records, after a look that all others hold a thousand."""
    maxima = {feed.table: feed.endpoint.page_maximum for feed in catalogue.feeds}
    assert set(maxima.values()) == {100, 1000}
    return {table for table, maximum in maxima.items() if maximum == 100}


def deleted_by(catalogue: Catalogue, signal: Path) -> set[str]:
    """The tables of the feeds whose records have a certain field that marks them as deleted."""
    return {feed.table for feed in catalogue.feeds if signal in deletion_paths(tables_of(feed))}


class TestBothAPIs:
    """What growers and buyers find alike."""

    def test_nested_deletion(self) -> None:
        """Contracts and blanket orders tell their deletion in their status."""
        assert deleted_by(SUPPLIERS, ("status", "isDeleted")) == {"contracts", "blanket_orders"}
        assert deleted_by(CUSTOMERS, ("status", "isDeleted")) == {"contracts", "blanket_orders"}

    def test_fast_feeds_have_a_maximum(self) -> None:
        """What is asked for by the minute has a maximum to compare with."""
        feeds = [*SUPPLIERS.feeds, *CUSTOMERS.feeds]

        assert [feed.name for feed in feeds if feed.tier == "fast" and not feed.endpoint.max_sequence] == []


class TestSuppliers:
    """What growers find."""

    def test_rates(self) -> None:
        """Organizations, trade items, warehouses and requests are read slowly, delivery locations still slower."""
        rates = {feed.table: feed.endpoint.rate for feed in SUPPLIERS.feeds if feed.endpoint.rate != USUAL}
        requests = {feed.table for feed in SUPPLIERS.feeds if re.search(r"(?<!correction)_requests$", feed.table)}

        assert rates.pop("delivery_locations") == RateLimit(1.0, 200)
        assert rates == dict.fromkeys({"organizations", "trade_items", "warehouses", *requests}, SLOW)

    def test_page_maxima(self) -> None:
        """Contracts and delivery condition sets come a hundred to a page at most, all others a thousand."""
        assert paged_by_a_hundred(SUPPLIERS) == {"contracts", "delivery_condition_sets"}

    def test_tiers(self) -> None:
        """Offers, stock, orders and their delivery move by the minute."""
        assert fast(SUPPLIERS) == {
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
    """What buyers find."""

    def test_rates(self) -> None:
        """All feeds are read at the usual rate."""
        assert {feed.endpoint.rate for feed in CUSTOMERS.feeds} == {USUAL}

    def test_page_maxima(self) -> None:
        """Contracts come a hundred to a page at most, all others a thousand."""
        assert paged_by_a_hundred(CUSTOMERS) == {"contracts"}

    def test_tiers(self) -> None:
        """Trade items, offers, orders and shipments move by the minute."""
        assert fast(CUSTOMERS) == {
            "trade_items",
            "supply_lines",
            "custom_supply_lines",
            "clock_presales_supply_lines",
            "sales_orders",
            "sub_customer_sales_orders",
            "purchase_orders",
            "advance_shipping_notices",
        }

    def test_nothing_left_out(self) -> None:
        """Everything is served by default; trade items and supply lines alone can be limited to the selected ones."""
        limited = {feed.table for feed in CUSTOMERS.feeds if feed.endpoint.selected_only_parameters}

        assert limited == {"trade_items", "supply_lines"}
        assert {value for feed in CUSTOMERS.feeds for _, value in feed.endpoint.parameters} == {"false"}

    def test_parts(self) -> None:
        """The groups of contracts' trade items alone are read one supplier at a time."""
        parted = {feed.table: feed.endpoint.part_parameter for feed in CUSTOMERS.feeds if feed.endpoint.part_parameter}

        assert parted == {"contract_trade_item_groups": "supplierOrganizationId"}

    def test_selection(self) -> None:
        """Custom supply lines alone are a selection, with an address, a maximum and a deletion of their own."""
        (feed,) = (feed for feed in CUSTOMERS.feeds if feed.selection)

        assert feed.table == "custom_supply_lines"
        assert feed.endpoint.page(7) == "/supply-lines/sync/custom/7"
        assert feed.endpoint.max_sequence == "/supply-lines/sync/custom/current-max-sequence"
        assert ("isDisabledForSync",) in {column.path for column in tables_of(feed).columns}
