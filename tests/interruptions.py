"""Interrupt commands by Ctrl-C or SIGTERM at random moments, and check what each leaves behind.

The commands run one after the other, each on its own pseudo-terminal, against one sandbox and one warehouse, while the
sandbox trades. The signal arrives between the start of a command and its usual end, mostly in the first two seconds.
"""

from __future__ import annotations

import datetime as dt
import json
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from pipelines.interruption import CLEAN_UP_SECONDS
from pipelines.orchestration.serving import sessions
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.sync_lock import lock_holder
from tests.integration.syncing import Syncing
from tests.pseudo_terminal import TerminalCommand, run_in_terminal

NOW = dt.datetime(2026, 11, 20, 9, tzinfo=dt.UTC)
SCALE = 0.2
FEEDS = (
    "organizations.connections",
    "organizations.organizations",
    "catalog.trade_items",
    "supply.batches",
    "supply.supply_lines",
    "orders.sales_orders",
    "fulfillment.inbound_fulfillment_orders",
)
"""One or more feeds of each kind. Few feeds keep a command short; the demo has all."""
MAX_SECONDS = 5.0
"""Seconds in which an interrupted command must end."""
FIRST_SECONDS, FIRST_SHARE = 2.0, 0.6
"""This share of the signals is sent within this number of first seconds."""
SIGTERM_SHARE = 0.25
"""Share of the signals that are SIGTERM."""
COMPARE_EVERY = 40
"""Number of interruptions after which the warehouse is compared with the server."""
EXIT_TOLERANCE = 0.5
"""Seconds after the signal within which a command that was about to finish may still exit with 0."""
TRADE = dt.timedelta(minutes=30)

_SKIPPED_REPORT = "is left out: the warehouse does not have it"
_LONG_QUERY = "SELECT count(*) FROM range(10000000000) a (i) WHERE i % 7 > i % 11"

COMMANDS: dict[str, tuple[tuple[str, ...], int, float]] = {
    "sync": (("sync",), 6, 1.5),
    "sync --full": (("sync", "--full"), 4, 3.0),
    "status": (("status",), 2, 1.0),
    "rejected": (("rejected",), 2, 1.0),
    "check": (("check",), 2, 1.0),
    "report --all": (("report", "--all", "--output", "reports.xlsx"), 3, 2.0),
    "query": (("query", _LONG_QUERY), 2, 4.0),
    "dashboard": (("dashboard", "--output", "page.html"), 3, 2.0),
    "export": (("export", "parquet"), 3, 2.0),
    "rebuild": (("rebuild",), 4, 3.0),
    "compact": (("compact",), 3, 2.0),
    "backup": (("backup", "backup.duckdb", "--force"), 2, 0.8),
    "redact": (("redact",), 1, 1.0),
    "demo": (("demo",), 5, 12.0),
    "sandbox": (("sandbox", "--port", "0"), 2, 4.0),
    "up": (("up", "--port", "0"), 1, 20.0),
}
"""Arguments of each command, its weight in the random choice, and its duration in seconds on an idle machine."""

FIRST_SYNC = 3.0
"""Duration of the first sync on that machine; other durations are scaled by the same factor as this one."""

SERVERS = ("sandbox", "up")
"""Commands that run until they are stopped, and then exit with 0."""


@dataclass
class InterruptionResults:
    """Counts of one experiment.

    Args:
        interrupted: number of interrupted commands by name.
        terminated: how many of them received SIGTERM.
        starting: how many were interrupted before the first line of the program ran.
        lost: how many of these lost the signal, and needed another one.
        finished: how many commands finished before the signal; others were drawn instead.
        forced: how many took so long that their clean-up may have been cut off.
        longest: longest time from a signal to the exit, in seconds.
        compared: how often the warehouse was compared with the server after one more sync.
    """

    interrupted: Counter[str] = field(default_factory=Counter)
    terminated: int = 0
    starting: int = 0
    lost: int = 0
    finished: int = 0
    forced: int = 0
    longest: float = 0.0
    compared: int = 0


def interrupt_commands(count: int, seed: int, only: tuple[str, ...] = tuple(COMMANDS)) -> InterruptionResults:
    """Interrupt commands at random moments.

    Args:
        count: number of commands to interrupt.
        seed: seed of the commands, signals and moments; how far a command has come at a moment still varies.
        only: names of the commands to choose from.

    Raises:
        AssertionError: a command ended in a wrong way, or a warehouse did not become equal to the server.
    """
    results, random = InterruptionResults(), Random(seed)
    with TemporaryDirectory() as parent, Sandbox(seed=seed, now=NOW, scale=SCALE) as sandbox:
        sandbox.set_switches(rate_limits=None)
        folder = Path(parent) / "project"
        folder.mkdir()
        experiment = _Experiment(sandbox, folder, results, random)
        slower = max(1.0, experiment.sync() / FIRST_SYNC)
        while results.interrupted.total() < count:
            name = random.choices(only, [COMMANDS[name][1] for name in only])[0]
            if name == "rebuild":
                experiment.compare()
            experiment.interrupt(name, COMMANDS[name][2] * slower)
            if name == "rebuild":
                # A rebuild loses the numbers of records that were only renumbered; a full sync restores them.
                experiment.sync("--full")
            sandbox.advance(TRADE)
            if results.interrupted.total() % COMPARE_EVERY == 0:
                experiment.compare()
        experiment.compare()
    return results


