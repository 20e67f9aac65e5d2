"""An independent witness: the public Python client syncs from the sandbox as it does from Floriday, unmodified."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from pipelines.sandbox import Document, Sandbox

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its generated code uses escapes that Python has come to warn of
    import floriday_supplier_client as client
    from floriday_supplier_client.api_factory import ApiFactory
    from floriday_supplier_client.sync import sync_entities

NOW = dt.datetime(2026, 11, 24, 9, 0, tzinfo=dt.UTC)

METHODS = {
    "catalog.trade_items": ("TradeItemsApi", "get_trade_items_by_sequence_number"),
    "supply.supply_lines": ("DirectSalesApi", "get_supply_lines_by_sequence_number"),
    "supply.batches": ("BatchesApi", "get_batches_by_sequence_number"),
    "supply.batch_mutations": ("BatchesApi", "get_batch_mutations_by_sequence_number"),
    "orders.sales_orders": ("SalesOrdersApi", "get_sales_orders_by_sequence_number"),
    "fulfillment.delivery_orders": ("DeliveryOrdersApi", "get_delivery_orders_by_sequence_number"),
    "fulfillment.fulfillment_orders": ("FulfillmentOrdersApi", "get_fulfillment_orders_by_sequence_number"),
    "organizations.organizations": ("OrganizationsApi", "get_organizations_by_sequence_number"),
}
UNKNOWN_TO_THE_CLIENT = {"isReAuctioning"}
"""Members that Floriday added after the client was generated."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A small world."""
    with Sandbox(now=NOW, scale=0.15) as running:
        yield running


@pytest.fixture
def apis(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client's own way in, told by the environment only."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    return ApiFactory()


def synced(apis: Any, feed: str, start: int = 0) -> tuple[Any, dict[int, Any]]:
    """What the client's own loop delivers of a feed: its result, and the records by their numbers."""
    api, method = METHODS[feed]
    records: dict[int, Any] = {}
    result = sync_entities(
        feed,
        getattr(apis.get_api_instance(getattr(client, api)), method),
        lambda record: records.setdefault(record.sequence_number, record),
        start_seq_number=start,
        batch_size=170,
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
    return float(served) if isinstance(served, Decimal) else served


@pytest.mark.parametrize("feed", METHODS)
def test_the_client_reads_what_the_sandbox_holds(sandbox: Sandbox, apis: Any, feed: str) -> None:
    """All records of the feed, each with all its values, in as many pages as it takes."""
    result, records = synced(apis, feed)
    truth: dict[int, Document] = {record["sequenceNumber"]: record for record in sandbox.truth(feed)}

    assert result.success, result.error
    assert result.entities_processed == len(truth) > 20
    assert result.end_sequence_number == sandbox.book(feed).maximum
    assert records.keys() == truth.keys()
    for number, record in records.items():
        assert not list(differences(record, truth[number], feed))


def test_the_client_reads_changes_from_where_it_stopped(sandbox: Sandbox, apis: Any) -> None:
    """After a day of trade it gets what stands above its number, and only that."""
    book = sandbox.book("sales_orders")
    before = book.maximum
    sandbox.advance(dt.timedelta(days=1))
    result, records = synced(apis, "orders.sales_orders", before)

    assert result.success
    assert sorted(records) == [entry.number for entry in book.entries() if entry.number > before]
    assert records


def test_the_client_covers_every_feed_of_the_sandbox(sandbox: Sandbox) -> None:
    """No feed of the catalogue is left without a witness."""
    assert METHODS.keys() == sandbox.feeds.keys()


def test_the_client_asks_for_the_maximum(sandbox: Sandbox, apis: Any) -> None:
    """It gets the bare number."""
    api = apis.get_api_instance(client.SalesOrdersApi)

    assert api.get_sales_orders_max_sequence() == sandbox.book("sales_orders").maximum
