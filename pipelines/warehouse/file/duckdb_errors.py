"""DuckDB's errors about a database file, as one line that says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines import setting_hints
from pipelines.errors import WarehouseError
from pipelines.paths import path_problem

RESOURCE_ERRORS = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.FatalException, duckdb.TransactionException)
"""What DuckDB raises when disk or memory is not sufficient; see :func:`is_resource_error`."""

_LOCK_CONFLICT = "Could not set lock"
_DAMAGED = ("Could not read enough bytes", "not a valid DuckDB database", "Corrupt database file")
_NOT_COMMITTED = "Failed to commit"
_OTHER_LOG = re.compile(r"File checkpoint iteration: (\d+), WAL checkpoint iteration: (\d+)")


def check_file(path: Path) -> None:
    """Refuse a file, given by its real path, that cannot be a warehouse, before anything is written.

    Raises:
        WarehouseError: DuckDB cannot work under this name, or the file has several names.
    """
    problem = path_problem(path)
    if problem:
        raise WarehouseError(f"{setting_hints.WAREHOUSE} {problem}; it is {str(path)!a}")


def first_line(error: Exception) -> str:
    """The first line of DuckDB's message; hints and excerpts follow it."""
    return str(error).partition("\n")[0].strip()


def is_resource_error(error: duckdb.Error) -> bool:
    """Whether one of :data:`RESOURCE_ERRORS` is about disk or memory; a failed transaction may mean a full disk."""
    return not isinstance(error, duckdb.TransactionException) or _NOT_COMMITTED in str(error)


def is_busy(error: duckdb.Error) -> bool:
    """Whether another process has the file open."""
    return _LOCK_CONFLICT in str(error) or "different configuration than existing connections" in str(error)


def busy_message(path: Path, timeout: float, error: duckdb.Error) -> str:
    """Which process has the file open, after waiting for ``timeout`` seconds."""
    text = str(error)
    holder = text[text.find("held in") + 8 : text.find("See also")].strip(" .") if "held in" in text else "another one"
    return f"{path} is open in another process ({holder}) for more than {timeout:.0f} s: close it there and try again"


def open_error_message(path: Path, error: duckdb.Error) -> str:
    """Why the file cannot be opened, and what to do."""
    if "version number" in first_line(error):
        return (
            f"{path} was written by a newer DuckDB than this one ({duckdb.__version__}): use the version that wrote it"
        )
    iterations = _OTHER_LOG.search(str(error))
    if iterations and int(iterations[1]) > int(iterations[2]):
        return (
            f"{path} is newer than {path.name}.wal beside it, which a killed process left: all that was committed is in"
            f" the file. Move {path.name}.wal away and try again"
        )
    return damage_message(path, error) or f"{path} cannot be opened: {first_line(error)}"


def damage_message(path: Path, error: duckdb.Error) -> str | None:
    """What to do about a damaged file; None if the error is not about damage."""
    if not any(sign in str(error) for sign in _DAMAGED):
        return None
    return (
        f"{path} is no DuckDB file, or a truncated or damaged one: move it away, or restore a backup in its place;"
        " nothing was changed"
    )


@contextmanager
def plain_write_errors(path: Path) -> Iterator[None]:
    """Raise errors of disk and memory as a ``WarehouseError``; any other error is a defect and is not changed."""
    try:
        yield
    except OSError as error:
        raise WarehouseError(f"{path} cannot be written: {error.strerror}") from None
    except RESOURCE_ERRORS as error:
        if not is_resource_error(error):
            raise
        text = f"writing {path} failed, and nothing of this batch was stored: {first_line(error)}"
        raise WarehouseError(damage_message(path, error) or text) from None
