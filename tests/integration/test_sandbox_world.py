"""The sandbox's world of a grower follows the rules of the trade, has valid references, and changes over time."""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property
from typing import Any

import pytest

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Record, fields_of
from pipelines.normalize import normalize
from pipelines.sandbox import Document, Sandbox
from pipelines.sandbox.world.codes import check_digit
from tests.moments import NOW

pytestmark = pytest.mark.slow
"""The world takes seconds to make; `test_sandbox_market.py` has the quick tests."""


class UnchangedSandbox(Sandbox):
    """A sandbox whose world does not change, so that the records of each feed are decoded once."""

    @cached_property
    def _decoded(self) -> dict[tuple[str, str | None], list[Document]]:
        return {}

    def truth(self, source: str, account: str | None = None) -> list[Document]:
        """All records of a feed."""
        if (source, account) not in self._decoded:
            self._decoded[source, account] = super().truth(source, account)
        return self._decoded[source, account]


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    """A grower's world in autumn, as it is first made."""
    return UnchangedSandbox(now=NOW, accounts=("main", "second"))


@pytest.fixture
def changing() -> Sandbox:
    """A small world that the test may change."""
    return Sandbox(now=NOW, scale=0.1)


def parse_time(text: str) -> dt.datetime:
    """Parse a time of a record."""
    return dt.datetime.fromisoformat(text)


def ids(sandbox: Sandbox, feed: str, name: str) -> set[str]:
    """The values of one member in all records of a feed."""
    return {record[name] for record in sandbox.truth(feed)}


def members(value: object, name: str) -> Iterator[Any]:
    """All values of members with this name, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name and inner is not None:
                yield inner
            yield from members(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from members(inner, name)


class TestRecords:
    """Each record is complete and valid."""

    def test_the_size_of_the_default_world(self, sandbox: Sandbox) -> None:
        """All feeds of the first account of the default world contain between 20,000 and 32,000 records."""
        sizes = {name: len(sandbox.book(name)) for name in sandbox.sources}

        assert 20_000 < sum(sizes[name] for name in sandbox.feeds) < 32_000
        assert min(sizes.values()) >= 3

    def test_records_are_complete(self, sandbox: Sandbox) -> None:
        """Records contain exactly the catalogue's members, and required members are not null."""
        assert_complete(sandbox)

    def test_records_have_the_catalogues_types(self, sandbox: Sandbox) -> None:
        """The normalizer rejects no record, and finds no unknown field or value."""
        assert_valid(sandbox)

    @pytest.mark.parametrize("name", ["companyGln", "gln", "articleGtin", "regionGln", "locationGln"])
    def test_check_digits_are_correct(self, sandbox: Sandbox, name: str) -> None:
        """GLNs and GTINs have 13 digits, of which the last is the check digit."""
        numbers = {number for feed in sandbox.sources for number in members(sandbox.truth(feed), name)}

        assert numbers
        assert all(len(number) == 13 and number[-1] == check_digit(number[:12]) for number in numbers)

    def test_article_codes_are_unique_and_clean(self, sandbox: Sandbox) -> None:
        """Article codes are unique, have 1 to 13 characters, and no spaces at their ends."""
        codes = [item["supplierArticleCode"] for item in sandbox.truth("trade_items")]

        assert len(codes) == len(set(codes))
        assert all(code == code.strip() and 1 <= len(code) <= 13 for code in codes)

    def test_the_register_has_incomplete_organizations(self, sandbox: Sandbox) -> None:
        """Some organizations of the register have no name, no GLN or an end date."""
        register = sandbox.truth("organizations")

        assert sum(organization["name"] == "" for organization in register) > 100
        assert sum(organization["companyGln"] is None for organization in register) > 50
        assert sum(organization["endDate"] is not None for organization in register) > 300

    def test_the_catalogue_has_incomplete_items(self, sandbox: Sandbox) -> None:
        """The catalogue contains hidden and deleted items, and items without a photo, a valid code or a quality."""
        items = sandbox.truth("trade_items")

        assert sum(item["isDeleted"] for item in items) == 1
        assert sum(not item["photos"] for item in items) == 1
        assert sum(item["hasInvalidFloricodeData"] for item in items) == 1
        assert sum(all(each["vbnCode"] != "S98" for each in item["characteristics"]) for item in items) == 1
        assert any(item["isHiddenInCatalog"] for item in items)
        assert any(len(item["packingConfigurations"]) > 1 for item in items)


