"""An independent witness: the public Python client syncs from the sandbox as it does from Floriday, unmodified."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from pipelines.sandbox import Document, Sandbox, Switches
from tests.moments import NOW

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its generated code uses escapes that Python has come to warn of
    import floriday_supplier_client as client
    from floriday_supplier_client.api_factory import ApiFactory
    from floriday_supplier_client.sync import sync_entities


METHODS = {
    "catalog.trade_items": ("TradeItemsApi", "get_trade_items"),
    "catalog.base_items": ("BaseItemsApi", "get_base_items"),
    "catalog.collections": ("CollectionsApi", "get_collections"),
    "catalog.additional_services": ("AdditionalServicesApi", "get_additional_service"),
    "catalog.commercial_service_types": ("CommercialServiceTypesApi", "get_commercial_service_types"),
    "catalog.custom_packages": ("CustomPackagesApi", "get_custom_packages"),
    "catalog.trade_item_requests": ("TradeItemRequestsApi", "get_trade_item_requests"),
    "catalog.packing_configuration_requests": (
        "PackingConfigurationRequestsApi",
        "get_packing_configuration_requests",
    ),
    "supply.supply_lines": ("DirectSalesApi", "get_supply_lines"),
    "supply.batches": ("BatchesApi", "get_batches"),
    "supply.batch_mutations": ("BatchesApi", "get_batch_mutations"),
    "supply.customer_offers": ("CustomerOffersApi", "get_customer_offers"),
    "supply.bundled_offers": ("BundledOffersApi", "get_bundled_offers"),
    "supply.supply_requests": ("SupplyRequestsApi", "get_supply_requests"),
    "supply.price_groups": ("PriceGroupsApi", "get_price_groups"),
    "supply.trade_item_availabilities": ("CatalogPricesApi", "get_trade_item_availabilities"),
    "supply.trade_item_availabilities_per_week": ("CatalogPricesApi", "get_trade_item_availabilities_per_week"),
    "supply.clock_supply_lines": ("AuctionApi", "get_clock_supply_lines"),
    "supply.clock_presales_supply_lines": ("AuctionApi", "get_clock_presales_supply_lines"),
    "supply.sales_strategies": ("SalesStrategyApi", "get_sales_strategies"),
    "orders.sales_orders": ("SalesOrdersApi", "get_sales_orders"),
    "orders.sales_order_correction_requests": (
        "SalesOrderCorrectionRequestsApi",
        "get_sales_order_correction_requests",
    ),
    "orders.order_requests": ("OrderRequestsApi", "get_order_requests"),
    "orders.contracts": ("ContractsApi", "get_contracts"),
    "orders.contract_trade_item_groups": ("ContractTradeItemGroupsApi", "get_contract_trade_item_groups"),
    "orders.blanket_orders": ("BlanketOrdersApi", "get_blanket_orders"),
    "orders.invoice_lines": ("InvoiceLinesApi", "get_invoice_lines"),
    "fulfillment.delivery_orders": ("DeliveryOrdersApi", "get_delivery_orders"),
    "fulfillment.fulfillment_orders": ("FulfillmentOrdersApi", "get_fulfillment_orders"),
    "fulfillment.inbound_fulfillment_orders": ("WarehouseProvidersApi", "get_fulfillment_orders_inbound"),
    "fulfillment.track_and_trace_scans": ("TrackAndTraceApi", "get_track_and_trace_scans"),
    "fulfillment.customer_stickers": ("CustomerStickersApi", "get_customer_stickers"),
    "fulfillment.logistic_means_invoice_lines": ("InvoiceLinesApi", "get_logistic_means_invoice_status"),
    "organizations.organizations": ("OrganizationsApi", "get_organizations"),
    "organizations.connections": ("ConnectionsApi", "get_connections"),
    "organizations.warehouses": ("WarehousesApi", "get_warehouses"),
    "organizations.delivery_locations": ("DeliveryLocationsApi", "get_delivery_locations"),
    "organizations.customer_trade_settings": ("TradeSettingsApi", "get_customer_trade_settings"),
    "organizations.delivery_condition_sets": ("DeliveryConditionSetsApi", "get_delivery_condition_sets"),
}
"""The client's class for each feed, and the beginning of its method's name: its ``sync()`` finds not all of them."""

TWO_PHASES = "fulfillment.logistic_means_invoice_lines"
"""The feed that the client cannot read: it demands the invoice, which a line has only in its second phase."""

READABLE = sorted(METHODS.keys() - {TWO_PHASES})

UNKNOWN_TO_THE_CLIENT = {"isReAuctioning", "isCorrection"}
"""Members that Floriday added after the client was generated."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A small world, where a token carries all scopes: the client asks for some only, whatever it needs."""
    with Sandbox(now=NOW, scale=0.15, switches=Switches(grants_all_scopes=True)) as running:
        yield running


