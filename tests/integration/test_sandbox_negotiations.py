"""Offers, contracts, invoices and requests in the sandbox have valid references and consistent values."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any

import pytest

from pipelines.sandbox import Document, Sandbox
from tests.moments import NOW

pytestmark = pytest.mark.slow
"""The world takes seconds to make; `test_sandbox_market.py` has the quick tests."""

RECENT = NOW - dt.timedelta(days=10)
"""Records younger than this refer to no record that Floriday has stopped serving."""


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    """A grower's world in autumn, as it is first made."""
    return Sandbox(now=NOW, accounts=("main", "second"))


def parse_time(text: str) -> dt.datetime:
    """Parse a time of a record."""
    return dt.datetime.fromisoformat(text)


def members(value: object, *names: str) -> Iterator[Any]:
    """All values of members with these names, at any depth; the elements of a list one by one."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in names and inner is not None:
                yield from inner if isinstance(inner, list) else [inner]
            yield from members(inner, *names)
    elif isinstance(value, list):
        for inner in value:
            yield from members(inner, *names)


@cache
def references(sandbox: Sandbox, account: str) -> dict[str, dict[str, set[Any]]]:
    """The ids that an account sees, by feed or snapshot and by the name of the member."""
    found: dict[str, dict[str, set[Any]]] = {}
    for source in sandbox.sources:
        found[source] = defaultdict(set)
        for name, value in ids(sandbox.truth(source, account)):
            found[source][name].add(value)
    return found


def ids(value: object) -> Iterator[tuple[str, Any]]:
    """All members with a text or a list of texts, with their names, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            texts = inner if isinstance(inner, list) else [inner]
            yield from ((name, text) for text in texts if isinstance(text, str))
            yield from ids(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from ids(inner)


def in_all(sandbox: Sandbox, account: str, *names: str, without: str = "") -> set[Any]:
    """The values of these members in everything that an account sees, except for one feed."""
    sources = references(sandbox, account)
    return {
        value for source in sources if source != without for name in names for value in sources[source].get(name, ())
    }


def by_member(sandbox: Sandbox, source: str, key: str) -> dict[Any, Document]:
    """The records of a feed by the value of a member."""
    return {record[key]: record for record in sandbox.truth(source)}


class TestReferences:
    """Ids refer to records that are served."""

    @pytest.mark.parametrize("account", ["main", "second"])
    @pytest.mark.parametrize(
        ("names", "owner", "key"),
        [
            (("salesOrderId",), "orders.sales_orders", "salesOrderId"),
            (("warehouseId", "warehouseIds", "despatchWarehouseId"), "organizations.warehouses", "warehouseId"),
            (("deliveryConditionId",), "organizations.delivery_condition_sets", "deliveryConditionId"),
            (("deliveryConditionSetId",), "organizations.delivery_condition_sets", "deliveryConditionSetId"),
            (("additionalServiceId", "additionalServiceIds"), "catalog.additional_services", "additionalServiceId"),
            (("commercialServiceTypeId",), "catalog.commercial_service_types", "commercialServiceTypeId"),
            (("customPackageId",), "catalog.custom_packages", "customPackageId"),
            (("baseItemId",), "catalog.base_items", "baseItemId"),
            (("priceGroupId",), "supply.price_groups", "priceGroupId"),
            (("contractId",), "orders.contracts", "contractId"),
            (("contractLinePeriodId",), "orders.contracts", "contractLinePeriodId"),
            (("contractTradeItemGroupId",), "orders.contract_trade_item_groups", "contractTradeItemGroupId"),
            (("blanketOrderLineId",), "orders.blanket_orders", "blanketOrderLineId"),
            (("bundledOfferLineId",), "supply.bundled_offers", "bundledOfferLineId"),
            (("salesStrategyId",), "supply.sales_strategies", "salesStrategyId"),
            (("clockPresalesSupplyReference",), "supply.clock_presales_supply_lines", "supplyLineId"),
            (("supplyRequestId",), "supply.supply_requests", "supplyRequestId"),
            (("supplyRequestLineId",), "supply.supply_requests", "supplyRequestLineId"),
            (("tradeItemRequestId",), "catalog.trade_item_requests", "tradeItemRequestId"),
            (
                ("packingConfigurationRequestId",),
                "catalog.packing_configuration_requests",
                "packingConfigurationRequestId",
            ),
            (
                ("salesOrderCorrectionRequestId",),
                "orders.sales_order_correction_requests",
                "salesOrderCorrectionRequestId",
            ),
        ],
    )
    def test_ids_are_served(self, sandbox: Sandbox, account: str, names: tuple[str, ...], owner: str, key: str) -> None:
        """Each id of a record of another feed, or of a part of it, is served there."""
        referred = in_all(sandbox, account, *names, without=owner if key in names else "")

        assert referred or account == "second"
        assert referred <= references(sandbox, account)[owner][key]

    def test_fulfillment_orders_are_served(self, sandbox: Sandbox) -> None:
        """Scans and logistic means belong to fulfillment orders."""
        fulfillments = by_member(sandbox, "fulfillment_orders", "fulfillmentOrderId")

        for source in ("track_and_trace_scans", "logistic_means_invoice_lines"):
            assert {record["fulfillmentOrderId"] for record in sandbox.truth(source)} <= fulfillments.keys()

    def test_organizations_are_known(self, sandbox: Sandbox) -> None:
        """All organizations except one unregistered buyer are in the register."""
        names = (
            "organizationId",
            "customerOrganizationId",
            "customerOrganizationIds",
            "supplierOrganizationId",
            "sellerOrganizationId",
            "carrierOrganizationId",
            "exemptedOrganizationIds",
            "allowedCustomerOrganizationIds",
            "customers",
        )

        assert len(in_all(sandbox, "main", *names) - by_member(sandbox, "organizations", "organizationId").keys()) == 1

    def test_items_are_in_the_catalogue(self, sandbox: Sandbox) -> None:
        """All items are in the catalogue; the three that are sold at the clock only are hidden there."""
        items = by_member(sandbox, "trade_items", "tradeItemId")
        clock = {record["tradeItemId"] for record in sandbox.truth("clock_supply_lines")}
        offered = {record["tradeItemId"] for record in sandbox.truth("supply_lines")}
        hidden = {id for id in clock - offered if items[id]["isHiddenInCatalog"]}

        assert in_all(sandbox, "main", "tradeItemId") <= items.keys()
        assert len(hidden) >= 3

    def test_recent_orders_have_valid_references(self, sandbox: Sandbox) -> None:
        """Recent orders refer to supply lines, batches and stickers that are still served."""
        feeds = ("supply_lines", "clock_supply_lines", "clock_presales_supply_lines")
        lines = {line["supplyLineId"] for feed in feeds for line in sandbox.truth(feed)}
        batches = by_member(sandbox, "batches", "batchId")
        stickers = by_member(sandbox, "customer_stickers", "stickerId")
        recent = [order for order in sandbox.truth("sales_orders") if parse_time(order["orderDateTime"]) > RECENT]

        assert {order["supplyLineId"] for order in recent} - {None} <= lines
        assert {order["batchId"] for order in recent} - {None} <= batches.keys()
        assert set(members(recent, "stickerId")) <= stickers.keys()
        assert set(members(recent, "stickerId"))

    def test_base_supply_and_supply_lines_have_the_same_prices(self, sandbox: Sandbox) -> None:
        """A batch's price for a price group equals that of the group's supply line."""
        lines = by_member(sandbox, "supply_lines", "supplyLineId")
        groups = by_member(sandbox, "price_groups", "priceGroupId")
        found = 0
        for batch in sandbox.truth("batch_base_supply"):
            for priced in batch["priceGroupPrices"]:
                line = lines.get(priced["supplyLineId"])
                if line:
                    found += 1
                    assert priced["pricePerPiece"] == line["pricePerPiece"]
                    assert groups[priced["priceGroupId"]]["name"] == line["priceGroupName"]

        assert found > 100


class TestInvoices:
    """Invoice lines are created first and invoiced later."""

    def test_a_line_gets_its_invoice_later(self) -> None:
        """A line appears without an invoice, and gets the invoice with a higher sequence number."""
        sandbox = Sandbox(now=NOW, scale=0.2)
        for feed, pieces in (("invoice_lines", "numberOfPieces"), ("logistic_means_invoice_lines", "numberOfItems")):
            before = {line["invoiceLineId"]: line for line in sandbox.truth(feed)}
            waiting = {id for id, line in before.items() if line["invoiceId"] is None}
            assert waiting
            assert all((line["invoiceId"] is None) == (line["invoiceDate"] is None) for line in before.values())
            sandbox.advance(dt.timedelta(days=8))
            after = {line["invoiceLineId"]: line for line in sandbox.truth(feed)}
            for id in waiting:
                assert after[id]["invoiceId"]
                assert after[id]["sequenceNumber"] > before[id]["sequenceNumber"]
                assert after[id][pieces] == before[id][pieces]

    def test_corrections_are_lines_of_their_own(self, sandbox: Sandbox) -> None:
        """Corrections belong to invoiced orders and have no positive pieces or amounts."""
        lines = sandbox.truth("invoice_lines")
        settled = {line["salesOrderId"] for line in lines if not line["isCorrection"]}
        corrections = [line for line in lines if line["isCorrection"]]

        assert corrections
        assert {line["salesOrderId"] for line in corrections} <= settled
        assert all(line["numberOfPieces"] <= 0 and line["subTotalAmount"] <= 0 for line in corrections)

    def test_most_orders_are_invoiced_at_their_amount(self, sandbox: Sandbox) -> None:
        """Most orders are invoiced at their amount, a few at less, and those of two auctions never."""
        amounts: dict[str, Decimal] = defaultdict(Decimal)
        for line in sandbox.truth("invoice_lines"):
            amounts[line["salesOrderId"]] += line["subTotalAmount"]
        orders = by_member(sandbox, "sales_orders", "salesOrderId")
        exact = [
            abs(amount - orders[id]["calculatedFields"]["orderAmount"]["value"]) <= Decimal("0.02")
            for id, amount in amounts.items()
        ]

        assert 0.9 < sum(exact) / len(exact) < 1
        assert not {orders[id]["salesChannel"] for id in amounts} & {"PLANTION_CLOCK", "VRM_CLOCK"}

    def test_old_lines_have_no_creation_time(self, sandbox: Sandbox) -> None:
        """Invoice lines from before May 2026 have no creation time."""
        lines = sandbox.truth("invoice_lines")
        without_time = [line for line in lines if line["creationDateTime"] is None]

        assert 0 < len(without_time) < len(lines) / 2
        assert all(
            parse_time(line["lastModified"]).year == 2025 or line["lastModified"] < "2026-05-15"
            for line in without_time
        )


class TestContracts:
    """Contracts and the orders that are called off from them."""

    def test_versions(self, sandbox: Sandbox) -> None:
        """Versions of a contract share a reference, and one is the latest approved; all kinds of contracts occur."""
        contracts = sandbox.truth("contracts")
        newest = Counter(
            contract["reference"] for contract in contracts if contract["version"]["isLatestApprovedVersion"]
        )

        assert max(Counter(contract["reference"] for contract in contracts).values()) == 3
        assert set(newest.values()) == {1}
        assert newest.keys() == {contract["reference"] for contract in contracts}
        assert {contract["status"]["approvalStatus"] for contract in contracts} == {"APPROVED", "DRAFT", "DECLINED"}
        assert any(contract["status"]["isDeleted"] for contract in contracts)
        assert {contract["currency"] for contract in contracts} == {"EUR", "USD"}

    def test_contract_orders_belong_to_blanket_orders(self, sandbox: Sandbox) -> None:
        """Each contract order belongs to a line of an approved blanket order, for at most its pieces."""
        lines = {
            line["blanketOrderLineId"]: (blanket, line)
            for blanket in sandbox.truth("blanket_orders")
            for line in blanket["blanketOrderLines"]
        }
        orders = [order for order in sandbox.truth("sales_orders") if order["tradeInstrument"] == "CONTRACT"]

        assert len(orders) > 20
        for order in orders:
            blanket, line = lines[order["blanketOrderLineId"]]
            assert blanket["status"]["approvalStatus"] == "APPROVED"
            assert blanket["contractId"] == order["contractId"]
            assert blanket["customerOrganizationId"] == order["customerOrganizationId"]
            assert order["numberOfPieces"] <= line["numberOfPieces"]
            assert order["pricePerPiece"]["currency"] == line["pricePerPiece"]["currency"]

    def test_call_offs_outside_the_margins_are_marked(self, sandbox: Sandbox) -> None:
        """A call-off that exceeds the margins of the contract is marked, and some are."""
        periods = {
            period["contractLinePeriodId"]: period
            for contract in sandbox.truth("contracts")
            for line in contract["contractLines"]
            for period in line["periods"]
        }
        outside = 0
        for line in members(sandbox.truth("blanket_orders"), "blanketOrderLines"):
            agreed = periods[line["contractLinePeriodId"]]["numberOfPieces"]
            departs = abs(line["numberOfPieces"] - agreed) > agreed / 5
            assert line["liesOutsideOfContractLinePeriodMargins"] == departs
            outside += departs

        assert outside


class TestOffers:
    """Bundled offers, pre-sales and corrections."""

    def test_bundles_are_bought_whole(self, sandbox: Sandbox) -> None:
        """The orders of a group are exactly the lines of one bundled offer, for one buyer."""
        offers = {
            line["bundledOfferLineId"]: offer
            for offer in sandbox.truth("bundled_offers")
            for line in offer["bundledOfferLines"]
        }
        groups: dict[str, list[Document]] = defaultdict(list)
        for order in sandbox.truth("sales_orders"):
            if order["salesOrderGroupId"]:
                groups[order["salesOrderGroupId"]].append(order)

        assert len(groups) > 10
        for orders in groups.values():
            lines = [order["bundledOfferLineId"] for order in orders]
            (offer,) = {id(offers[line]): offers[line] for line in lines}.values()
            assert sorted(lines) == sorted(line["bundledOfferLineId"] for line in offer["bundledOfferLines"])
            assert len({order["customerOrganizationId"] for order in orders}) == 1

    def test_presales_sell_down_and_end(self, sandbox: Sandbox) -> None:
        """Past pre-sales are unavailable; some are sold out, and some have pieces left for the clock."""
        lines = sandbox.truth("clock_presales_supply_lines")
        over = [line for line in lines if parse_time(line["tradePeriod"]["endDateTime"]) < NOW - dt.timedelta(hours=2)]

        assert {line["status"] for line in over} == {"UNAVAILABLE"}
        assert {line["numberOfPieces"] > 0 for line in over} == {True, False}
        assert any(line["status"] == "AVAILABLE" for line in lines)

    def test_all_statuses_occur(self, sandbox: Sandbox) -> None:
        """Each status and kind that reports distinguish occurs."""
        expected: dict[tuple[str, str], set[Any]] = {
            ("clock_supply_lines", "auctionStatus"): {"AUCTION_COMPLETED", "NOT_AUCTIONED", "RETOUR_SUPPLIER"},
            ("sales_order_correction_requests", "status"): {"ACCEPTED", "DECLINED", "EXPIRED", "PENDING", "DELETED"},
            ("sales_order_correction_requests", "initiatedBy"): {"CUSTOMER", "SUPPLIER"},
            ("order_requests", "status"): {"ACCEPTED", "REJECTED", "EXPIRED"},
            ("trade_item_requests", "status"): {"ACCEPTED", "REJECTED"},
            ("customer_offers", "customerOfferType"): {"CUSTOMER_OFFER", "PURCHASE_TIP", "SUPPLY_REQUEST"},
            ("supply_lines", "supplyType"): {"BATCH_PRICE", "CATALOG_PRICE", "CUSTOMER_OFFER"},
            ("track_and_trace_scans", "trackAndTraceStatus"): {"READY_FOR_TRANSIT", "IN_TRANSIT", "DELIVERED"},
            ("price_groups", "currency"): {"EUR", "USD"},
            ("connections", "isDeleted"): {True, False},
            ("warehouses", "isDeleted"): {True, False},
            ("inbound_fulfillment_orders", "status"): {"DELIVERED", "CANCELLED", "ACCEPTED"},
        }
        for (source, name), values in expected.items():
            assert values <= {record[name] for record in sandbox.truth(source)}, (source, name)

    def test_corrections_match_their_orders(self, sandbox: Sandbox) -> None:
        """An accepted correction request has the version and the pieces of its mutation."""
        requests = by_member(sandbox, "sales_order_correction_requests", "salesOrderCorrectionRequestId")
        accepted = 0
        for order in sandbox.truth("sales_orders"):
            for mutation in order["mutations"]:
                if id := mutation["salesOrderCorrectionRequestId"]:
                    request, accepted = requests[id], accepted + 1
                    assert request["salesOrderId"] == order["salesOrderId"]
                    assert request["reason"] == mutation["salesOrderCorrectionRequestReason"]
                    assert request["salesOrderVersionAfterCorrection"] == mutation["basedOnSalesOrderVersion"] + 1
                    if request["numberOfPieces"] is not None:
                        assert request["numberOfPieces"] == mutation["newValues"]["numberOfPieces"]

        assert accepted == sum(request["status"] == "ACCEPTED" for request in requests.values()) > 50

    def test_default_settings_have_the_number_0(self, sandbox: Sandbox) -> None:
        """One buyer has default settings, which have the sequence number 0 but their own place in the feed."""
        numbers = [record["sequenceNumber"] for record in sandbox.truth("customer_trade_settings")]
        places = [entry.number for entry in sandbox.book("customer_trade_settings").entries()]

        assert numbers.count(0) == 1
        assert 0 not in places

    def test_deleted_connections_and_old_stickers_expire(self) -> None:
        """Deleted connections and old stickers expire after 30 days; other connections stay."""
        sandbox = Sandbox(now=NOW, scale=0.2)
        existing = [each for each in sandbox.truth("connections") if not each["isDeleted"]]
        sandbox.advance(dt.timedelta(days=40))
        sandbox.expire()
        last = sandbox.now - dt.timedelta(days=30)
        connections = sandbox.truth("connections")

        customers = {each["customerOrganizationId"] for each in connections}
        assert {each["customerOrganizationId"] for each in existing} <= customers
        assert all(parse_time(each["lastModifiedDateTime"]) >= last for each in connections if each["isDeleted"])
        assert all(parse_time(sticker["deliveryDateTime"]) >= last for sticker in sandbox.truth("customer_stickers"))
