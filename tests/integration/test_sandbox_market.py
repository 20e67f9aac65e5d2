"""The sandbox's world of a buyer follows the rules of the trade, has valid references, and changes over time."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal

import pytest

from pipelines.sandbox import Sandbox, View
from tests.integration.test_sandbox_world import assert_complete, assert_valid, ids, members
from tests.moments import NOW

FEEDS_OF_CONNECTED_GROWERS = ("trade_items", "supply_lines", "custom_supply_lines", "additional_services")
FEED_OF_ID = {
    "tradeItemId": "trade_items",
    "salesOrderId": "sales_orders",
    "fulfillmentOrderId": "advance_shipping_notices",
    "contractId": "contracts",
    "purchaseOrderId": "purchase_orders",
    "commercialServiceTypeId": "commercial_service_types",
    "salesOrderCorrectionRequestId": "sales_order_correction_requests",
    "tradeItemGroupSelectionId": "trade_item_group_selections",
    "contractTradeItemGroupId": "contract_trade_item_groups",
    "additionalServiceId": "additional_services",
    "despatchWarehouseId": "warehouses",
    "warehouseId": "warehouses",
    "supplierOrganizationId": "organizations",
    "customerOrganizationId": "organizations",
    "mainCustomerOrganizationId": "organizations",
    "senderOrganizationId": "organizations",
}
"""The feed that contains the ids of each name; supply lines are left out, because they expire."""
KEY_IN_FEED = {"despatchWarehouseId": "warehouseId"}


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    """A buyer's world in autumn, as it is first made."""
    return Sandbox(api="customers", now=NOW, accounts=("main", "second"))


@pytest.fixture
def changing() -> Sandbox:
    """A buyer's world that the test may change."""
    return Sandbox(api="customers", now=NOW)


def served(sandbox: Sandbox, feed: str, name: str) -> set[str]:
    """The ids of a name in a feed's records, those of unconnected growers included."""
    key = "organizationId" if feed == "organizations" else KEY_IN_FEED.get(name, name)
    return {str(entry.document[key]) for entry in sandbox.book(feed).all_entries()}


class TestRecords:
    """Each record is complete and valid."""

    def test_a_world_is_made_quickly(self) -> None:
        """A world of 2,000 to 10,000 records, some in connections feed, is made within 3 s."""
        begin = time.process_time()
        sandbox = Sandbox(api="customers", now=NOW)
        sizes = {name: len(sandbox.truth(name)) for name in sandbox.feeds}

        assert time.process_time() - begin < 3
        assert 2_000 < sum(sizes.values()) < 10_000
        assert min(sizes.values()) >= 4

    def test_records_are_complete(self, sandbox: Sandbox) -> None:
        """Records contain exactly the catalogue's members, and required members are not null."""
        assert_complete(sandbox)

    def test_records_have_the_catalogues_types(self, sandbox: Sandbox) -> None:
        """The normalizer rejects no record, and finds no unknown field or value."""
        assert_valid(sandbox)


