"""Ctrl-C, SIGTERM and SIGHUP: recorded once, raised once, and an end of the process that is certain.

The first signal raises :class:`Interrupted` in the main thread, so that the code cleans up as after any exception;
further signals change nothing while it does. Libraries are not ready for an exception at any moment. Four rules make
the end orderly and certain all the same:

- A thread learns of each signal from the pipe that ``signal.set_wakeup_fd`` writes to, whatever the main thread does
  and whichever handler a library has installed. It calls what was registered with :func:`at_stop`, again and again.
- A call into a C library that an exception would leave in an undefined state is made by :func:`undisturbed`: signals
  are handled after the call.
- An exception that a library has swallowed is raised again. A weak reference tells, for it dies with the exception.
- When the clean-up has taken :data:`CLEAN_UP` seconds, the process ends without it.

Only the command line installs this. In other processes, such as those of Dagster, nothing is ever recorded, and only
:func:`undisturbed` has an effect. The module is imported before everything else and therefore imports little itself.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
import weakref
from contextlib import contextmanager, suppress

TYPE_CHECKING = False  # to import the module typing would take as long as all of the above
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any, NoReturn, ParamSpec, TypeVar

    _Arguments = ParamSpec("_Arguments")
    _Value = TypeVar("_Value")
    _Handler = Callable[[int, FrameType | None], Any]


CLEAN_UP = 4.0
"""Seconds from the signal to the end of the process at most."""

THREADS = 1.5
"""Seconds from the signal for which the clean-up waits for threads, which may be in the middle of a call."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The last one comes from a terminal that is closed; a command that was started with nohup ignores it."""

_AGAIN = 0.05
"""Seconds between two calls of what was registered: DuckDB forgets an interrupt that comes just before a statement."""

_SWALLOWED = 0.5
"""Seconds after which an exception that was swallowed, or never raised, is raised again."""

_SHOW_CURSOR = b"\x1b[?25h"


class Interrupted(KeyboardInterrupt):
    """Raised in the main thread when a signal asks the process to stop."""


class _State:
    """The one stop of this process."""

    def __init__(self) -> None:
        self.main = 0
        self.number = 0
        self.since = 0.0
        self.raised: weakref.ref[Interrupted] | None = None
        self.undisturbed = 0
        self.deferred = 0
        self.is_decided = False
        self.is_told = False
        self.left_to_others = 0
        self.actions: list[Callable[[], object]] = []
        self.last_resorts: list[Callable[[], object]] = []


_state = _State()


def install() -> None:
    """Take over the signals that are not ignored. To be called by the main thread; again without effect."""
    if _state.main:
        return
    _state.main = threading.get_ident()
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _Deferring(_on_signal))
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reading,), name="floriday signals", daemon=True).start()
    # What threads and destructors come to after the signal follows from it, and is no news for anybody.
    sys.unraisablehook = _silent_once_stopped(sys.unraisablehook)
    threading.excepthook = _silent_once_stopped(threading.excepthook)


def recorded() -> bool:
    """Whether the process was asked to stop."""
    return _state.number != 0


def limited(seconds: float | None) -> float | None:
    """How long to wait for a thread: ``seconds``, None for as long as it takes, and less after a signal."""
    if not _state.number:
        return seconds
    left = max(0.0, _state.since + THREADS - time.monotonic())
    return left if seconds is None else min(seconds, left)


def at_stop(action: Callable[[], object]) -> None:
    """Have a function called again and again from the signal on, by any thread."""
    _state.actions.append(action)


@contextmanager
def last_resort(action: Callable[[], object]) -> Iterator[None]:
    """Within the block, a function is called before the process ends without a clean-up."""
    _state.last_resorts.append(action)
    try:
        yield
    finally:
        _state.last_resorts.remove(action)


