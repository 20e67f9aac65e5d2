"""A sandbox that is synced into a lake in a bucket."""

from __future__ import annotations

from dataclasses import replace

from pipelines.lake_address import LakeAddress
from pipelines.warehouse.file.connection import Warehouse
from tests.buckets import BUCKET
from tests.integration.syncing import Syncing
from tests.lakes import lake_at, lake_warehouse


class SyncingToBucket(Syncing):
    """A sandbox, and a lake in a bucket, which the first sync creates."""

    def __post_init__(self) -> None:
        """Leave it to the first sync to create the lake."""

    @property
    def address(self) -> LakeAddress:
        """The lake in the bucket."""
        lake = lake_at(self.path)
        return replace(lake, data=f"s3://{BUCKET}/{lake.schema}/{self.path.parent.name}/")

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse, for tests that look into it."""
        return lake_warehouse(self.address)

    @property
    def warehouse_settings(self) -> dict[str, str]:
        """The settings of the lake."""
        return {"FLORIDAY_WAREHOUSE": self.address.attach_string, "FLORIDAY_LAKE_DATA": self.address.data}
