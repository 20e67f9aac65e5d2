"""Threads that can be stopped while they wait for a retry or for a rate limit."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from pipelines.interruption import wait_limit

_this_thread = threading.local()


class StoppedError(Exception):
    """Ends a thread at its next pause; caught by the function that the thread runs."""


@contextmanager
def stoppable_by(stop: threading.Event) -> Iterator[None]:
    """Within the block, ``pause`` raises StoppedError in this thread as soon as ``stop`` is set."""
    _this_thread.stop = stop
    try:
        yield
    finally:
        del _this_thread.stop


@contextmanager
def stoppable_pool(count: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """A thread pool that is stopped at the end of the block: tasks that have not begun are cancelled.

    The block then waits for the threads to end, but after a signal to the process only for a wait_limit time. ``name``
    is the prefix of the threads' names.
    """
    stop = threading.Event()
    started: list[threading.Thread] = []
    pool = ThreadPoolExecutor(count, name, initializer=partial(_start, stop, started))
    try:
        yield pool
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        for thread in started:
            thread.join(wait_limit(None))


def _start(stop: threading.Event, started: list[threading.Thread]) -> None:
    _this_thread.stop = stop
    started.append(threading.current_thread())


def is_stopped() -> bool:
    """Whether this thread should end."""
    stop: threading.Event | None = getattr(_this_thread, "stop", None)
    return stop is not None and stop.is_set()


def pause(seconds: float) -> None:
    """Wait for so many seconds.

    Raises:
        StoppedError: the thread should end.
    """
    stop: threading.Event | None = getattr(_this_thread, "stop", None)
    if stop is None:
        time.sleep(seconds)
    elif stop.wait(seconds):
        raise StoppedError
