"""Request the maxima of many feeds at once, without waiting long for those that do not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import contextmanager
from functools import partial

from pipelines.errors import PipelineError, UnreachableError
from pipelines.floriday.stoppable_threads import stoppable_pool
from pipelines.sync.follow.moved_feeds import Moved
from pipelines.unexpected_errors import print_if_debugging, summary

POLL_THREADS = 16  # calls at once; each is one small answer
LONGEST_POLL = 10.0  # seconds; feeds without an answer by then do not delay the others

Key = tuple[str, str]  # the name of an account, and of one of its feeds
Poll = Callable[[], Moved | None]


class Poller:
    """Threads that are kept from one round to the next, and the calls that still wait for their answers.

    Args:
        submit: begins a call in one of the threads.
        seconds: most seconds to wait for all answers of a round.
    """

    def __init__(self, submit: Callable[[Poll], Future[Moved | None]], seconds: float = LONGEST_POLL) -> None:
        self.seconds = seconds
        self._submit = submit
        self._late: dict[Key, Future[Moved | None]] = {}

    def poll(self, calls: Mapping[Key, Poll]) -> dict[Key, Moved | PipelineError | None]:
        """The result or error of each call, in their order.

        A call without an answer in time counts as an UnreachableError, and so does the next one with its key
        while the first still waits.
        """
        self._late = {key: call for key, call in self._late.items() if not call.done()}
        begun = {key: self._late.get(key) or self._submit(call) for key, call in calls.items()}
        wait([call for key, call in begun.items() if key not in self._late], self.seconds)
        self._late |= {key: call for key, call in begun.items() if not call.done()}
        return {key: _result(call, self.seconds) for key, call in begun.items()}


@contextmanager
def open_poller() -> Iterator[Poller]:
    """A poller, with threads that are stopped at the end of the block."""
    with stoppable_pool(POLL_THREADS, "floriday poll") as pool:
        yield Poller(partial(pool.submit))


def _result(call: Future[Moved | None], seconds: float) -> Moved | PipelineError | None:
    if not call.done():
        return UnreachableError(f"Floriday has not answered within {seconds:g} s whether the feed has changed")
    try:
        return call.result()
    except PipelineError as error:
        return error
    except Exception as defect:  # noqa: BLE001 - a defect with one feed must leave the others done
        print_if_debugging(defect)
        return PipelineError(summary(defect))
