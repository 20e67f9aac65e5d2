"""The two kinds of warehouses: at a path, tests find a DuckDB file, or the lake that stands for it.

Tests with the marker ``both_kinds`` use files. With WAREHOUSES=lake only these tests are run, and they use lakes, where
PostgreSQL and the packages of the extra ``scale`` are installed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import duckdb
import pytest

from pipelines.lake_address import LakeAddress
from pipelines.warehouse.file.connection import Warehouse, transaction
from tests.lakes import SavedLake, lake_at, lake_warehouse, snapshot_of

WarehouseKind = Literal["file", "lake"]
KIND: WarehouseKind = "lake" if os.environ.get("WAREHOUSES") == "lake" else "file"
"""The kind that the tests of this process use."""


def address_at(path: Path, kind: WarehouseKind = KIND) -> Path | LakeAddress:
    """Return the address of the warehouse at a path, which need not exist."""
    return lake_at(path) if kind == "lake" else path


def warehouse_at(path: Path, kind: WarehouseKind = KIND) -> Warehouse:
    """Return the warehouse at a path, which need not exist."""
    return lake_warehouse(lake_at(path)) if kind == "lake" else Warehouse(path)


def settings_at(path: Path, kind: WarehouseKind = KIND) -> dict[str, str]:
    """Return the settings of the warehouse at a path."""
    address = address_at(path, kind)
    if not isinstance(address, LakeAddress):
        return {"FLORIDAY_WAREHOUSE": str(path)}
    return {
        "FLORIDAY_WAREHOUSE": address.attach_string,
        "FLORIDAY_LAKE_DATA": address.data,
        "FLORIDAY_LAKE_SCHEMA": address.schema,
    }


@dataclass(frozen=True)
class SavedFile:
    """The bytes of a warehouse file."""

    content: bytes

    def restore(self, path: Path) -> None:
        """Write the file at another path."""
        path.write_bytes(self.content)


@dataclass(frozen=True)
class SavedLakeAt:
    """The content of the lake at a path."""

    lake: SavedLake

    def restore(self, path: Path) -> None:
        """Put it at another path."""
        self.lake.restore(lake_at(path))


def state_at(path: Path, kind: WarehouseKind = KIND) -> object:
    """Return what differs after anything was written to the warehouse at a path."""
    return snapshot_of(lake_at(path)) if kind == "lake" else path.read_bytes()


Saved = SavedFile | SavedLakeAt


def saved_at(path: Path, kind: WarehouseKind = KIND) -> Saved:
    """Save the content of the warehouse at a path, which no other process has open."""
    return SavedLakeAt(SavedLake.of(lake_at(path))) if kind == "lake" else SavedFile(path.read_bytes())


def filled(fill: Callable[[duckdb.DuckDBPyConnection], object], kind: WarehouseKind = KIND) -> Saved:
    """Save a new warehouse that a function filled in one transaction."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "w.duckdb"
        with warehouse_at(path, kind).writing() as connection, transaction(connection):
            fill(connection)
        return saved_at(path, kind)


def use_warehouse(path: Path, patch: pytest.MonkeyPatch, kind: WarehouseKind = KIND) -> None:
    """Point the settings of commands in this process, and of those that it starts, at the warehouse of a path."""
    for name, value in settings_at(path, kind).items():
        patch.setenv(name, value)
