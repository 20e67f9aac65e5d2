"""Ctrl-C, SIGTERM and SIGHUP: recorded once, raised once, and followed by a certain end of the process.

The first signal raises :class:`Interrupted` in the main thread, so that the code cleans up as after any exception;
further signals change nothing meanwhile. Libraries are not prepared for an exception at any moment. Four rules make the
end orderly and certain all the same:

- A thread receives each signal from the pipe that ``signal.set_wakeup_fd`` writes to, whatever the main thread does
  and whichever handler a library has installed. It repeatedly calls what was registered with :func:`on_stop`.
- A call into a C library that an exception would leave in an undefined state is made by :func:`without_interruption`:
  signals are handled after the call. So is the initialization of every native module: DuckDB's aborts the process.
- An exception that a library has swallowed is raised again. A weak reference detects that, because it becomes empty
  when the exception is deleted.
- If the clean-up takes longer than :data:`CLEAN_UP_SECONDS`, the process ends without it.

Only the command line installs this. In other processes, such as those of Dagster, nothing is ever recorded, and only
:func:`without_interruption` has an effect. The module is imported before all others and therefore imports little.
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
from importlib.machinery import ExtensionFileLoader

TYPE_CHECKING = False  # the import of typing would take as long as all of the above
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import Any, NoReturn, ParamSpec, TypeVar

    _Args = ParamSpec("_Args")
    _Value = TypeVar("_Value")
    _Handler = Callable[[int, FrameType | None], Any]


CLEAN_UP_SECONDS = 4.0  # maximum number of seconds from the signal to the end of the process

THREAD_SECONDS = 1.5  # from the signal; how long the clean-up waits for threads, which may be in the middle of a call
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # a closed terminal sends SIGHUP, which nohup makes ignored
_INTERVAL = 0.05  # seconds between calls of the registered functions: DuckDB ignores an interrupt before a statement
_RAISE_AGAIN_AFTER = 0.5  # seconds after which an exception that was swallowed or never raised is raised again


class Interrupted(KeyboardInterrupt):
    """Raised in the main thread when a signal asks the process to stop."""


class _State:
    """The state of this process: whether it stops, and what then happens."""

    def __init__(self) -> None:
        self.main = 0
        self.number = 0
        self.since = 0.0
        self.raised: weakref.ref[Interrupted] | None = None
        self.uninterruptible_calls = 0
        self.deferred = 0
        self.is_final = False
        self.is_reported = False
        self.handled_by_others = 0
        self.actions: list[Callable[[], object]] = []
        self.last_resorts: list[Callable[[], object]] = []


_state = _State()


def install() -> None:
    """Handle the signals that are not ignored. The main thread calls this; further calls have no effect."""
    if _state.main:
        return
    _state.main = threading.get_ident()
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _Deferring(_on_signal))
    for name in ("create_module", "exec_module"):
        setattr(ExtensionFileLoader, name, _uninterrupted(getattr(ExtensionFileLoader, name)))
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(reading,), name="floriday signals", daemon=True).start()
    # Errors of threads and destructors after the signal are caused by it, and are not reported.
    sys.unraisablehook = _silent_once_stopped(sys.unraisablehook)
    threading.excepthook = _silent_once_stopped(threading.excepthook)


def is_stopping() -> bool:
    """Whether a signal has asked the process to stop."""
    return _state.number != 0


def wait_limit(seconds: float | None) -> float | None:
    """How long to wait for a thread: before a signal ``seconds``, or None for no limit; less after it."""
    if not _state.number:
        return seconds
    left = max(0.0, _state.since + THREAD_SECONDS - time.monotonic())
    return left if seconds is None else min(seconds, left)


def on_stop(action: Callable[[], object]) -> None:
    """Call a function repeatedly after the signal, from any thread."""
    _state.actions.append(action)


@contextmanager
def last_resort(action: Callable[[], object]) -> Iterator[None]:
    """Call a function if the process ends without a clean-up within the block."""
    _state.last_resorts.append(action)
    try:
        yield
    finally:
        _state.last_resorts.remove(action)


@contextmanager
def handled_by(handler: _Handler) -> Iterator[None]:
    """Within the block, another handler receives the signals, and none of them ends the process."""
    _state.handled_by_others += 1
    ignored = [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else []
    handled = [number for number in SIGNALS if number not in ignored]
    before = {number: signal.signal(number, handler) for number in handled}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
        _state.handled_by_others -= 1


def without_interruption(call: Callable[_Args, _Value], /, *arguments: _Args.args, **named: _Args.kwargs) -> _Value:
    """The result of a call during which no signal raises an exception; signals are handled after it.

    That holds in every process, also for handlers of other libraries, such as those of Dagster.
    """
    if threading.current_thread() is not threading.main_thread():
        return call(*arguments, **named)
    _defer_handlers()
    _state.uninterruptible_calls += 1
    try:
        return call(*arguments, **named)
    finally:
        _state.uninterruptible_calls -= 1
        if _state.deferred and not _state.uninterruptible_calls:
            number, _state.deferred = _state.deferred, 0
            signal.raise_signal(number)


def _uninterrupted(call: Callable[_Args, _Value]) -> Callable[_Args, _Value]:
    def uninterrupted(*arguments: _Args.args, **named: _Args.kwargs) -> _Value:
        return without_interruption(call, *arguments, **named)

    return uninterrupted


def _defer_handlers() -> None:
    for number in SIGNALS:
        handler = signal.getsignal(number)
        if callable(handler) and not isinstance(handler, _Deferring):
            signal.signal(number, _Deferring(handler))


class _Deferring:
    """A handler of a signal that is called after the end of an uninterruptible call."""

    def __init__(self, handler: _Handler) -> None:
        self._handler = handler

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not _state.uninterruptible_calls:
            self._handler(number, frame)
            return
        _state.deferred = number
        _call_actions()


def _call_actions() -> None:
    for action in _state.actions:
        action()


def ignore_signals() -> None:
    """Ignore signals from now on, because the exit code is final."""
    _state.is_final = True


def report_stop() -> int:
    """Write to standard error once that the process was stopped; returns its exit code: 130, 143 or 129."""
    if not _state.is_reported:
        _state.is_reported = True
        # Without Python's buffers: the main thread may hold their lock, or wait for a reader of standard output.
        _write(2, b"floriday: stopped\n")
    return 128 + _state.number


def end(code: int) -> NoReturn:
    """End the process at once, after the functions that libraries registered with ``atexit``.

    An ordinary shutdown of Python takes a tenth of a second, and threads that are still within DuckDB or Arrow would
    abort the process or never return. After a signal, the exit code is that of the signal.
    """
    atexit._run_exitfuncs()  # noqa: SLF001 - the interpreter does this at an ordinary end
    ignore_signals()
    os._exit(report_stop() if _state.number else code)


def _write(descriptor: int, text: bytes) -> None:
    with suppress(OSError):  # the reader has closed the stream
        os.write(descriptor, text)


def _on_signal(number: int, _frame: FrameType | None) -> None:
    record_stop(number)
    if not _is_raised():
        # No variable holds it: the frame would keep it alive, and a swallowed exception would not be detected.
        raise _interrupted()


def _interrupted() -> Interrupted:
    error = Interrupted()
    _state.raised = weakref.ref(error)
    return error


def record_stop(number: int) -> None:
    """Record the first signal that has stopped the process, also one that another handler received."""
    if not _state.number and not _state.is_final:
        _state.since = time.monotonic()
        _state.number = number
        # Libraries log what the exception interrupts, with its traceback. Loggers with handlers are not affected.
        logging = sys.modules.get("logging")
        if hasattr(logging, "NullHandler"):
            logging.lastResort = logging.NullHandler()  # type: ignore[union-attr]


def _is_raised() -> bool:
    """Whether the exception was raised and still exists, or the exit code is final."""
    return _state.is_final or (_state.raised is not None and _state.raised() is not None)


def _watch(signals: int) -> None:
    """Wait for the first signal, and make the process end."""
    while not _state.number:
        number = os.read(signals, 1)[0]
        if number in SIGNALS and not _state.handled_by_others:
            record_stop(number)
    raise_again_at = _state.since + _RAISE_AGAIN_AFTER
    while (now := time.monotonic()) < _state.since + CLEAN_UP_SECONDS:
        _call_actions()
        if now >= raise_again_at:
            raise_again_at = now + _RAISE_AGAIN_AFTER
            if not _is_raised():
                signal.pthread_kill(_state.main, _state.number)
        time.sleep(_INTERVAL)
    _end_without_clean_up()


def _end_without_clean_up() -> NoReturn:
    """End the process although a thread still waits for something that cannot be interrupted.

    No data is damaged: transactions of DuckDB, file locks, and files that replace others when they are complete
    survive a kill as well.
    """
    for action in _state.last_resorts:
        with suppress(Exception):
            action()
    os._exit(report_stop())


def _silent_once_stopped(hook: Callable[[Any], object]) -> Callable[[Any], None]:
    def silent(error: Any) -> None:
        if not _state.number:
            hook(error)

    return silent
