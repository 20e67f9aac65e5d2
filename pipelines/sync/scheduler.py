"""Feeds of accounts synced side by side: whoever waits for an answer keeps nobody else from asking.

What is written stays one at a time, which is the warehouse's own affair.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, as_completed, wait
from threading import Lock
from typing import TypeVar

from pipelines.catalogue.types import Feed, Source
from pipelines.floriday.stoppable_threads import stoppable_pool
from pipelines.sync.outcome import FeedOutcome, Listener
from pipelines.sync.selection import is_in_parts
from pipelines.warehouse.load.cursors import CONNECTIONS_FEED

AT_ONCE = 8
"""Feeds that are synced at once; the memory that their pages may fill is shared out among them."""

Task = tuple[str, Source]
"""An account and what of it is to be synced."""

_Result = TypeVar("_Result")


def read_before(source: Source) -> Collection[str]:
    """The feeds that bring older records of this one into view, or say which parts of it there are."""
    if not isinstance(source, Feed):
        return ()
    return {*source.widened_by, *([CONNECTIONS_FEED] if is_in_parts(source) else [])}


def side_by_side(tasks: Sequence[Task], work: Callable[[Task], _Result]) -> Iterator[_Result]:
    """Do the work for each task, and yield what comes of it as it comes.

    A feed begins once those that it depends on are done. When the caller stops, or the work raises, what is under way
    ends at its next pause, and nothing new begins.

    Args:
        tasks: in the order in which they should begin.
        work: for one task; several threads call it.
    """
    if len(tasks) == 1:
        yield work(tasks[0])
        return

    def do(task: Task, before: Sequence[Future[_Result]]) -> _Result:
        wait(before)
        return work(task)

    begun: dict[tuple[str, str], Future[_Result]] = {}
    with stoppable_pool(AT_ONCE, "floriday feed") as working:
        for account, source in _in_order(tasks):
            before = [begun[account, name] for name in read_before(source) if (account, name) in begun]
            begun[account, source.name] = working.submit(do, (account, source), before)
        for done in as_completed(begun.values()):
            yield done.result()


def _in_order(tasks: Sequence[Task]) -> list[Task]:
    """The tasks as they are, but none before one that it depends on; dependencies are one level deep or two."""
    names = {(account, source.name): (account, source) for account, source in tasks}
    ordered: dict[tuple[str, str], Task] = {}

    def put(account: str, source: Source) -> None:
        if (account, source.name) in ordered:
            return
        for name in read_before(source):
            if (account, name) in names and name != source.name:
                put(*names[account, name])
        ordered[account, source.name] = (account, source)

    for task in tasks:
        put(*task)
    return list(ordered.values())


def one_at_a_time(listener: Listener) -> Listener:
    """The listener, told by one thread at a time."""
    listening = Lock()

    def listen(outcome: FeedOutcome) -> None:
        with listening:
            listener(outcome)

    return listen
