"""JSON answers decoded into a type; an answer that cannot be decoded is garbled, and its call is retried."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec

from pipelines.errors import GarbledAnswerError

UNDECODABLE = (ValueError, RecursionError)
"""The errors of msgspec for any bytes; its own errors and those for malformed UTF-8 are ValueErrors."""

SequenceNumber = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""A sequence number that fits into BIGINT; Floriday assigns no higher one."""

_Answer = TypeVar("_Answer")


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object of an answer; an empty one if the body is anything else."""
    try:
        value = msgspec.json.decode(body)
    except UNDECODABLE:
        return {}
    return value if isinstance(value, dict) else {}


def decoded(body: bytes, answer: type[_Answer] | Any, error_message: str) -> _Answer:
    """The body of an answer, decoded from JSON.

    Raises:
        GarbledAnswerError: with the given message; the body is not JSON, is cut off, or has another type.
    """
    try:
        value: _Answer = msgspec.json.decode(body, type=answer)
    except UNDECODABLE:
        raise GarbledAnswerError(error_message) from None
    return value