@pytest.fixture
def apis(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client's own way in, told by the environment only."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    return ApiFactory()


def fetcher(apis: Any, sandbox: Sandbox, feed: str) -> Callable[..., Any]:
    """The client's method for a feed; where the page parameter is ``limit``, behind an adapter, as its loop needs."""
    api, method = METHODS[feed]
    fetch: Callable[..., Any] = getattr(apis.get_api_instance(getattr(client, api)), f"{method}_by_sequence_number")
    if sandbox.feeds[feed].endpoint.page_parameter == "limitResult":
        return fetch
    return lambda sequence_number, limit_result: fetch(sequence_number=sequence_number, limit=limit_result)


def synced(apis: Any, sandbox: Sandbox, feed: str, start: int = 0) -> tuple[Any, dict[int, Any]]:
    """What the client's own loop delivers of a feed: its result, and the records by their numbers."""
    records: dict[int, Any] = {}
    result = sync_entities(
        feed,
        fetcher(apis, sandbox, feed),
        lambda record: records.setdefault(record.sequence_number, record),
        start_seq_number=start,
        batch_size=min(170, sandbox.feeds[feed].endpoint.page_maximum),
        rate_limit_delay=0.001,
    )
    return result, records


def differences(read: Any, served: Any, path: str) -> Iterator[str]:
    """Where a value that the client read differs from the one that was served."""
    if hasattr(read, "attribute_map"):
        members = {json: getattr(read, name) for name, json in read.attribute_map.items()}
        if served.keys() - members.keys() - UNKNOWN_TO_THE_CLIENT:
            yield f"{path}: the client knows less than {sorted(served)}"
        for name, member in members.items():
            yield from differences(member, served.get(name), f"{path}.{name}")
    elif isinstance(read, list):
        if len(read) != len(served):
            yield f"{path}: {len(read)} members for {len(served)}"
        for place, (one, other) in enumerate(zip(read, served, strict=False)):
            yield from differences(one, other, f"{path}[{place}]")
    elif read != plain(served, read):
        yield f"{path}: {read!r} for {served!r}"


def plain(served: Any, read: Any) -> Any:
    """A served value in the client's types: moments are parsed, decimals became floats."""
    if isinstance(read, dt.datetime) and isinstance(served, str):
        return dt.datetime.fromisoformat(served)
    if isinstance(read, dt.date) and isinstance(served, str):
        return dt.date.fromisoformat(served)
    return float(served) if isinstance(served, Decimal) else served


@pytest.mark.parametrize("feed", READABLE)
def test_the_client_reads_what_the_sandbox_holds(sandbox: Sandbox, apis: Any, feed: str) -> None:
    """All records of the feed, each with all its values, in as many pages as it takes."""
    result, records = synced(apis, sandbox, feed)
    truth: dict[int, Document] = {record["sequenceNumber"]: record for record in sandbox.truth(feed)}

    assert result.success, result.error
    assert result.entities_processed == len(truth) >= 2
    assert result.end_sequence_number == sandbox.book(feed).maximum
    assert records.keys() == truth.keys()
    for number, record in records.items():
        assert not list(differences(record, truth[number], feed))


def test_the_client_reads_changes_from_where_it_stopped(sandbox: Sandbox, apis: Any) -> None:
    """After a day of trade it gets what stands above its number, and only that."""
    book = sandbox.book("sales_orders")
    before = book.maximum
    sandbox.advance(dt.timedelta(days=1))
    result, records = synced(apis, sandbox, "orders.sales_orders", before)

    assert result.success
    assert sorted(records) == [entry.number for entry in book.entries() if entry.number > before]
    assert records


def test_the_client_cannot_read_lines_in_two_phases(sandbox: Sandbox, apis: Any) -> None:
    """A line of logistic means that is not invoiced yet spoils its page for the client, which says what it misses."""
    open_lines = [line for line in sandbox.truth(TWO_PHASES) if line["invoiceId"] is None]
    result, _ = synced(apis, sandbox, TWO_PHASES)

    assert open_lines
    assert not result.success
    assert "invoice_id" in result.error


def test_seven_feeds_need_an_adapter(sandbox: Sandbox) -> None:
    """The client's loop knows one name of the page parameter only."""
    assert sum(feed.endpoint.page_parameter == "limit" for feed in sandbox.feeds.values()) == 7


def test_the_client_asks_for_too_few_scopes(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the switch it gets what it asked for, and contracts are not among it."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    sandbox.set_switches(grants_all_scopes=False)
    apis = ApiFactory()
    sandbox.set_switches(grants_all_scopes=True)

    assert synced(apis, sandbox, "orders.sales_orders")[0].success
    result, _ = synced(apis, sandbox, "orders.contracts")
    assert not result.success
    assert "contract:read" in result.error


def test_the_client_covers_every_feed_of_the_sandbox(sandbox: Sandbox) -> None:
    """No feed of the catalogue is left without a witness."""
    assert METHODS.keys() == sandbox.feeds.keys()


def test_the_client_asks_for_the_maximum(sandbox: Sandbox, apis: Any) -> None:
    """It gets the bare number."""
    api = apis.get_api_instance(client.SalesOrdersApi)

    assert api.get_sales_orders_max_sequence() == sandbox.book("sales_orders").maximum
