"""The public Python client, unmodified, syncs from the sandbox as it does from Floriday."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from pipelines.sandbox import Document, Sandbox, Switches
from tests.examples import cases
from tests.moments import NOW

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its generated code has invalid escape sequences
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
"""The client's class for each feed and the first part of its method's name; its ``sync()`` does not find all."""

TWO_PHASES = "fulfillment.logistic_means_invoice_lines"
"""The feed that the client cannot read: it requires an invoice, which a line has only in its second phase."""

READABLE = sorted(METHODS.keys() - {TWO_PHASES})

UNKNOWN_TO_THE_CLIENT = {"isReAuctioning", "isCorrection"}
"""Fields that Floriday added after the client was generated."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A small sandbox whose tokens carry all scopes, because the client does not request all that it needs."""
    with Sandbox(now=NOW, scale=0.15, switches=Switches(grants_all_scopes=True)) as sandbox:
        yield sandbox


@pytest.fixture
def apis(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client's API factory, configured by environment variables only."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    return ApiFactory()


def fetch_method(apis: Any, sandbox: Sandbox, feed: str) -> Callable[..., Any]:
    """Return the client's method for a feed, with an adapter if the page parameter is ``limit``."""
    api, method = METHODS[feed]
    fetch: Callable[..., Any] = getattr(apis.get_api_instance(getattr(client, api)), f"{method}_by_sequence_number")
    if sandbox.feeds[feed].endpoint.page_parameter == "limitResult":
        return fetch
    return lambda sequence_number, limit_result: fetch(sequence_number=sequence_number, limit=limit_result)


def sync_with_client(apis: Any, sandbox: Sandbox, feed: str, start: int = 0) -> tuple[Any, dict[int, Any]]:
    """Sync a feed with the client's own loop; return its result and the records by sequence number."""
    records: dict[int, Any] = {}
    result = sync_entities(
        feed,
        fetch_method(apis, sandbox, feed),
        lambda record: records.setdefault(record.sequence_number, record),
        start_seq_number=start,
        batch_size=min(170, sandbox.feeds[feed].endpoint.page_maximum),
        rate_limit_delay=0.001,
    )
    return result, records


def differences(read: Any, served: Any, path: str) -> Iterator[str]:
    """Return where a value that the client read differs from the served value."""
    if hasattr(read, "attribute_map"):
        members = {json: getattr(read, name) for name, json in read.attribute_map.items()}
        if served.keys() - members.keys() - UNKNOWN_TO_THE_CLIENT:
            yield f"{path}: the client knows less than {sorted(served)}"
        for name, member in members.items():
            yield from differences(member, served.get(name), f"{path}.{name}")
    elif isinstance(read, list):
        if len(read) != len(served):
            yield f"{path}: {len(read)} members for {len(served)}"
        for place, (read_item, served_item) in enumerate(zip(read, served, strict=False)):
            yield from differences(read_item, served_item, f"{path}[{place}]")
    elif read != converted(served, read):
        yield f"{path}: {read!r} for {served!r}"


def converted(served: Any, read: Any) -> Any:
    """Return a served value in the client's types: parsed times, decimals as floats."""
    if isinstance(read, dt.datetime) and isinstance(served, str):
        return dt.datetime.fromisoformat(served)
    if isinstance(read, dt.date) and isinstance(served, str):
        return dt.date.fromisoformat(served)
    return float(served) if isinstance(served, Decimal) else served


@cases("feed", READABLE, quick=4)
def test_the_client_reads_every_record(sandbox: Sandbox, apis: Any, feed: str) -> None:
    """The client reads all records of a feed with all their values, page by page."""
    result, records = sync_with_client(apis, sandbox, feed)
    served: dict[int, Document] = {record["sequenceNumber"]: record for record in sandbox.truth(feed)}

    assert result.success, result.error
    assert result.entities_processed == len(served) >= 2
    assert result.end_sequence_number == sandbox.book(feed).maximum
    assert records.keys() == served.keys()
    for number, record in records.items():
        assert not list(differences(record, served[number], feed))


def test_the_client_reads_changes_after_its_sequence_number(sandbox: Sandbox, apis: Any) -> None:
    """After a day of trade the client reads the records after its sequence number, and no others."""
    book = sandbox.book("sales_orders")
    before = book.maximum
    sandbox.advance(dt.timedelta(days=1))
    result, records = sync_with_client(apis, sandbox, "orders.sales_orders", before)

    assert result.success
    assert sorted(records) == [entry.number for entry in book.entries() if entry.number > before]
    assert records


def test_the_client_cannot_read_lines_in_two_phases(sandbox: Sandbox, apis: Any) -> None:
    """The client refuses a page with a line without an invoice, and names the field."""
    open_lines = [line for line in sandbox.truth(TWO_PHASES) if line["invoiceId"] is None]
    result, _ = sync_with_client(apis, sandbox, TWO_PHASES)

    assert open_lines
    assert not result.success
    assert "invoice_id" in result.error


def test_seven_feeds_need_an_adapter(sandbox: Sandbox) -> None:
    """The client's loop supports one of the two names of the page parameter."""
    assert sum(feed.endpoint.page_parameter == "limit" for feed in sandbox.feeds.values()) == 7


def test_the_client_requests_too_few_scopes(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the switch the client gets the scopes that it requests, which do not include contracts."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    sandbox.set_switches(grants_all_scopes=False)
    apis = ApiFactory()
    sandbox.set_switches(grants_all_scopes=True)

    assert sync_with_client(apis, sandbox, "orders.sales_orders")[0].success
    result, _ = sync_with_client(apis, sandbox, "orders.contracts")
    assert not result.success
    assert "contract:read" in result.error


def test_the_client_covers_every_feed_of_the_sandbox(sandbox: Sandbox) -> None:
    """Every feed of the catalogue has a method of the client."""
    assert METHODS.keys() == sandbox.feeds.keys()


def test_the_client_reads_the_maximum(sandbox: Sandbox, apis: Any) -> None:
    """The max-sequence operation returns a bare number."""
    api = apis.get_api_instance(client.SalesOrdersApi)

    assert api.get_sales_orders_max_sequence() == sandbox.book("sales_orders").maximum
