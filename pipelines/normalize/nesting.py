"""How deep a record is nested: readers that recurse must not meet a bomb."""

from __future__ import annotations

import re

DEEPEST = 200
"""Levels that a record may have; Floriday's have fewer than ten. Arrow's reader ends the process at some thousands.

Check a record with :func:`is_too_deep` before a decoder that recurses reads it: where a decoder raises RecursionError
depends on the version of Python, on the depth of the call and on the decoder.
"""

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


def is_too_deep(raw: bytes) -> bool:
    """Whether objects and arrays within each other go deeper than a record may."""
    # Python counts a single letter one byte at a time, and takes it out several at a time.
    opened = 2 * len(raw) - len(raw.replace(b"{", b"")) - len(raw.replace(b"[", b""))
    if opened <= DEEPEST:
        return False
    depth = 0
    for token in _TOKEN.finditer(raw):
        mark = token.group()
        if mark in (b"{", b"["):
            depth += 1
        elif mark in (b"}", b"]"):
            depth -= 1
        if depth > DEEPEST:
            return True
    return False
