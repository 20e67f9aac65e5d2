"""What growers and buyers of the sandbox deal in beside orders refers to each other rightly, and makes sense."""

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

YOUNG = NOW - dt.timedelta(days=10)
"""What is younger refers to nothing that Floriday has stopped serving."""


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    """A world at a moment of autumn, right after it was made."""
    return Sandbox(now=NOW, accounts=("main", "second"))


def moment(text: str) -> dt.datetime:
    """A moment as a record tells it."""
    return dt.datetime.fromisoformat(text)


def members(value: object, *names: str) -> Iterator[Any]:
    """All values called so, however deep, each member of a list by itself."""
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
    """The values of all members that are ids, by feed or snapshot and name: what an account sees."""
    found: dict[str, dict[str, set[Any]]] = {}
    for source in sandbox.sources:
        found[source] = defaultdict(set)
        for name, value in ids(sandbox.truth(source, account)):
            found[source][name].add(value)
    return found


def ids(value: object) -> Iterator[tuple[str, Any]]:
    """All members with a text or a list of texts, with their names, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            texts = inner if isinstance(inner, list) else [inner]
            yield from ((name, text) for text in texts if isinstance(text, str))
            yield from ids(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from ids(inner)


def in_all(sandbox: Sandbox, account: str, *names: str, without: str = "") -> set[Any]:
    """The values of these members in everything that an account sees, but for one feed."""
    sources = references(sandbox, account)
    return {
        value for source in sources if source != without for name in names for value in sources[source].get(name, ())
    }


def by(sandbox: Sandbox, source: str, key: str) -> dict[Any, Document]:
    """A feed's records by a member."""
    return {record[key]: record for record in sandbox.truth(source)}


class TestReferences:
    """Ids that lead somewhere."""

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
        """Whatever refers to a record of another feed, or to a part of it, finds it there."""
        referred = in_all(sandbox, account, *names, without=owner if key in names else "")

        assert referred or account == "second"
        assert referred <= references(sandbox, account)[owner][key]

    def test_shipments_are_served(self, sandbox: Sandbox) -> None:
        """Scans and logistic means belong to fulfillment orders."""
        shipments = by(sandbox, "fulfillment_orders", "fulfillmentOrderId")

        for source in ("track_and_trace_scans", "logistic_means_invoice_lines"):
            assert {record["fulfillmentOrderId"] for record in sandbox.truth(source)} <= shipments.keys()

    def test_organizations_are_known(self, sandbox: Sandbox) -> None:
        """Save the one buyer who is not registered yet."""
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

        assert len(in_all(sandbox, "main", *names) - by(sandbox, "organizations", "organizationId").keys()) == 1

    def test_items_are_in_the_catalogue(self, sandbox: Sandbox) -> None:
        """Save what is made for the clock only."""
        unknown = in_all(sandbox, "main", "tradeItemId") - by(sandbox, "trade_items", "tradeItemId").keys()
        clock = {record["tradeItemId"] for record in sandbox.truth("clock_supply_lines")}

        assert len(unknown) == 3
        assert unknown <= clock

    def test_young_orders_lead_to_what_they_were_sold_from(self, sandbox: Sandbox) -> None:
        """To supply lines, presales or clock lines, to batches and to stickers, as long as these are served."""
        feeds = ("supply_lines", "clock_supply_lines", "clock_presales_supply_lines")
        lines = {line["supplyLineId"] for feed in feeds for line in sandbox.truth(feed)}
        batches = by(sandbox, "batches", "batchId")
        stickers = by(sandbox, "customer_stickers", "stickerId")
        young = [order for order in sandbox.truth("sales_orders") if moment(order["orderDateTime"]) > YOUNG]

        assert {order["supplyLineId"] for order in young} - {None} <= lines
        assert {order["batchId"] for order in young} - {None} <= batches.keys()
        assert set(members(young, "stickerId")) <= stickers.keys()
        assert set(members(young, "stickerId"))

    def test_price_groups_tie_base_supply_to_supply_lines(self, sandbox: Sandbox) -> None:
        """A batch's price for a group is that of the group's supply line."""
        lines = by(sandbox, "supply_lines", "supplyLineId")
        groups = by(sandbox, "price_groups", "priceGroupId")
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
    """Lines in two phases."""

    def test_a_line_gets_its_invoice_later(self) -> None:
        """It appears without one, and comes again with a higher number once it is invoiced."""
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
        """Of orders that have a line, and none of them is positive in pieces."""
        lines = sandbox.truth("invoice_lines")
        settled = {line["salesOrderId"] for line in lines if not line["isCorrection"]}
        corrections = [line for line in lines if line["isCorrection"]]

        assert corrections
        assert {line["salesOrderId"] for line in corrections} <= settled
        assert all(line["numberOfPieces"] <= 0 and line["subTotalAmount"] <= 0 for line in corrections)

    def test_most_orders_are_invoiced_for_what_they_cost(self, sandbox: Sandbox) -> None:
        """A few are not settled, or for fewer pieces, and those of two auctions never are."""
        amounts: dict[str, Decimal] = defaultdict(Decimal)
        for line in sandbox.truth("invoice_lines"):
            amounts[line["salesOrderId"]] += line["subTotalAmount"]
        orders = by(sandbox, "sales_orders", "salesOrderId")
        exact = [
            abs(amount - orders[id]["calculatedFields"]["orderAmount"]["value"]) <= Decimal("0.02")
            for id, amount in amounts.items()
        ]

        assert 0.9 < sum(exact) / len(exact) < 1
        assert not {orders[id]["salesChannel"] for id in amounts} & {"PLANTION_CLOCK", "VRM_CLOCK"}

    def test_old_lines_do_not_tell_when_they_were_made(self, sandbox: Sandbox) -> None:
        """Those from before May 2026."""
        lines = sandbox.truth("invoice_lines")
        silent = [line for line in lines if line["creationDateTime"] is None]

        assert 0 < len(silent) < len(lines) / 2
        assert all(moment(line["lastModified"]).year == 2025 or line["lastModified"] < "2026-05-15" for line in silent)


