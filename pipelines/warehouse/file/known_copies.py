"""Where copies for readers were put: a setting changes, and the copies of earlier ones stay where they are.

How a copy is made belongs to ``publishing``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from pipelines.errors import PipelineError, WarehouseError
from pipelines.paths import real_path
from pipelines.private_files import remove_leftover
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.publish import default_published_path
from pipelines.warehouse.file.removal import remove_database_file

_IDENTITY = "SELECT api, environment, created_at FROM sync.settings"
"""What a warehouse and its copies have in common, and two warehouses have not."""


def record_copy(connection: duckdb.DuckDBPyConnection, target: Path | None) -> None:
    """Write down where the copy for readers goes, unless that is known; within a transaction.

    Args:
        connection: laid out.
        target: of the copy, None where there is to be none.
    """
    path = None if target is None else str(real_path(target))
    if path is not None and path not in _recorded_paths(connection):
        connection.execute("INSERT INTO sync.copies VALUES (?, now())", [path])


def _recorded_paths(connection: duckdb.DuckDBPyConnection) -> set[str]:
    known = "SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'sync' AND table_name = 'copies' AND NOT internal"
    if connection.execute(known).fetchall() == [(0,)]:
        return set()
    return {path for (path,) in connection.execute("SELECT path FROM sync.copies").fetchall()}


@dataclass(frozen=True)
class OldCopies:
    """Files at the paths where copies of a warehouse were put for earlier settings.

    Args:
        sure: copies of the warehouse, and whatever stands where a copy is put by default.
        doubtful: files that cannot be read, so that they may be copies or something else.
    """

    confirmed: tuple[Path, ...]
    unreadable: tuple[Path, ...]


def old_copies(warehouse: Warehouse, current: Path | None) -> OldCopies:
    """The copies of a warehouse that were made for other settings than those of now and are still there.

    Args:
        warehouse: whose copies.
        current: where the copy goes now, None where there is none.
    """
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
    """What tells a warehouse from others; None where it cannot be read."""
    try:
        with warehouse.reading() as connection:
            return connection.execute(_IDENTITY).fetchall()
    except (PipelineError, duckdb.Error):
        return None


def remove_copies(copies: OldCopies) -> Iterator[Path]:
    """Remove copies, with what belongs to them; gives each path that is free now.

    Raises:
        WarehouseError: some are left, because they cannot be removed or are doubtful; the others are removed.
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