class _Experiment:
    """The sandbox and the warehouse of one experiment."""

    def __init__(self, sandbox: Sandbox, folder: Path, results: InterruptionResults, random: Random) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._results = results
        self._random = random
        self._warehouse = folder / "w.duckdb"
        self._variables = {
            **sandbox.environment(),
            "FLORIDAY_WAREHOUSE": str(self._warehouse),
            "FLORIDAY_PUBLISHED": "off",
            "FLORIDAY_FEEDS": ",".join(FEEDS),
        }

    def sync(self, *options: str) -> float:
        """Sync without an interruption, and return its duration in seconds."""
        began = time.monotonic()
        with run_in_terminal("sync", *options, folder=self._folder, **self._variables) as running:
            code = running.ended(300)
            assert code == 0, f"an uninterrupted sync ends with {code}: {running.stderr}"
        return time.monotonic() - began

    def interrupt(self, name: str, length: float) -> None:
        """Interrupt a command once, and check what it leaves behind."""
        is_early = self._random.random() < FIRST_SHARE
        moment = self._random.uniform(0, min(FIRST_SECONDS, length) if is_early else length)
        number = signal.SIGTERM if self._random.random() < SIGTERM_SHARE else signal.SIGINT
        with run_in_terminal(*COMMANDS[name][0], folder=self._folder, **self._variables) as running:
            if (code := running.ended(moment)) is not None:
                assert code == 0, f"{name} ends with {code} before it is interrupted: {running.stderr}"
                self._results.finished += 1
                return
            was_ready = is_ready(running.process.pid)
            began = time.monotonic()
            running.interrupt(number)
            code = running.ended(MAX_SECONDS)
            if code is None and not was_ready:
                # Python itself loses a signal in its first milliseconds, if that interrupts a callback of an import.
                self._results.lost += 1
                running.interrupt(number)
                code = running.ended(MAX_SECONDS)
            seconds = time.monotonic() - began
            case = f"{name}, {number.name} after {moment:.3f} s: {code} after {seconds:.2f} s, {running.stderr!r}"
            assert code is not None, f"{case}; it does not end: {bytes(running.printed[-500:])!r}"
            if code == 0 and name not in SERVERS and seconds < EXIT_TOLERANCE:
                self._results.finished += 1
                return
            self._assert_exit(number, code, running.stderr, is_ready=was_ready, case=case)
            self._assert_nothing_left(running, case)
        self._results.interrupted[name] += 1
        self._results.terminated += number == signal.SIGTERM
        self._results.longest = max(self._results.longest, seconds)
        self._results.forced += seconds > CLEAN_UP_SECONDS - EXIT_TOLERANCE

    def _assert_exit(self, number: signal.Signals, code: int, stderr: str, *, is_ready: bool, case: str) -> None:
        """Check the exit code and the lines on standard error."""
        if not is_ready and code in (-number, 1) and "floriday:" not in stderr:
            self._results.starting += 1
        else:
            lines = [line for line in stderr.splitlines() if not line.endswith(_SKIPPED_REPORT)]
            assert (code, lines) == (128 + number, ["floriday: stopped"]), case

    def _assert_nothing_left(self, running: TerminalCommand, case: str) -> None:
        dagster = self._folder / "data" / "dagster" / "dagster.lock"
        session = 0
        with suppress(OSError, ValueError):
            session = int(json.loads(dagster.read_text())["process"])
        ends = time.monotonic() + MAX_SECONDS
        while left := running.processes | (sessions.members(session) if session else set()):
            assert time.monotonic() < ends, f"{case}; processes are left: {left}"
            time.sleep(0.05)
        for warehouse in (self._warehouse, self._folder / "data" / "demo.duckdb"):
            if warehouse.exists():
                assert lock_holder(warehouse) is None, f"{case}; the lock is held"
            assert not warehouse.with_name(f"{warehouse.name}.holder").exists(), f"{case}; the note is left"

    def compare(self) -> None:
        """Sync once more, and compare the warehouse with the server."""
        self.sync()
        Syncing(self._sandbox, self._warehouse).assert_equal(*FEEDS)
        self._results.compared += 1


def is_ready(process: int) -> bool:
    """Return whether a process has installed a handler for SIGTERM; True where /proc does not exist."""
    with suppress(OSError, StopIteration):
        status = Path(f"/proc/{process}/status").read_text().splitlines()
        caught = next(line for line in status if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
    return True
