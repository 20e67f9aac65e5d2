"""Sizes of files in words."""

from __future__ import annotations


def size(count: int) -> str:
    """Bytes in the unit that tells them well, with one decimal: ``812.3 MB``, ``1.4 GB``."""
    unit, name = (1e9, "GB") if count >= 1e9 else (1e6, "MB")
    return f"{count / unit:,.1f} {name}"
