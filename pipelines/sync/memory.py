"""How this process holds memory: what is freed is to go back, instead of lying about for each thread apart."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

import pyarrow as pa

ARENAS = 2
_M_ARENA_MAX = -8
"""The C library's number for it (mallopt(3))."""


def hold_little() -> None:
    """Let threads share what they freed: pages go from one to the other all the time, a batch is tens of megabytes.

    Half as much is held then, at the same speed. Where the C library knows no such thing, nothing happens.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)