@contextmanager
def left_to(handler: _Handler) -> Iterator[None]:
    """Within the block, a handler of the caller's gets the signals, and none of them ends the process."""
    _state.left_to_others += 1
    ignored = [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else []
    heard = [number for number in SIGNALS if number not in ignored]
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
        _state.left_to_others -= 1


def stopped_by(number: int) -> None:
    """Say that a signal which a handler of the caller's got has ended what the process did: its exit code tells it."""
    _record(number)


def undisturbed(
    call: Callable[_Arguments, _Value], /, *arguments: _Arguments.args, **named: _Arguments.kwargs
) -> _Value:
    """The result of a call that no signal's exception breaks off; the signal is handled after it.

    That holds in every process, and for the handlers of others too, such as those of Dagster.
    """
    if threading.current_thread() is not threading.main_thread():
        return call(*arguments, **named)
    _defer_handlers()
    _state.undisturbed += 1
    try:
        return call(*arguments, **named)
    finally:
        _state.undisturbed -= 1
        if _state.deferred and not _state.undisturbed:
            number, _state.deferred = _state.deferred, 0
            signal.raise_signal(number)


def _defer_handlers() -> None:
    for number in SIGNALS:
        handler = signal.getsignal(number)
        if callable(handler) and not isinstance(handler, _Deferring):
            signal.signal(number, _Deferring(handler))


class _Deferring:
    """A handler that waits for the end of an undisturbed call."""

    def __init__(self, handler: _Handler) -> None:
        self._handler = handler

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not _state.undisturbed:
            self._handler(number, frame)
            return
        _state.deferred = number
        _act()


def _act() -> None:
    for action in _state.actions:
        action()


def decide() -> None:
    """Say that the exit code is decided: from now on, a signal changes nothing."""
    _state.is_decided = True


def tell() -> int:
    """Say on standard error that the process was stopped, once; returns its exit code: 130, 143 or 129."""
    if not _state.is_told:
        _state.is_told = True
        # Past Python's buffers: the main thread may hold their lock, or wait for who reads standard output.
        _write(2, b"floriday: stopped\n")
    return 128 + _state.number


def end(code: int) -> NoReturn:
    """End the process at once, after what others registered with ``atexit``.

    To take Python down, library by library, costs a tenth of a second. And threads that are still within DuckDB or
    Arrow then would abort the process or never return.

    Args:
        code: the exit code, unless the process was asked to stop.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 - the interpreter does this at an ordinary end
    decide()
    os._exit(tell() if _state.number else code)


def _write(descriptor: int, text: bytes) -> None:
    with suppress(OSError):  # nobody listens any more
        os.write(descriptor, text)


def _on_signal(number: int, _frame: FrameType | None) -> None:
    _record(number)
    if not _is_under_way():
        # No variable holds it: the frame would keep it alive, and nobody would know that it was swallowed.
        raise _interrupted()


def _interrupted() -> Interrupted:
    error = Interrupted()
    _state.raised = weakref.ref(error)
    return error


def _record(number: int) -> None:
    if not _state.number and not _state.is_decided:
        _state.since = time.monotonic()
        _state.number = number
        # Libraries log what the exception breaks off, with its traceback. What has a handler of its own stays.
        logging = sys.modules.get("logging")
        if hasattr(logging, "NullHandler"):
            logging.lastResort = logging.NullHandler()  # type: ignore[union-attr]


def _is_under_way() -> bool:
    """Whether the exception was raised and still is on its way, or has arrived."""
    return _state.is_decided or (_state.raised is not None and _state.raised() is not None)


def _watch(signals: int) -> None:
    """Wait for the first signal, and see to it that the process ends."""
    while not _state.number:
        number = os.read(signals, 1)[0]
        if number in SIGNALS and not _state.left_to_others:
            _record(number)
    raise_again_at = _state.since + _SWALLOWED
    while (now := time.monotonic()) < _state.since + CLEAN_UP:
        _act()
        if now >= raise_again_at:
            raise_again_at = now + _SWALLOWED
            if not _is_under_way():
                signal.pthread_kill(_state.main, _state.number)
        time.sleep(_AGAIN)
    _end_without_clean_up()


def _end_without_clean_up() -> NoReturn:
    """End the process although it is not ready: a thread waits for what cannot be interrupted.

    Nothing is torn: DuckDB's transactions, locks of files, and what is written aside before it is put in place, stand a
    kill as well.
    """
    for action in _state.last_resorts:
        with suppress(Exception):
            action()
    code = tell()
    if os.isatty(1):
        _write(1, _SHOW_CURSOR)
    os._exit(code)


def _silent_once_stopped(hook: Callable[[Any], object]) -> Callable[[Any], None]:
    def silent(told: Any) -> None:
        if not _state.number:
            hook(told)

    return silent