class TestTrade:
    """Records are consistent with each other."""

    @pytest.mark.parametrize("name", FEED_OF_ID)
    def test_references_are_valid(self, name: str, sandbox: Sandbox) -> None:
        """Every id refers to a record of the world."""
        known = served(sandbox, FEED_OF_ID[name], name)
        for feed in sandbox.feeds:
            assert set(members(sandbox.truth(feed), name)) <= known, feed

    def test_amounts_follow_from_price_and_pieces(self, sandbox: Sandbox) -> None:
        """An order's amount is its total price per piece times its pieces; only clock orders have levies and rent."""
        for order in sandbox.truth("sales_orders"):
            calculated = order["calculatedFields"]
            total = calculated["totalPricePerPiece"]["value"] * order["numberOfPieces"]
            assert abs(calculated["orderAmount"]["value"] - total) <= Decimal("0.005")
            is_clock = order["tradeInstrument"].startswith("CLOCK")
            assert (calculated["totalAuctionLevies"] is not None) == is_clock
            assert (calculated["totalPackageRentalCosts"] is not None) == is_clock

    def test_only_connected_growers_are_seen(self, sandbox: Sandbox) -> None:
        """Items, supply lines and services belong to connected growers; clock pre-sales belong to the whole market."""
        connections = sandbox.truth("connections")
        connected = {each["supplierOrganizationId"] for each in connections if not each["isDeleted"]}

        assert any(each["isDeleted"] for each in connections)
        for feed in FEEDS_OF_CONNECTED_GROWERS:
            assert ids(sandbox, feed, "supplierOrganizationId") <= connected, feed
        assert len(ids(sandbox, "clock_presales_supply_lines", "supplierOrganizationId")) > len(connected)

    def test_post_filters_leave_the_selected_items(self, sandbox: Sandbox) -> None:
        """A post-filter leaves the selected items and their supply lines."""
        records = sandbox.truth("selected_trade_items")
        selected = {record["tradeItemId"] for record in records if not record["isDeleted"]}
        view = View(filters=frozenset({"postFilterSelectedTradeItems"}))
        for feed in ("trade_items", "supply_lines"):
            shown = {entry.document["tradeItemId"] for entry in sandbox.book(feed).page(0, 10_000, view).entries}
            assert shown
            assert shown <= selected
            assert shown < ids(sandbox, feed, "tradeItemId")

    def test_all_kinds_of_records_occur(self, sandbox: Sandbox) -> None:
        """The world contains all kinds of orders, instruments, actions, invoices and deletions."""
        orders = sandbox.truth("sales_orders")
        invoices = sandbox.truth("invoice_lines")

        assert {"COMMITTED", "REJECTED", "CANCELLED", "EXPIRED"} <= {order["status"] for order in orders}
        assert {order["tradeInstrument"] for order in orders} >= {"DIRECT_SALES", "CLOCK_PRESALES", "CONTRACT"}
        assert {order["isCreatedBySupplier"] for order in orders} == {True, False}
        assert any(order["mutations"] for order in orders)
        assert any(order["actionsRequired"] for order in sandbox.truth("purchase_orders"))
        assert {line["invoiceId"] is None for line in invoices} == {True, False}
        assert any(line["isDisabledForSync"] for line in sandbox.truth("custom_supply_lines"))
        assert any(contract["status"]["isDeleted"] for contract in sandbox.truth("contracts"))
        assert 0 in {record["sequenceNumber"] for record in sandbox.truth("supplier_trade_settings")}


class TestTime:
    """The world changes over time."""

    def test_the_same_seed_gives_the_same_records(self) -> None:
        """The same seed gives the same records, also after the same steps and with other buyers."""

        def bodies(*accounts: str) -> list[bytes]:
            sandbox = Sandbox(api="customers", now=NOW, scale=0.2, accounts=accounts)
            sandbox.advance(dt.timedelta(days=1))
            return [entry.body for feed in ("sales_orders", "supply_lines") for entry in sandbox.book(feed).entries()]

        assert bodies("main") == bodies("main")
        assert bodies("main") == bodies("main", "second")

    def test_days_bring_changes_to_every_feed(self, changing: Sandbox) -> None:
        """Within three days connections feed gets changes above its former maximum, and no record disappears."""
        heads = {name: changing.book(name).maximum for name in changing.feeds}
        before = {name: len(changing.book(name)) for name in changing.feeds}
        changing.advance(dt.timedelta(days=3))

        for name in changing.feeds:
            assert changing.book(name).maximum > heads[name], name
            assert len(changing.book(name)) >= before[name], name

    def test_a_new_connection_shows_older_records(self, changing: Sandbox) -> None:
        """After a new connection, older records of that grower appear below the former maximum."""
        head = {feed: changing.book(feed).maximum for feed in FEEDS_OF_CONNECTED_GROWERS}
        before = {feed: ids(changing, feed, "supplierOrganizationId") for feed in FEEDS_OF_CONNECTED_GROWERS}
        changing.advance(dt.timedelta(days=3))

        for feed in FEEDS_OF_CONNECTED_GROWERS:
            shown = [record for record in changing.truth(feed) if record["supplierOrganizationId"] not in before[feed]]
            assert any(record["sequenceNumber"] <= head[feed] for record in shown), feed

    def test_trading_takes_no_time(self, changing: Sandbox) -> None:
        """Trading creates orders without changing the clock."""
        assert changing.world
        orders = len(changing.book("sales_orders"))
        changing.world.trade(10)

        assert changing.now == NOW
        assert len(changing.book("sales_orders")) > orders
