"""The buyers' world of the sandbox obeys the trade's rules, refers to itself rightly, and moves on."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal

import pytest

from pipelines.sandbox import Sandbox, View
from tests.integration.test_sandbox_world import assert_complete, assert_valid, ids, members
from tests.moments import NOW

OF_CONNECTED = ("trade_items", "supply_lines", "custom_supply_lines", "additional_services")
MAKERS = {
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
"""The feeds in which the ids of a name are found; those of supply lines are not served for long."""
KEYS = {"despatchWarehouseId": "warehouseId"}


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    """A market at a moment of autumn, right after it was made."""
    return Sandbox(api="customers", now=NOW, accounts=("main", "second"))


@pytest.fixture
def moving() -> Sandbox:
    """A market that a test may move on."""
    return Sandbox(api="customers", now=NOW)


def served(sandbox: Sandbox, feed: str, name: str) -> set[str]:
    """What ids of a name stand in a feed's records, those of growers that are not connected included."""
    key = "organizationId" if feed == "organizations" else KEYS.get(name, name)
    return {str(entry.document[key]) for entry in sandbox.book(feed).all_entries()}


class TestForm:
    """Each record by itself."""

    def test_it_is_made_quickly(self) -> None:
        """Some thousands of records, in every feed some, within 3 s."""
        begin = time.process_time()
        sandbox = Sandbox(api="customers", now=NOW)
        sizes = {name: len(sandbox.truth(name)) for name in sandbox.feeds}

        assert time.process_time() - begin < 3
        assert 2_000 < sum(sizes.values()) < 10_000
        assert min(sizes.values()) >= 4

    def test_records_are_complete(self, sandbox: Sandbox) -> None:
        """Every member that the catalogue knows is there, those that it requires are not null, and no other."""
        assert_complete(sandbox)

    def test_records_have_the_catalogues_types(self, sandbox: Sandbox) -> None:
        """A normalizer rejects none of them, and knows every field and every value of an enumeration."""
        assert_valid(sandbox)


class TestTrade:
    """Records together."""

    @pytest.mark.parametrize("name", MAKERS)
    def test_references_lead_somewhere(self, name: str, sandbox: Sandbox) -> None:
        """Every id is that of a record of the world."""
        known = served(sandbox, MAKERS[name], name)
        for feed in sandbox.feeds:
            assert set(members(sandbox.truth(feed), name)) <= known, feed

    def test_amounts_follow_from_price_and_pieces(self, sandbox: Sandbox) -> None:
        """The amount is the total per piece times the pieces; the clock asks levies and rent."""
        for order in sandbox.truth("sales_orders"):
            calculated = order["calculatedFields"]
            total = calculated["totalPricePerPiece"]["value"] * order["numberOfPieces"]
            assert abs(calculated["orderAmount"]["value"] - total) <= Decimal("0.005")
            is_clock = order["tradeInstrument"].startswith("CLOCK")
            assert (calculated["totalAuctionLevies"] is not None) == is_clock
            assert (calculated["totalPackageRentalCosts"] is not None) == is_clock

    def test_only_connected_growers_are_seen(self, sandbox: Sandbox) -> None:
        """Items, supply and services are those of growers with a connection; presales are the whole market's."""
        every = sandbox.truth("connections")
        connected = {one["supplierOrganizationId"] for one in every if not one["isDeleted"]}

        assert any(one["isDeleted"] for one in every)
        for feed in OF_CONNECTED:
            assert ids(sandbox, feed, "supplierOrganizationId") <= connected, feed
        assert len(ids(sandbox, "clock_presales_supply_lines", "supplierOrganizationId")) > len(connected)

    def test_post_filters_leave_the_selected_assortment(self, sandbox: Sandbox) -> None:
        """With the filter on, there are the items that are selected, and their supply."""
        selected = {one["tradeItemId"] for one in sandbox.truth("selected_trade_items") if not one["isDeleted"]}
        view = View(filters=frozenset({"postFilterSelectedTradeItems"}))
        for feed in ("trade_items", "supply_lines"):
            shown = {one.document["tradeItemId"] for one in sandbox.book(feed).page(0, 10_000, view).entries}
            assert shown
            assert shown <= selected
            assert shown < ids(sandbox, feed, "tradeItemId")

    def test_everything_occurs(self, sandbox: Sandbox) -> None:
        """Statuses, instruments, actions, both phases of invoices, orders of customers and of suppliers."""
        orders = sandbox.truth("sales_orders")
        invoices = sandbox.truth("invoice_lines")

        assert {"COMMITTED", "REJECTED", "CANCELLED", "EXPIRED"} <= {order["status"] for order in orders}
        assert {order["tradeInstrument"] for order in orders} >= {"DIRECT_SALES", "CLOCK_PRESALES", "CONTRACT"}
        assert {order["isCreatedBySupplier"] for order in orders} == {True, False}
        assert any(order["mutations"] for order in orders)
        assert any(order["actionsRequired"] for order in sandbox.truth("purchase_orders"))
        assert {line["invoiceId"] is None for line in invoices} == {True, False}
        assert any(line["isDisabledForSync"] for line in sandbox.truth("custom_supply_lines"))
        assert any(one["status"]["isDeleted"] for one in sandbox.truth("contracts"))
        assert 0 in {one["sequenceNumber"] for one in sandbox.truth("supplier_trade_settings")}


class TestTime:
    """The market at other moments."""

    def test_the_same_seed_gives_the_same_records(self) -> None:
        """Also after the same steps, and whatever other buyers there are."""

        def told(*accounts: str) -> list[bytes]:
            sandbox = Sandbox(api="customers", now=NOW, scale=0.2, accounts=accounts)
            sandbox.advance(dt.timedelta(days=1))
            return [entry.body for feed in ("sales_orders", "supply_lines") for entry in sandbox.book(feed).entries()]

        assert told("main") == told("main")
        assert told("main") == told("main", "second")

    def test_days_bring_changes_to_every_feed(self, moving: Sandbox) -> None:
        """New and changed records stand above the former heads; nothing that stood there is lost."""
        heads = {name: moving.book(name).maximum for name in moving.feeds}
        before = {name: len(moving.book(name)) for name in moving.feeds}
        moving.advance(dt.timedelta(days=3))

        for name in moving.feeds:
            assert moving.book(name).maximum > heads[name], name
            assert len(moving.book(name)) >= before[name], name

    def test_a_new_connection_shows_older_records_where_they_stand(self, moving: Sandbox) -> None:
        """Records of a grower that is connected now stand below the former heads, where they were hidden."""
        head = {feed: moving.book(feed).maximum for feed in OF_CONNECTED}
        before = {feed: ids(moving, feed, "supplierOrganizationId") for feed in OF_CONNECTED}
        moving.advance(dt.timedelta(days=3))

        for feed in OF_CONNECTED:
            shown = [one for one in moving.truth(feed) if one["supplierOrganizationId"] not in before[feed]]
            assert any(one["sequenceNumber"] <= head[feed] for one in shown), feed

    def test_trading_takes_no_time(self, moving: Sandbox) -> None:
        """Orders come in while the clock stands still."""
        assert moving.world
        orders = len(moving.book("sales_orders"))
        moving.world.trade(10)

        assert moving.now == NOW
        assert len(moving.book("sales_orders")) > orders
