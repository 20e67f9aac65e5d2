"""The sandbox's world obeys the trade's rules, refers to itself rightly, and moves on."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Record, fields_of
from pipelines.normalize import normalize
from pipelines.sandbox import Document, Sandbox
from pipelines.sandbox.world.codes import check_digit
from tests.moments import NOW


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    """A world at a moment of autumn, right after it was made."""
    return Sandbox(now=NOW, accounts=("main", "second"))


@pytest.fixture
def moving() -> Sandbox:
    """A small world that a test may move on."""
    return Sandbox(now=NOW, scale=0.2)


def moment(text: str) -> dt.datetime:
    """A moment as a record tells it."""
    return dt.datetime.fromisoformat(text)


def ids(sandbox: Sandbox, feed: str, name: str) -> set[str]:
    """The values of one member in all records of a feed."""
    return {record[name] for record in sandbox.truth(feed)}


def members(value: object, name: str) -> Iterator[Any]:
    """All values called ``name``, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name and inner is not None:
                yield inner
            yield from members(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from members(inner, name)


class TestForm:
    """Each record by itself."""

    def test_the_default_world_has_some_ten_thousands_of_records(self) -> None:
        """A first sync brings between 20 and 32 thousand records of all feeds."""
        sandbox = Sandbox(now=NOW)
        sizes = {name: len(sandbox.book(name)) for name in sandbox.sources}

        assert 20_000 < sum(sizes[name] for name in sandbox.feeds) < 32_000
        assert min(sizes.values()) >= 3

    def test_records_are_complete(self, sandbox: Sandbox) -> None:
        """Every member that the catalogue knows is there, those that it requires are not null, and no other."""
        assert_complete(sandbox)

    def test_records_have_the_catalogues_types(self, sandbox: Sandbox) -> None:
        """A normalizer rejects none of them, and knows every field and every value of an enumeration."""
        assert_valid(sandbox)

    @pytest.mark.parametrize("name", ["companyGln", "gln", "articleGtin", "regionGln", "locationGln"])
    def test_check_digits_are_right(self, sandbox: Sandbox, name: str) -> None:
        """Location and article numbers have 13 digits, the last of which checks the others."""
        numbers = {number for feed in sandbox.sources for number in members(sandbox.truth(feed), name)}

        assert numbers
        assert all(len(number) == 13 and number[-1] == check_digit(number[:12]) for number in numbers)

    def test_article_codes_are_unique_and_clean(self, sandbox: Sandbox) -> None:
        """Up to 13 characters without spaces at the ends, no two the same."""
        codes = [item["supplierArticleCode"] for item in sandbox.truth("trade_items")]

        assert len(codes) == len(set(codes))
        assert all(code == code.strip() and 1 <= len(code) <= 13 for code in codes)

    def test_the_register_holds_what_a_register_holds(self, sandbox: Sandbox) -> None:
        """Organizations without a name, without a GLN, with an end date."""
        register = sandbox.truth("organizations")

        assert sum(one["name"] == "" for one in register) > 100
        assert sum(one["companyGln"] is None for one in register) > 50
        assert sum(one["endDate"] is not None for one in register) > 300

    def test_the_catalogue_has_its_weak_spots(self, sandbox: Sandbox) -> None:
        """Hidden items, one that is deleted, one without a picture, one with an expired code, one without quality."""
        items = sandbox.truth("trade_items")

        assert sum(item["isDeleted"] for item in items) == 1
        assert sum(not item["photos"] for item in items) == 1
        assert sum(item["hasInvalidFloricodeData"] for item in items) == 1
        assert sum(all(one["vbnCode"] != "S98" for one in item["characteristics"]) for item in items) == 1
        assert any(item["isHiddenInCatalog"] for item in items)
        assert any(len(item["packingConfigurations"]) > 1 for item in items)


class TestTrade:
    """Records together."""

    def test_ledgers_add_up(self, sandbox: Sandbox) -> None:
        """A batch's initial pieces and all its deltas give what is left, which is never below nothing."""
        deltas: dict[str, int] = defaultdict(int)
        for mutation in sandbox.truth("batch_mutations"):
            deltas[mutation["batchId"]] += mutation["deltaNumberOfPieces"]

        for batch in sandbox.truth("batches"):
            assert batch["initialNumberOfPieces"] + deltas[batch["batchId"]] == batch["numberOfPieces"] >= 0

    def test_orders_claim_what_they_take(self, sandbox: Sandbox) -> None:
        """An order that stands has claimed its pieces; one that was undone has given all of them back."""
        claimed: dict[str, int] = defaultdict(int)
        for mutation in sandbox.truth("batch_mutations"):
            if mutation["salesOrderId"]:
                claimed[mutation["salesOrderId"]] -= mutation["deltaNumberOfPieces"]
        stands = {"PENDING", "ACCEPTED", "COMMITTED"}

        for order in sandbox.truth("sales_orders"):
            expected = order["numberOfPieces"] if order["status"] in stands else 0
            assert claimed[order["salesOrderId"]] == expected, order["status"]

    def test_amounts_follow_from_price_pieces_services_and_delivery(self, sandbox: Sandbox) -> None:
        """The amount is the total per piece times the pieces, in the order's one currency."""
        for order in sandbox.truth("sales_orders"):
            calculated = order["calculatedFields"]
            total = calculated["totalPricePerPiece"]["value"] * order["numberOfPieces"]
            assert abs(calculated["orderAmount"]["value"] - total) <= Decimal("0.005")
            assert len(set(members(order, "currency"))) == 1

    def test_references_lead_somewhere(self, sandbox: Sandbox) -> None:
        """Within what is served, save what is meant to be unknown: clock items, and a buyer not yet registered."""
        items = ids(sandbox, "trade_items", "tradeItemId")
        orders = ids(sandbox, "sales_orders", "salesOrderId")
        organizations = ids(sandbox, "organizations", "organizationId")
        unknown_items = {order["tradeItemId"] for order in sandbox.truth("sales_orders")} - items
        unknown_buyers = {order["customerOrganizationId"] for order in sandbox.truth("sales_orders")} - organizations

        assert len(unknown_items) == 3
        assert len(unknown_buyers) == 1
        assert ids(sandbox, "supply_lines", "tradeItemId") <= items
        assert ids(sandbox, "batch_mutations", "salesOrderId") - {None} <= orders
        for feed in ("delivery_orders", "fulfillment_orders"):
            assert set(members(sandbox.truth(feed), "salesOrderId")) <= orders
            assert set(members(sandbox.truth(feed), "carrierOrganizationId")) <= organizations

    def test_deliveries_hold_committed_direct_orders(self, sandbox: Sandbox) -> None:
        """Every one of them is asked for, and a request that moved stands in a deleted delivery order at most."""
        orders = {order["salesOrderId"]: order for order in sandbox.truth("sales_orders")}
        asked = Counter(
            request["salesOrderId"]
            for delivery in sandbox.truth("delivery_orders")
            if not delivery["isDeleted"]
            for request in delivery["fulfillmentRequests"]
        )
        direct = {
            id
            for id, order in orders.items()
            if order["status"] == "COMMITTED" and order["tradeInstrument"] in ("DIRECT_SALES", "BID_OFFER")
        }

        assert direct <= asked.keys()
        assert set(asked.values()) == {1}

    def test_requests_move(self, sandbox: Sandbox) -> None:
        """Some stand in more than one delivery order, of which the others are deleted."""
        places = Counter(members(sandbox.truth("delivery_orders"), "fulfillmentRequestId"))

        assert max(places.values()) > 1

    def test_claims_are_what_was_loaded(self, sandbox: Sandbox) -> None:
        """A fulfillment order's packages are those that a request's claim on it says, and no more than asked for."""
        loaded: dict[tuple[str, str], int] = defaultdict(int)
        for fulfillment in sandbox.truth("fulfillment_orders"):
            for carrier in fulfillment["loadCarriers"]:
                for item in carrier["loadCarrierItems"]:
                    place = (fulfillment["fulfillmentOrderId"], item["fulfillmentRequestId"])
                    loaded[place] += item["numberOfPackages"]

        for delivery in sandbox.truth("delivery_orders"):
            for request in delivery["fulfillmentRequests"]:
                claims = request["fulfillmentOrderClaims"]
                assert sum(claim["claimedNumberOfPackages"] for claim in claims) <= request["initialNumberOfPackages"]
                for claim in claims:
                    place = (claim["fulfillmentOrderId"], request["fulfillmentRequestId"])
                    assert loaded[place] == claim["claimedNumberOfPackages"]

    def test_everything_that_reports_ask_about_occurs(self, sandbox: Sandbox) -> None:
        """Statuses, instruments, two currencies, corrections, late receipts, shortages, another year."""
        orders = sandbox.truth("sales_orders")
        kinds = {kind for order in orders for kind in members(order["mutations"], "mutationType")}
        fulfillments = sandbox.truth("fulfillment_orders")
        late = [
            carrier
            for one in fulfillments
            for carrier in one["loadCarriers"]
            if carrier["receiptDateTime"] and moment(carrier["receiptDateTime"]) > moment(one["latestDeliveryDateTime"])
        ]

        assert {"ACCEPTED", "COMMITTED", "REJECTED", "CANCELLED", "EXPIRED"} <= {order["status"] for order in orders}
        assert len({order["tradeInstrument"] for order in orders}) == 6
        assert set(members(orders, "currency")) == {"EUR", "USD"}
        assert kinds == {"CORRECTION_REQUEST", "PRICE_UPDATE", "WITHDRAWN_BY_CUSTOMER"}
        assert any(order["supplierOrganizationId"] != order["sellerOrganizationId"] for order in orders)
        assert {moment(order["delivery"]["latestDeliveryDateTime"]).year for order in orders} == {2025, 2026}
        assert 0.01 < len(late) / sum(len(one["loadCarriers"]) for one in fulfillments) < 0.2
        assert any(one["fulfillmentOrderCorrections"] for one in fulfillments)
        assert {line["status"] for line in sandbox.truth("supply_lines")} == {"AVAILABLE", "UNAVAILABLE", "DELETED"}
        assert any(not one["fulfilled"] and not one["isDeleted"] for one in sandbox.truth("delivery_orders"))

    def test_growers_trade_apart(self, sandbox: Sandbox) -> None:
        """They share the register, Floriday's kinds of service and their buyers; the second one is smaller."""
        register = {"organizations.organizations", "catalog.commercial_service_types"}
        buyers = {"organizations.connections", "organizations.customer_trade_settings"}
        sizes = {"main": 0, "second": 0}
        for name in sandbox.sources.keys() - buyers:
            main, second = (
                {entry.key for entry in sandbox.book(name, account).entries()} for account in ("main", "second")
            )
            assert main == second if name in register else not main & second, name
            sizes = {"main": sizes["main"] + len(main), "second": sizes["second"] + len(second)}

        assert sizes["second"] < sizes["main"] / 2


class TestTime:
    """The world at other moments."""

    def test_the_same_seed_gives_the_same_records_and_numbers(self) -> None:
        """Also after the same steps; another seed gives others."""

        def told(seed: int) -> list[bytes]:
            sandbox = Sandbox(seed=seed, now=NOW, scale=0.1)
            sandbox.advance(dt.timedelta(days=1))
            return [entry.body for name in sandbox.sources for entry in sandbox.book(name).entries()]

        assert told(3) == told(3)
        assert told(3) != told(4)

    def test_other_accounts_do_not_change_the_first_one(self) -> None:
        """What a grower sells depends on itself alone."""
        alone = Sandbox(now=NOW, scale=0.1)
        together = Sandbox(now=NOW, scale=0.1, accounts=("main", "second"))

        assert alone.truth("sales_orders") == together.truth("sales_orders", "main")

    def test_a_week_brings_changes_to_everything(self, moving: Sandbox) -> None:
        """New and changed records stand above the former heads; nothing that stood there is lost."""
        heads = {name: moving.book(name).maximum for name in moving.sources}
        before = {name: len(moving.book(name)) for name in moving.sources}
        moving.advance(dt.timedelta(days=7))

        assert moving.now == NOW + dt.timedelta(days=7)
        for name in moving.sources:
            assert moving.book(name).page(heads[name], 1).entries, name
            assert len(moving.book(name)) >= before[name]

    def test_prices_change_and_lines_are_deleted(self, moving: Sandbox) -> None:
        """Within a few days, on lines that were on offer."""
        before = {line["supplyLineId"]: line for line in moving.truth("supply_lines")}
        moving.advance(dt.timedelta(days=4))
        after = {line["supplyLineId"]: line for line in moving.truth("supply_lines")}

        assert any(after[id]["pricePerPiece"] != line["pricePerPiece"] for id, line in before.items())
        assert any(after[id]["isDeleted"] and not line["isDeleted"] for id, line in before.items())

    def test_trading_takes_no_time(self, moving: Sandbox) -> None:
        """Orders come in and prices change while the clock stands still."""
        assert moving.world
        orders = len(moving.book("sales_orders"))
        moving.world.trade(10)

        assert moving.now == NOW
        assert len(moving.book("sales_orders")) == orders + 10

    def test_ledgers_still_add_up_later(self, moving: Sandbox) -> None:
        """Also across weeks of trade."""
        moving.advance(dt.timedelta(days=20))

        TestTrade().test_ledgers_add_up(moving)
        TestTrade().test_orders_claim_what_they_take(moving)

    def test_scale_multiplies_the_trade(self, moving: Sandbox) -> None:
        """Twice the scale gives about twice the orders."""
        twice = Sandbox(now=NOW, scale=0.4)

        assert 1.7 < len(twice.book("sales_orders")) / len(moving.book("sales_orders")) < 2.3

    def test_retention_takes_old_supply_away(self, moving: Sandbox) -> None:
        """Supply lines go 14 days after their delivery period, batches 30 days after their creation; the rest stays."""
        orders = len(moving.book("sales_orders"))
        empty = Sandbox(now=NOW, empty=True)
        assert moving.expire() == 0
        moving.advance(dt.timedelta(days=60))
        gone = moving.expire()
        last = moving.now - dt.timedelta(days=30)

        assert gone > 100
        assert empty.expire() == 0
        assert all(moment(batch["creationDateTime"]) >= last for batch in moving.truth("batches"))
        assert len(moving.book("sales_orders")) > orders

    def test_retention_leaves_alone_what_tells_no_time(self) -> None:
        """A record without a readable moment stays."""
        sandbox = Sandbox(now=NOW, empty=True)
        book = sandbox.book("supply_lines")
        book.put({"supplyLineId": "a", "deliveryPeriod": None, "orderPeriod": {"endDateTime": "soon"}})
        book.put({"supplyLineId": "b", "deliveryPeriod": None, "orderPeriod": {"endDateTime": NOW}})
        sandbox.advance(dt.timedelta(days=15))

        assert sandbox.expire() == 1
        assert [line["supplyLineId"] for line in sandbox.truth("supply_lines")] == ["a"]

    def test_the_world_trades_by_itself(self, moving: Sandbox) -> None:
        """In the background, until it is stopped."""
        orders = len(moving.book("sales_orders"))
        moving.keep_trading(every=0.001, orders=1)
        deadline = time.monotonic() + 10
        while len(moving.book("sales_orders")) == orders and time.monotonic() < deadline:
            pass
        moving.stop()

        assert len(moving.book("sales_orders")) > orders


def assert_complete(sandbox: Sandbox) -> None:
    """Every record has exactly the members that the catalogue knows, and those that it requires are not null."""

    def check(record: type[Record], value: Document, path: str) -> None:
        fields = {field.json: field for field in fields_of(record)}
        assert value.keys() == fields.keys(), path
        for name, field in fields.items():
            member = value[name]
            assert member is not None or not field.required, f"{path}.{name}"
            if field.record and member is not None:
                for one in member if field.repeated else [member]:
                    check(field.record, one, f"{path}.{name}")

    for feed in sandbox.sources.values():
        for document in sandbox.truth(feed.name):
            check(feed.record, document, feed.name)


def assert_valid(sandbox: Sandbox) -> None:
    """Every record has the types and enumerations of the catalogue."""
    for source in sandbox.sources.values():
        records = [entry.body for entry in sandbox.book(source.name).entries()]
        read = normalize(tables_of(source), records, with_originals=False)
        assert (read.rejected, read.unknown_fields, read.unknown_values) == ((), {}, {}), source.name