class TestContracts:
    """Agreements and what is called off."""

    def test_versions(self, sandbox: Sandbox) -> None:
        """Versions share their reference; one of each at most is the newest approved; there are all kinds of them."""
        contracts = sandbox.truth("contracts")
        newest = Counter(one["reference"] for one in contracts if one["version"]["isLatestApprovedVersion"])

        assert max(Counter(one["reference"] for one in contracts).values()) == 3
        assert set(newest.values()) == {1}
        assert newest.keys() == {one["reference"] for one in contracts}
        assert {one["status"]["approvalStatus"] for one in contracts} == {"APPROVED", "DRAFT", "DECLINED"}
        assert any(one["status"]["isDeleted"] for one in contracts)
        assert {one["currency"] for one in contracts} == {"EUR", "USD"}

    def test_orders_come_of_blanket_orders(self, sandbox: Sandbox) -> None:
        """Each contract order draws on a line of an approved blanket order, for no more than its pieces."""
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

    def test_margins_tell_themselves(self, sandbox: Sandbox) -> None:
        """A call-off that departs by more than the margins says so, and some do."""
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
    """What is offered to some, and at the clock."""

    def test_bundles_are_bought_whole(self, sandbox: Sandbox) -> None:
        """The orders of a group are the lines of one bundled offer, one each, for one buyer."""
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
        """Those of the past can no longer be ordered; some left nothing, some left pieces for the clock."""
        lines = sandbox.truth("clock_presales_supply_lines")
        over = [line for line in lines if moment(line["tradePeriod"]["endDateTime"]) < NOW - dt.timedelta(hours=2)]

        assert {line["status"] for line in over} == {"UNAVAILABLE"}
        assert {line["numberOfPieces"] > 0 for line in over} == {True, False}
        assert any(line["status"] == "AVAILABLE" for line in lines)

    def test_everything_that_can_become_of_things_becomes(self, sandbox: Sandbox) -> None:
        """Each status and kind that reports tell apart is there."""
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

    def test_corrections_match_the_orders_they_changed(self, sandbox: Sandbox) -> None:
        """A request that was met tells the version and the pieces that its mutation made."""
        requests = by(sandbox, "sales_order_correction_requests", "salesOrderCorrectionRequestId")
        met = 0
        for order in sandbox.truth("sales_orders"):
            for mutation in order["mutations"]:
                if id := mutation["salesOrderCorrectionRequestId"]:
                    request, met = requests[id], met + 1
                    assert request["salesOrderId"] == order["salesOrderId"]
                    assert request["reason"] == mutation["salesOrderCorrectionRequestReason"]
                    assert request["salesOrderVersionAfterCorrection"] == mutation["basedOnSalesOrderVersion"] + 1
                    if request["numberOfPieces"] is not None:
                        assert request["numberOfPieces"] == mutation["newValues"]["numberOfPieces"]

        assert met == sum(request["status"] == "ACCEPTED" for request in requests.values()) > 50

    def test_settings_that_were_never_stored_tell_the_number_0(self, sandbox: Sandbox) -> None:
        """One buyer has them, at a place of its own in the feed."""
        numbers = [record["sequenceNumber"] for record in sandbox.truth("customer_trade_settings")]
        places = [entry.number for entry in sandbox.book("customer_trade_settings").entries()]

        assert numbers.count(0) == 1
        assert 0 not in places

    def test_deleted_connections_and_old_stickers_go(self) -> None:
        """After thirty days; connections that last stay."""
        sandbox = Sandbox(now=NOW, scale=0.2)
        lasting = {one["customerOrganizationId"] for one in sandbox.truth("connections") if not one["isDeleted"]}
        sandbox.advance(dt.timedelta(days=40))
        sandbox.expire()
        last = sandbox.now - dt.timedelta(days=30)
        connections = sandbox.truth("connections")

        assert lasting - {one["customerOrganizationId"] for one in connections} == set()
        assert all(moment(one["lastModifiedDateTime"]) >= last for one in connections if one["isDeleted"])
        assert all(moment(one["deliveryDateTime"]) >= last for one in sandbox.truth("customer_stickers"))
