"""With whom and where is traded: organizations, connections and warehouses (the specification)."""

from __future__ import annotations

import datetime as dt

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import IS_DELETED, LAST_MODIFIED_DATE_TIME, SEQUENCE_NUMBER, PaymentProvider
from pipelines.catalogue.customers.shared import Address, Location, OrganizationType
from pipelines.catalogue.types import Boolean, DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import Endpoint


class OrganizationDetails(Record):
    """Growers, buyers, carriers and agents of the sector: one row for each organization."""

    commercial_name: Text = field("name that it trades under")
    website: Text | None = field("address of its website")
    mailing_address: Address = field("mailing address")
    physical_address: Address = field("physical address")
    phytosanitary_number: Text | None = field("number in the phytosanitary register; NULL for none")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    organization_id: Uuid = field("Floriday's identifier of the organization")
    company_gln: Text | None = field("GLN of 13 digits; NULL where the organization no longer exists")
    name: Text = field("registered name; a person's own for some, NULL for many")
    end_date: DateTime | None = field("end date in the register; many that still trade have one")
    rfh_relation_id: Int32 = field("number as a relation of Royal FloraHolland; NULL for none")
    organization_type: OrganizationType = field("part that it plays in the trade")
    payment_providers: list[PaymentProvider] = field("payment providers that it can settle through")
    is_fsi_compliant: Boolean = field("whether it meets the sustainability demands of the FSI")


class Connection(Record):
    """Growers whom the buyer is connected with: one row for each grower."""

    supplier_organization_id: Uuid = field("connected grower (organizations.organizations)")
    last_modified: DateTime = field(LAST_MODIFIED_DATE_TIME)
    is_deleted: Boolean = field("whether the connection has ended")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


class Warehouse(Record):
    """Places that goods leave from: one row for each warehouse of a grower."""

    warehouse_id: Uuid = field("Floriday's identifier of the warehouse")
    organization_id: Uuid = field("organization that it belongs to (organizations.organizations)")
    name: Text = field("what it is called")
    location: Location = field("place")
    is_deleted: Boolean = field(IS_DELETED)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


ORGANIZATIONS = Feed(
    schema="organizations",
    table="organizations",
    record=OrganizationDetails,
    key=("organization_id",),
    endpoint=Endpoint("/organizations", "limit", by_id="/organizations/{organizationId}"),
    scope="organization:read",
    retention=Retention(dt.timedelta(days=5 * 365)),
    notes=(notes.REGISTER, notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS),
)

CONNECTIONS = Feed(
    schema="organizations",
    table="connections",
    record=Connection,
    key=("supplier_organization_id",),
    endpoint=Endpoint("/connections", "limit"),
    scope="network:read",
    retention=Retention(dt.timedelta(days=30), "its deletion"),
    notes=(notes.DELETED_UNSEEN, notes.HISTORY_STARTS_HERE, notes.SHORT_LIVED),
)

WAREHOUSES = Feed(
    schema="organizations",
    table="warehouses",
    record=Warehouse,
    key=("warehouse_id",),
    endpoint=Endpoint("/warehouses", "limit", by_id="/warehouses/{warehouseId}"),
    scope="organization:read",
    retention=Retention(dt.timedelta(days=5 * 365)),
    notes=(notes.HISTORY_STARTS_HERE, notes.NO_TIMESTAMPS),
)

FEEDS = (ORGANIZATIONS, CONNECTIONS, WAREHOUSES)