class TestTrade:
    """Records are consistent with each other."""

    def test_mutations_of_batches_add_up(self, sandbox: Sandbox) -> None:
        """A batch's initial pieces and its mutations add up to its pieces, which are never below 0."""
        deltas: dict[str, int] = defaultdict(int)
        for mutation in sandbox.truth("batch_mutations"):
            deltas[mutation["batchId"]] += mutation["deltaNumberOfPieces"]

        for batch in sandbox.truth("batches"):
            assert batch["initialNumberOfPieces"] + deltas[batch["batchId"]] == batch["numberOfPieces"] >= 0

    def test_mutations_of_orders_add_up(self, sandbox: Sandbox) -> None:
        """The mutations of an order add up to its pieces if it is valid, and to 0 if it was undone."""
        claimed: dict[str, int] = defaultdict(int)
        for mutation in sandbox.truth("batch_mutations"):
            if mutation["salesOrderId"]:
                claimed[mutation["salesOrderId"]] -= mutation["deltaNumberOfPieces"]
        valid = {"PENDING", "ACCEPTED", "COMMITTED"}

        for order in sandbox.truth("sales_orders"):
            expected = order["numberOfPieces"] if order["status"] in valid else 0
            assert claimed[order["salesOrderId"]] == expected, order["status"]

    def test_amounts_follow_from_price_pieces_services_and_delivery(self, sandbox: Sandbox) -> None:
        """An order's amount is its total price per piece times its pieces, in one currency."""
        for order in sandbox.truth("sales_orders"):
            calculated = order["calculatedFields"]
            total = calculated["totalPricePerPiece"]["value"] * order["numberOfPieces"]
            assert abs(calculated["orderAmount"]["value"] - total) <= Decimal("0.005")
            assert len(set(members(order, "currency"))) == 1

    def test_references_are_valid(self, sandbox: Sandbox) -> None:
        """References are valid, except those to one unregistered buyer."""
        items = ids(sandbox, "trade_items", "tradeItemId")
        orders = ids(sandbox, "sales_orders", "salesOrderId")
        organizations = ids(sandbox, "organizations", "organizationId")
        unknown_buyers = {order["customerOrganizationId"] for order in sandbox.truth("sales_orders")} - organizations

        assert ids(sandbox, "sales_orders", "tradeItemId") <= items
        assert len(unknown_buyers) == 1
        assert ids(sandbox, "supply_lines", "tradeItemId") <= items
        assert ids(sandbox, "batch_mutations", "salesOrderId") - {None} <= orders
        for feed in ("delivery_orders", "fulfillment_orders"):
            assert set(members(sandbox.truth(feed), "salesOrderId")) <= orders
            assert set(members(sandbox.truth(feed), "carrierOrganizationId")) <= organizations

    def test_committed_direct_orders_are_delivered(self, sandbox: Sandbox) -> None:
        """Every committed direct order has one fulfillment request in delivery orders that are not deleted."""
        orders = {order["salesOrderId"]: order for order in sandbox.truth("sales_orders")}
        requests = Counter(
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

        assert direct <= requests.keys()
        assert set(requests.values()) == {1}

    def test_fulfillment_requests_move(self, sandbox: Sandbox) -> None:
        """Some fulfillment requests have moved to another delivery order."""
        places = Counter(members(sandbox.truth("delivery_orders"), "fulfillmentRequestId"))

        assert max(places.values()) > 1

    def test_claims_equal_the_loaded_packages(self, sandbox: Sandbox) -> None:
        """The claims of a fulfillment request equal the packages that were loaded; some are one more or less."""
        differences: set[int] = set()
        loaded: dict[tuple[str, str], int] = defaultdict(int)
        for fulfillment in sandbox.truth("fulfillment_orders"):
            for carrier in fulfillment["loadCarriers"]:
                for item in carrier["loadCarrierItems"]:
                    place = (fulfillment["fulfillmentOrderId"], item["fulfillmentRequestId"])
                    loaded[place] += item["numberOfPackages"]

        for delivery in sandbox.truth("delivery_orders"):
            for request in delivery["fulfillmentRequests"]:
                claims = request["fulfillmentOrderClaims"]
                if claims:
                    packages = sum(claim["claimedNumberOfPackages"] for claim in claims)
                    differences.add(packages - request["numberOfPackages"])
                for claim in claims:
                    place = (claim["fulfillmentOrderId"], request["fulfillmentRequestId"])
                    assert loaded[place] == claim["claimedNumberOfPackages"]
        assert differences == {-1, 0, 1}

    def test_all_kinds_of_records_occur(self, sandbox: Sandbox) -> None:
        """The world contains all statuses, instruments, currencies, corrections and delays that reports distinguish."""
        orders = sandbox.truth("sales_orders")
        kinds = {kind for order in orders for kind in members(order["mutations"], "mutationType")}
        fulfillments = sandbox.truth("fulfillment_orders")
        late = [
            carrier
            for order in fulfillments
            for carrier in order["loadCarriers"]
            if (received := carrier["receiptDateTime"])
            and parse_time(received) > parse_time(order["latestDeliveryDateTime"])
        ]

        assert {order["status"] for order in orders} >= {
            *("ACCEPTED", "COMMITTED", "REJECTED", "CANCELLED", "EXPIRED", "UNFULFILLABLE")
        }
        assert len({order["tradeInstrument"] for order in orders}) == 6
        assert set(members(orders, "currency")) == {"EUR", "USD"}
        assert kinds == {"CORRECTION_REQUEST", "PRICE_UPDATE", "WITHDRAWN_BY_CUSTOMER"}
        assert any(order["supplierOrganizationId"] != order["sellerOrganizationId"] for order in orders)
        assert {parse_time(order["delivery"]["latestDeliveryDateTime"]).year for order in orders} == {2025, 2026}
        assert 0.01 < len(late) / sum(len(order["loadCarriers"]) for order in fulfillments) < 0.2
        assert any(order["fulfillmentOrderCorrections"] for order in fulfillments)
        assert {line["status"] for line in sandbox.truth("supply_lines")} == {"AVAILABLE", "UNAVAILABLE", "DELETED"}
        assert any(not order["fulfilled"] and not order["isDeleted"] for order in sandbox.truth("delivery_orders"))

    def test_growers_do_not_share_records(self, sandbox: Sandbox) -> None:
        """Two growers share only the register, service types and buyers, and the second one is smaller."""
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
    """The world changes over time."""

    def test_the_same_seed_gives_the_same_records_and_numbers(self) -> None:
        """The same seed gives the same records, also after the same steps, and another seed gives others."""

        def bodies(seed: int) -> list[bytes]:
            sandbox = Sandbox(seed=seed, now=NOW, scale=0.05)
            sandbox.advance(dt.timedelta(days=1))
            return [entry.body for name in sandbox.sources for entry in sandbox.book(name).entries()]

        first = bodies(3)
        assert bodies(3) == first
        assert bodies(4) != first

    def test_other_accounts_do_not_change_the_first_one(self) -> None:
        """Another account does not change the records of the first one."""
        alone = Sandbox(now=NOW, scale=0.05)
        with_another = Sandbox(now=NOW, scale=0.05, accounts=("main", "second"))

        assert alone.truth("sales_orders") == with_another.truth("sales_orders", "main")

    def test_a_week_brings_changes_to_everything(self, changing: Sandbox) -> None:
        """Within a week every feed gets changes above its former maximum, and no record disappears."""
        heads = {name: changing.book(name).maximum for name in changing.sources}
        before = {name: len(changing.book(name)) for name in changing.sources}
        changing.advance(dt.timedelta(days=7))

        assert changing.now == NOW + dt.timedelta(days=7)
        for name in changing.sources:
            assert changing.book(name).page(heads[name], 1).entries, name
            assert len(changing.book(name)) >= before[name]

    def test_prices_change_and_lines_are_deleted(self, changing: Sandbox) -> None:
        """Within four days prices change and supply lines are deleted."""
        before = {line["supplyLineId"]: line for line in changing.truth("supply_lines")}
        changing.advance(dt.timedelta(days=4))
        after = {line["supplyLineId"]: line for line in changing.truth("supply_lines")}

        assert any(after[id]["pricePerPiece"] != line["pricePerPiece"] for id, line in before.items())
        assert any(after[id]["isDeleted"] and not line["isDeleted"] for id, line in before.items())

    def test_trading_takes_no_time(self, changing: Sandbox) -> None:
        """Trading creates orders without moving the clock."""
        assert changing.world
        orders = len(changing.book("sales_orders"))
        changing.world.trade(10)

        assert changing.now == NOW
        assert len(changing.book("sales_orders")) == orders + 10

    def test_mutations_still_add_up_later(self, changing: Sandbox) -> None:
        """Batches and their mutations still add up after weeks of trade."""
        changing.advance(dt.timedelta(days=20))

        TestTrade().test_mutations_of_batches_add_up(changing)
        TestTrade().test_mutations_of_orders_add_up(changing)

    def test_scale_multiplies_the_trade(self, changing: Sandbox) -> None:
        """Twice the scale gives about twice the orders."""
        twice = Sandbox(now=NOW, scale=0.2)

        assert 1.5 < len(twice.book("sales_orders")) / len(changing.book("sales_orders")) < 2.5

    def test_old_supply_expires(self, changing: Sandbox) -> None:
        """Supply lines expire 14 days after their delivery, batches 30 days after their creation, and orders stay."""
        orders = len(changing.book("sales_orders"))
        empty = Sandbox(now=NOW, empty=True)
        assert changing.expire() == 0
        changing.advance(dt.timedelta(days=60))
        expired = changing.expire()
        last = changing.now - dt.timedelta(days=30)

        assert expired > 100
        assert empty.expire() == 0
        assert all(parse_time(batch["creationDateTime"]) >= last for batch in changing.truth("batches"))
        assert len(changing.book("sales_orders")) > orders

    def test_records_without_a_time_do_not_expire(self) -> None:
        """A record without a valid time does not expire."""
        sandbox = Sandbox(now=NOW, empty=True)
        book = sandbox.book("supply_lines")
        book.put({"supplyLineId": "a", "deliveryPeriod": None, "orderPeriod": {"endDateTime": "soon"}})
        book.put({"supplyLineId": "b", "deliveryPeriod": None, "orderPeriod": {"endDateTime": NOW}})
        sandbox.advance(dt.timedelta(days=15))

        assert sandbox.expire() == 1
        assert [line["supplyLineId"] for line in sandbox.truth("supply_lines")] == ["a"]

    def test_trading_in_the_background(self, changing: Sandbox) -> None:
        """The world trades in the background until it is stopped."""
        orders = len(changing.book("sales_orders"))
        changing.keep_trading(every=0.001, orders=1)
        deadline = time.monotonic() + 10
        while len(changing.book("sales_orders")) == orders and time.monotonic() < deadline:
            pass
        changing.stop()

        assert len(changing.book("sales_orders")) > orders


def assert_complete(sandbox: Sandbox) -> None:
    """Assert that records have exactly the catalogue's members, and that required members are not null."""

    def check(record: type[Record], value: Document, path: str) -> None:
        fields = {field.json: field for field in fields_of(record)}
        assert value.keys() == fields.keys(), path
        for name, field in fields.items():
            member = value[name]
            assert member is not None or not field.required, f"{path}.{name}"
            if field.record and member is not None:
                for nested in member if field.repeated else [member]:
                    check(field.record, nested, f"{path}.{name}")

    for feed in sandbox.sources.values():
        for document in sandbox.truth(feed.name):
            check(feed.record, document, feed.name)


def assert_valid(sandbox: Sandbox) -> None:
    """Assert that records have the types and enumeration values of the catalogue."""
    for source in sandbox.sources.values():
        records = [entry.body for entry in sandbox.book(source.name).entries()]
        normalized = normalize(tables_of(source), records, with_originals=False)
        assert (normalized.rejected, normalized.unknown_fields, normalized.unknown_values) == ((), {}, {}), source.name
