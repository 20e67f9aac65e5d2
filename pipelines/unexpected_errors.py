"""Unexpected errors, described without their messages, which may contain records, personal data or secrets."""

from __future__ import annotations

import os
import traceback
from pathlib import Path


def summary(error: BaseException) -> str:
    """One line with the type of the error, the line of code, and where to report it."""
    frames = traceback.extract_tb(error.__traceback__)
    location = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return (
        f"unexpected {type(error).__name__}{location}, a bug: please report it in the issue tracker of"
        " floriday-warehouse; FLORIDAY_DEBUG=1 shows more, data perhaps too"
    )


def stack_trace(error: BaseException) -> str:
    """The stacks of an error and of its causes: files, lines and types of errors, without messages and values."""
    parts: list[str] = []
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        parts.append("".join(traceback.format_tb(cause.__traceback__)) + type(cause).__qualname__)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n\ncaused by\n".join(parts)


def print_if_debugging(error: BaseException) -> None:
    """Print the whole error to standard error if FLORIDAY_DEBUG is set."""
    if os.environ.get("FLORIDAY_DEBUG"):
        traceback.print_exception(error)
