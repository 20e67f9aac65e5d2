"""DuckLake's and PostgreSQL's errors, as one line that says what to do, without passwords."""

from __future__ import annotations

import re

import duckdb

from pipelines.errors import ConflictError, PipelineError, WarehouseError
from pipelines.warehouse.file.duckdb_errors import first_line

_MISSING = "creating a new DuckLake is explicitly disabled"
_NO_CONNECTION = ("Unable to connect to Postgres", "Failed to connect", "server closed the connection", "terminating")
_CONFLICT = ("Transaction conflict", "maximum retry count", "duplicate key", "could not serialize", "deadlock detected")
_NOT_COMMITTED = "Failed to commit DuckLake"
_STATEMENT = re.compile(r" at or near .*| (INSERT|UPDATE|DELETE|CREATE|BEGIN) .*", re.DOTALL)
_REASON = re.compile(r"(FATAL|failed|could not)[^\n]*")
_PASSWORD = re.compile(r"password\s*=\s*('(?:[^'\\]|\\.)*'|\S+)", re.IGNORECASE)


def reason_of(text: str) -> str:
    """The part of a message of PostgreSQL that says why, without passwords."""
    safe = _PASSWORD.sub("password=…", text)
    found = _REASON.search(safe)
    return found[0] if found else safe.partition("\n")[0].strip()


def _without_values(text: str) -> str:
    """DuckLake's reason without the statement that failed, which contains stored values."""
    reason = text[text.index(_NOT_COMMITTED) + len(_NOT_COMMITTED) :]
    return " ".join(_STATEMENT.sub("", reason).removeprefix(" transaction.").split())


def is_missing(error: duckdb.Error) -> bool:
    """Whether the lake was never created."""
    return _MISSING in str(error)


def is_conflict(error: BaseException) -> bool:
    """Whether another transaction of the lake was first, so that the whole transaction must be executed again."""
    return isinstance(error, duckdb.Error) and any(sign in str(error) for sign in _CONFLICT)


def plain_error(name: str, error: duckdb.Error) -> PipelineError | duckdb.Error:
    """What to raise in place of an error of DuckDB; the error itself where it is a defect."""
    text = _PASSWORD.sub("password=…", str(error))
    if is_conflict(error):
        return ConflictError(f"another process wrote to {name} at the same time, and nothing of this batch was stored")
    if any(sign in text for sign in _NO_CONNECTION):
        return WarehouseError(
            f"PostgreSQL does not answer for {name} ({reason_of(text)}): start it, or correct"
            " the address; nothing of this batch was stored"
        )
    if _NOT_COMMITTED in text:
        return WarehouseError(f"{name} did not take this batch, and nothing of it was stored: {_without_values(text)}")
    if isinstance(error, duckdb.IOException | duckdb.HTTPException):
        return WarehouseError(f"{name} cannot be read or written: {first_line(error)}")
    return error
