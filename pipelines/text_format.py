"""Moments and spans of time in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def moment(when: datetime) -> str:
    """``2026-07-30 12:00:00 UTC``."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def span(length: timedelta) -> str:
    """The largest units that tell it well: ``12 days``, ``5 h``, ``59 min``, ``30 s``."""
    seconds = int(length.total_seconds())
    for unit, size, from_size in (("days", 86400, 2 * 86400), ("h", 3600, 2 * 3600), ("min", 60, 2 * 60)):
        if seconds >= from_size:
            return f"{seconds // size:,} {unit}"
    return f"{seconds} s"
