"""Open the warehouse at an address, a DuckDB file or a lake, and lock it for a sync."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from pipelines.errors import UsageError
from pipelines.lake_address import LakeAddress, LakeCells, WarehouseAddress
from pipelines.warehouse.file import sync_lock
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.reused_connection import ReusingWarehouse
from pipelines.warehouse.lake import lock as lake_lock
from pipelines.warehouse.lake.cells import CellsWarehouse
from pipelines.warehouse.lake.connection import LakeWarehouse

RESIDENT = sync_lock.RESIDENT


def open_warehouse(address: WarehouseAddress, *, lock_timeout: float = 60.0) -> Warehouse:
    """The warehouse at an address, which need not exist; nothing is opened yet.

    ``lock_timeout`` is how long to wait while another process has a file open, in seconds; nobody waits for a lake.
    """
    if isinstance(address, LakeCells):
        return CellsWarehouse(address)
    if isinstance(address, LakeAddress):
        return LakeWarehouse(address)
    return Warehouse(address, lock_timeout)


def open_for_sync(address: WarehouseAddress, *, lock_timeout: float = 60.0) -> ReusingWarehouse | LakeWarehouse:
    """As :func:`open_warehouse`; the connection is kept until it is closed. Several cells can only be read."""
    if isinstance(address, LakeCells):
        return CellsWarehouse(address)
    if isinstance(address, LakeAddress):
        return LakeWarehouse(address, will_write=True)
    return ReusingWarehouse(address, lock_timeout)


def hold_sync_lock(address: WarehouseAddress, holder: str, *, timeout: float = 0.0) -> AbstractContextManager[None]:
    """Hold the lock of a warehouse during the block; see :func:`pipelines.warehouse.file.sync_lock.hold_sync_lock`."""
    address = _one_cell(address)
    if isinstance(address, LakeAddress):
        return lake_lock.hold_sync_lock(address, holder, timeout=timeout)
    return sync_lock.hold_sync_lock(address, holder, timeout=timeout)


def lock_holder(address: WarehouseAddress) -> str | None:
    """A phrase that names the current holder of the lock; None if it is free."""
    address = _one_cell(address)
    if isinstance(address, LakeAddress):
        return lake_lock.lock_holder(address)
    return sync_lock.lock_holder(address)


def _one_cell(address: WarehouseAddress) -> Path | LakeAddress:
    if isinstance(address, LakeCells):
        raise UsageError(f"each cell is written alone: choose one of {', '.join(address.names)} with --cell")
    return address
