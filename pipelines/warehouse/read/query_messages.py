"""What goes between a query session and its process: requests there, JSON and Arrow back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

JSON, ARROW = b"J", b"A"
"""The first byte of an answer: what follows it."""


@dataclass(frozen=True)
class OpenRequest:
    """What the process is to read, and with how much memory.

    Args:
        path: the warehouse file.
        lock_timeout: seconds to wait while another process writes it.
        memory: limit as DuckDB reads it, such as ``4GB``; None for DuckDB's default, four fifths of the machine's.
    """

    path: Path
    lock_timeout: float
    memory: str | None


@dataclass(frozen=True)
class QueryRequest:
    """One query.

    Args:
        sql: as its author wrote it.
        values: of its named parameters.
    """

    sql: str
    values: Mapping[str, object]
