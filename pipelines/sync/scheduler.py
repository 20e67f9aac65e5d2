"""Feed syncs run concurrently; the warehouse serializes their writes."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed, wait
from contextlib import suppress
from threading import Lock
from typing import TypeVar

from pipelines.catalogue.types import Feed, Source
from pipelines.floriday.stoppable_threads import stoppable_pool
from pipelines.sync.outcome import FeedOutcome, Listener
from pipelines.sync.selection import is_in_parts
from pipelines.warehouse.load.cursors import CONNECTIONS_FEED

FEEDS_AT_ONCE = 8  # they share the memory that their pages may fill
MALLOC_ARENAS = 2
_M_ARENA_MAX, _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -8, -3, -1  # the C library's numbers of options (mallopt(3))
_LARGE_BLOCK = 128 * 1024  # bytes

Task = tuple[str, Source]  # the name of an account, and the feed or snapshot to sync for it

_Result = TypeVar("_Result")


def limit_malloc_arenas(count: int = MALLOC_ARENAS) -> None:
    """Limit malloc arenas so that freed memory returns to the system.

    Pages go from one thread to another, and a batch is tens of megabytes: with two arenas the process holds half as
    much memory, at the same speed. Other C libraries are left as they are.
    """
    _use_system_memory_in_arrow()
    if sys.platform == "linux":
        _set_malloc_options({_M_ARENA_MAX: count})


def _use_system_memory_in_arrow() -> None:
    """Let Arrow return freed memory to the system; a sync without changes need not import it for that."""
    os.environ["ARROW_DEFAULT_MEMORY_POOL"] = "system"
    if (arrow := sys.modules.get("pyarrow")) is not None:
        arrow.set_memory_pool(arrow.system_memory_pool())


def keep_little_memory() -> None:
    """Keep little memory between syncs, for a process that is mostly idle.

    One arena and large blocks that are mapped one by one leave fewer gaps: 10 MB after a first sync. A large load takes
    longer. Other C libraries are left as they are.
    """
    limit_malloc_arenas(1)
    if sys.platform == "linux":
        _set_malloc_options({_M_MMAP_THRESHOLD: _LARGE_BLOCK, _M_TRIM_THRESHOLD: _LARGE_BLOCK})


def return_memory() -> None:
    """Return memory that is free to the system."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def _set_malloc_options(options: Mapping[int, int]) -> None:
    with suppress(OSError, AttributeError):
        for option, value in options.items():
            ctypes.CDLL(None).mallopt(option, value)


def dependencies(source: Source) -> Collection[str]:
    """The feeds that make older records of this one visible, or that list its sub-feeds."""
    if not isinstance(source, Feed):
        return ()
    return {*source.widened_by, *([CONNECTIONS_FEED] if is_in_parts(source) else [])}


def run_concurrently(tasks: Sequence[Task], work: Callable[[Task], _Result]) -> Iterator[_Result]:
    """Do the work for each task, by several threads, and yield each result as soon as it is known.

    Tasks begin in the order given, a feed once its dependencies are done. When the caller stops, or the work raises,
    running tasks end at their next pause, and no new one begins.
    """
    if len(tasks) == 1:
        yield work(tasks[0])
        return

    def do(task: Task, before: Sequence[Future[_Result]]) -> _Result:
        wait(before)
        return work(task)

    begun: dict[tuple[str, str], Future[_Result]] = {}
    with stoppable_pool(FEEDS_AT_ONCE, "floriday feed") as executor:
        for account, source in _in_order(tasks):
            before = [begun[account, name] for name in dependencies(source) if (account, name) in begun]
            begun[account, source.name] = executor.submit(do, (account, source), before)
        for future in as_completed(begun.values()):
            yield future.result()


def _in_order(tasks: Sequence[Task]) -> list[Task]:
    """The tasks in their order, but each after its dependencies, which are one level deep or two."""
    by_name = {(account, source.name): (account, source) for account, source in tasks}
    ordered: dict[tuple[str, str], Task] = {}

    def put(account: str, source: Source) -> None:
        if (account, source.name) in ordered:
            return
        for name in dependencies(source):
            if (account, name) in by_name and name != source.name:
                put(*by_name[account, name])
        ordered[account, source.name] = (account, source)

    for task in tasks:
        put(*task)
    return list(ordered.values())


def serialize(listener: Listener) -> Listener:
    """The listener, called by one thread at a time."""
    lock = Lock()

    def listen(outcome: FeedOutcome) -> None:
        with lock:
            listener(outcome)

    return listen
