"""The paths of published copies: a changed setting leaves the copies of earlier settings in their places.

How a copy is made belongs to ``publish``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import PipelineError, WarehouseError
from pipelines.paths import default_published_path, real_path
from pipelines.private_files import remove_leftover
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.removal import remove_database_file
from pipelines.warehouse.schema.introspection import has_tables


def record_copy(connection: duckdb.DuckDBPyConnection, target: Path | None) -> None:
    """Record the path of the published copy, None if there is none, unless it is known; within a transaction."""
    path = None if target is None else str(real_path(target))
    if path is not None and path not in _recorded_paths(connection):
        connection.execute("INSERT INTO sync.copies VALUES (?, now())", [path])


def _recorded_paths(connection: duckdb.DuckDBPyConnection) -> set[str]:
    if not has_tables(connection, "sync", "copies"):
        return set()
    return {path for (path,) in connection.execute("SELECT path FROM sync.copies").fetchall()}


@dataclass(frozen=True)
class OldCopies:
    """Files at the paths where earlier settings put copies of a warehouse."""

    confirmed: tuple[Path, ...]  # copies of the warehouse, and any file at the default path
    unreadable: tuple[Path, ...]  # files that cannot be read, so that they may be copies or something else


def old_copies(warehouse: Warehouse, current: Path | None) -> OldCopies:
    """The copies of a warehouse that still exist, except the current one, which is None if none is made."""
    default = default_published_path(warehouse.path)
    with warehouse.reading() as connection:
        known = {default, *map(Path, _recorded_paths(connection))} - {current and real_path(current), warehouse.path}
    own = _identity(warehouse)
    found = {path: _identity(Warehouse(path, lock_timeout=0.0)) for path in sorted(known) if path.exists()}
    return OldCopies(
        tuple(path for path, identity in found.items() if identity == own or (identity is None and path == default)),
        tuple(path for path, identity in found.items() if identity is None and path != default),
    )


def _identity(warehouse: Warehouse) -> list[tuple[Any, ...]] | None:
    """Values that are equal in a warehouse and its copies, and in no other one; None if it cannot be read."""
    try:
        with warehouse.reading() as connection:
            return connection.execute("SELECT api, environment, created_at FROM sync.settings").fetchall()
    except (PipelineError, duckdb.Error):
        return None


def remove_copies(copies: OldCopies) -> Iterator[Path]:
    """Remove copies and the files beside them; yields each removed path.

    Raises:
        WarehouseError: some are left, because they cannot be removed or read; the others are removed.
    """
    left = [f"{path} (it cannot be read, and may be something else by now)" for path in copies.unreadable]
    for path in copies.confirmed:
        try:
            remove_leftover(path.with_name(f"{path.name}.part"))
            remove_database_file(path)
        except OSError as error:
            left.append(f"{path} ({error.strerror})")
        else:
            yield path
    if left:
        raise WarehouseError(f"copies for readers with the old values may be left at {', '.join(left)}: remove them")
