"""JSON answers decoded with their type; whatever cannot be decoded is a bad answer, which is asked for again."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec

from pipelines.errors import GarbledAnswerError

UNDECODABLE = (ValueError, RecursionError)
"""What msgspec raises for any bytes: its own errors and those of broken UTF-8 are ValueErrors."""

SequenceNumber = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""A sequence number as the warehouse can store it: a larger one is no number of Floriday's."""

_Answer = TypeVar("_Answer")


def decoded(body: bytes, answer: type[_Answer] | Any, otherwise: str) -> _Answer:
    """The decoded body of an answer.

    Args:
        body: the bytes as received, expected to be one JSON value.
        answer: the type to decode into.
        otherwise: the message of the error, one line.

    Raises:
        GarbledAnswerError: the body is not JSON, is cut off, or holds something else.
    """
    try:
        value: _Answer = msgspec.json.decode(body, type=answer)
    except UNDECODABLE:
        raise GarbledAnswerError(otherwise) from None
    return value
