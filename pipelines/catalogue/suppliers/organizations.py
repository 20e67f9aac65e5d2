"""Who trades with whom and where: organizations, connections, warehouses, delivery locations (the specification)."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pipelines.catalogue import notes
from pipelines.catalogue.both_apis.records import (
    CREATION_DATE_TIME,
    IS_DELETED,
    LAST_MODIFIED_DATE_TIME,
    SEQUENCE_NUMBER,
    Address,
    Location,
    PaymentProvider,
)
from pipelines.catalogue.suppliers.shared import OrganizationType
from pipelines.catalogue.types import Boolean, DateTime, Feed, Int32, Int64, Record, Retention, Text, Uuid, field
from pipelines.floriday.endpoints import SLOW, Endpoint, RateLimit

WareHouseServiceType = Literal["EXTERNAL_STOCK", "AUCTION"]


class Organization(Record):
    """Growers, buyers, carriers and agents of the sector: one row for each organization."""

    organization_id: Uuid = field("Floriday's identifier of the organization")
    company_gln: Text | None = field("GLN of 13 digits; NULL where the organization no longer exists")
    name: Text = field("registered name; a person's own for some")
    end_date: DateTime | None = field("end date in the register; many that still trade have one")
    rfh_relation_id: Int32 | None = field("number as a relation of Royal FloraHolland; NULL for none")
    rfh_company_account_id: Int32 | None = field("number of the company account at Royal FloraHolland; NULL for none")
    organization_type: OrganizationType = field("part that it plays in the trade")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    commercial_name: Text = field("name that it trades under")
    website: Text | None = field("address of its website")
    payment_providers: list[PaymentProvider] = field("payment providers that it can settle through")
    mailing_address: Address = field("mailing address")
    physical_address: Address = field("physical address")
    plantion_registration_number: Int32 | None = field("number at the auction Plantion; NULL for none")
    logo_url: Text | None = field("address of its logo")
    is_fsi_compliant: Boolean = field("whether it meets the sustainability demands of the FSI")


class Connection(Record):
    """Which buyers this grower trades with: one row for each connection."""

    customer_organization_id: Uuid = field("connected buyer (organizations.organizations)")
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    is_deleted: Boolean = field("whether the connection has been ended")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)


class Warehouse(Record):
    """Where goods lie and leave from: one row for each warehouse."""

    warehouse_id: Uuid = field("Floriday's identifier of the warehouse")
    organization_id: Uuid = field("whose it is (organizations.organizations)")
    name: Text = field("name")
    services: list[WareHouseServiceType] | None = field("what it does for others")
    location: Location = field("place")
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    is_deleted: Boolean = field(IS_DELETED)
    is_default: Boolean = field("whether it is the usual one of its organization")
    has_access: Boolean = field("whether this grower may use it")
    is_external: Boolean = field("whether it is another organization's")


class DeliveryLocation(Record):
    """Where buyers have goods delivered: one row for each place."""

    location_id: Uuid = field("Floriday's identifier of the place")
    organization_id: Uuid = field("buyer whose it is (organizations.organizations)")
    gln: Text = field("GLN of 13 digits")
    address: Address | None = field("address")
    is_deleted: Boolean = field(IS_DELETED)
    is_default: Boolean = field("whether it is the buyer's usual one")
    last_modified_date_time: DateTime = field(LAST_MODIFIED_DATE_TIME)
    creation_date_time: DateTime = field(CREATION_DATE_TIME)
    sequence_number: Int64 = field(SEQUENCE_NUMBER)
    name: Text | None = field("name")


ORGANIZATIONS = Feed(
    schema="organizations",
    table="organizations",
    record=Organization,
    key=("organization_id",),
    endpoint=Endpoint("/organizations", rate=SLOW, by_id="/organizations/{organizationId}"),
    scope="organization:read",
    retention=Retention(dt.timedelta(days=5 * 365)),
    notes=(notes.REGISTER, notes.HISTORY_STARTS_HERE),
)

CONNECTIONS = Feed(
    schema="organizations",
    table="connections",
    record=Connection,
    key=("customer_organization_id",),
    endpoint=Endpoint("/connections"),
    scope="network:read",
    retention=Retention(dt.timedelta(days=30), "its deletion"),
    notes=(notes.DELETED_UNSEEN, notes.HISTORY_STARTS_HERE, notes.SHORT_LIVED),
)

WAREHOUSES = Feed(
    schema="organizations",
    table="warehouses",
    record=Warehouse,
    key=("warehouse_id",),
    endpoint=Endpoint("/warehouses", rate=SLOW, max_sequence_rate=SLOW),
    scope="organization:read",
    retention=Retention(dt.timedelta(days=5 * 365)),
    notes=(notes.HISTORY_STARTS_HERE,),
)

DELIVERY_LOCATIONS = Feed(
    schema="organizations",
    table="delivery_locations",
    record=DeliveryLocation,
    key=("location_id",),
    endpoint=Endpoint("/delivery-locations", rate=RateLimit(1.0, 200), max_sequence_rate=SLOW),
    scope="organization:read",
    notes=(notes.HISTORY_STARTS_HERE,),
)

FEEDS = (ORGANIZATIONS, CONNECTIONS, WAREHOUSES, DELIVERY_LOCATIONS)
