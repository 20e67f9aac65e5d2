"""Proof that something takes linear time and memory, on input so large that quadratic time would be minutes."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def linear_time() -> Iterator[None]:
    """Fail if the block takes 20 seconds of processor time: linear time is about one, quadratic time a minute."""
    began = time.process_time()
    yield
    assert time.process_time() - began < 20


@contextmanager
def little_memory(size: int) -> Iterator[None]:
    """Fail if Python allocates more than ten times ``size`` bytes within the block."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 10 * size
    finally:
        tracemalloc.stop()
