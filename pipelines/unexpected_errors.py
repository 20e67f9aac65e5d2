"""Unexpected errors, described without their messages: those may hold records, personal data or secrets.

Expected errors are those of ``errors``; how an error is printed belongs to ``cli``.
"""

from __future__ import annotations

import os
import traceback
from pathlib import Path


def summary(error: BaseException) -> str:
    """One line: the kind of error, the place in the code, and where to report it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return (
        f"unexpected {type(error).__name__}{place}, a bug: please report it in the issue tracker of floriday-warehouse;"
        " FLORIDAY_DEBUG=1 shows more, data perhaps too"
    )


def stack_trace(error: BaseException) -> str:
    """The stack of an error and of those that caused it: files, lines and kinds of error, no messages and no values."""
    parts: list[str] = []
    cause: BaseException | None = error
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        parts.append("".join(traceback.format_tb(cause.__traceback__)) + type(cause).__qualname__)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n\ncaused by\n".join(parts)


def print_if_debugging(error: BaseException) -> None:
    """Print the whole error to standard error where FLORIDAY_DEBUG asks for it."""
    if os.environ.get("FLORIDAY_DEBUG"):
        traceback.print_exception(error)
