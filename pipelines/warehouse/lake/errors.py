"""DuckLake's and PostgreSQL's errors, as one line that says what to do, without passwords."""

from __future__ import annotations

import re

import duckdb

from pipelines.errors import ConflictError, PipelineError, WarehouseError
from pipelines.lake_address import LakeAddress
from pipelines.warehouse.file.duckdb_errors import first_line

_MISSING = "creating a new DuckLake is explicitly disabled"
_NO_CONNECTION = ("Unable to connect to Postgres", "Failed to connect", "server closed the connection", "terminating")
_LOST = re.compile(r'Failed to execute query ".*":\s*$', re.DOTALL)  # without a reason, as there was no answer
_CONFLICT = ("Transaction conflict", "maximum retry count", "duplicate key", "could not serialize", "deadlock detected")
_NO_KEYS = "Secret Validation Failure"
_FORBIDDEN = re.compile(r"HTTP 40[13]|Forbidden|AccessDenied|InvalidAccessKeyId|SignatureDoesNotMatch")
_AWAY = ("Could not connect", "Could not establish connection", "Timeout", "timed out", "HTTP 50", "SSL")
_NOT_COMMITTED = "Failed to commit DuckLake"
_OTHER_DATA = re.compile(r'does not match existing data path in the catalog "(.*?)"')
_STATEMENT = re.compile(r" at or near .*| (INSERT|UPDATE|DELETE|CREATE|BEGIN) .*", re.DOTALL)
_REASON = re.compile(r"(FATAL|failed|could not)[^\n]*")
_REFUSED = re.compile(r"FATAL: .*(does not exist|authentication failed|permission denied|not permitted|no pg_hba)")
_DENIED = re.compile(r"(permission denied for|must be owner of) \w+ \w+")
_NO_PASSWORD = re.compile(r"no password supplied|password authentication failed")
_PASSWORD = re.compile(r"password\s*=\s*('(?:[^'\\]|\\.)*'|\S+)", re.IGNORECASE)


def reason_of(text: str) -> str:
    """The part of a message of PostgreSQL that says why, without passwords."""
    safe = _PASSWORD.sub("password=…", text)
    found = _REASON.search(safe)
    return found[0].removeprefix("failed: ") if found else safe.partition("\n")[0].strip()


def no_session(lake: LakeAddress, reason: str) -> str:
    """What to say where there is no session of PostgreSQL, for a reason."""
    if _NO_PASSWORD.search(reason):
        return (
            f"PostgreSQL refuses {lake} ({reason}): write the password into the file that PGPASSFILE names, or into"
            " ~/.pgpass, which only its owner may read (mode 0600)"
        )
    if _REFUSED.search(reason):
        return f"PostgreSQL refuses {lake} ({reason}): correct the address, or create there what is missing"
    return f"PostgreSQL does not answer for {lake} ({reason}): start it, or correct the address"


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


def _problem_of_bucket(data: str, text: str) -> str | None:
    """What keeps a process from the bucket of a lake, and what to do; None if the error is about something else."""
    bucket = data.partition("://")[2].partition("/")[0]
    if _NO_KEYS in text:
        return (
            f"no keys for {data} were found: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give"
            " this machine a role that may read and write there"
        )
    if "HTTP" not in text:
        return None
    if _FORBIDDEN.search(text):
        return f"S3 denies access to {data}: allow the keys that are in use to read, write and delete there"
    if "NoSuchBucket" in text:
        return f"S3 has no bucket {bucket}: create it, or correct FLORIDAY_LAKE_DATA"
    if any(sign in text for sign in _AWAY):
        return (
            f"S3 does not answer for {data}: check the network, or the server that AWS_ENDPOINT_URL names; nothing of"
            " this batch was stored, and the next sync continues"
        )
    return None


def _problem_of_data(lake: LakeAddress, text: str) -> str | None:
    """What keeps a process from the tables or files of a lake, and what to do; None if the error is about others."""
    if denied := _DENIED.search(text):
        return (
            f"the user of PostgreSQL may not do this in {lake} ({denied[0]}): use a user who may write there, as the"
            " one who created the lake"
        )
    if other := _OTHER_DATA.search(text):
        return f"{lake} has its files at {other[1]}, not at {lake.data}: correct FLORIDAY_LAKE_DATA"
    return _problem_of_bucket(lake.data, text) if lake.is_remote else None


def plain_error(lake: LakeAddress, error: duckdb.Error) -> PipelineError | duckdb.Error:
    """What to raise in place of an error of DuckDB; the error itself where it is a defect."""
    if is_conflict(error):
        return ConflictError(f"another process wrote to {lake} at the same time, and nothing of this batch was stored")
    message = _message(lake, error, _PASSWORD.sub("password=…", str(error)))
    return WarehouseError(message) if message else error


def _message(lake: LakeAddress, error: duckdb.Error, text: str) -> str | None:
    """What happened and what to do, for an error with this text without passwords; None for a defect."""
    if (is_lost := _LOST.search(text) is not None) or any(sign in text for sign in _NO_CONNECTION):
        # It may have been lost between a commit and the answer to it, so nobody knows whether this batch was stored.
        reason = "the connection ended" if is_lost else reason_of(text)
        return no_session(lake, reason)
    if problem := _problem_of_data(lake, text):
        return problem
    if _NOT_COMMITTED in text:
        return f"{lake} did not take this batch, and nothing of it was stored: {_without_values(text)}"
    if isinstance(error, duckdb.FatalException):
        return f"DuckDB failed while it used {lake}, perhaps as PostgreSQL ended a session; the next sync continues"
    if isinstance(error, duckdb.IOException | duckdb.HTTPException):
        return f"{lake} cannot be read or written: {first_line(error)}"
    return None
