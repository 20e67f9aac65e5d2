"""Commands that are interrupted: Ctrl-C and SIGTERM at random moments, and what each leaves behind.

One command after the other runs on a pseudo-terminal of its own against one sandbox and one warehouse, while the world
trades on, and gets a signal at a moment between its very beginning and its usual end, most in the first two seconds.
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
"""Some of each kind, so that a command does not take long; the demo has all."""
PATIENCE = 5.0
"""Seconds that a command has to end."""
DENSE, IN_THE_BEGINNING = 2.0, 0.6
"""Seconds in which so large a share of the signals comes."""
TERMINATED = 0.25
"""The share of SIGTERM."""
A_ROUND = 40
"""Interruptions after which the warehouse is compared with the server."""
AT_THE_END = 0.5
"""Seconds within which a command that the signal met at its very end may still end by itself."""
TRADE = dt.timedelta(minutes=30)

_LEFT_OUT = "is left out: the warehouse does not have it"
_LONG = "SELECT count(*) FROM range(10000000000) a (i) WHERE i % 7 > i % 11"

COMMANDS: dict[str, tuple[tuple[str, ...], int, float]] = {
    "sync": (("sync",), 6, 1.5),
    "sync --full": (("sync", "--full"), 4, 3.0),
    "status": (("status",), 2, 1.0),
    "rejected": (("rejected",), 2, 1.0),
    "check": (("check",), 2, 1.0),
    "report --all": (("report", "--all", "--output", "reports.xlsx"), 3, 2.0),
    "query": (("query", _LONG), 2, 4.0),
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
"""The arguments of each, how often it is chosen compared with others, and the seconds that it takes on an idle machine;
some go on for ever."""

FIRST_SYNC = 3.0
"""Seconds that the first sync takes there; the others take longer as it does."""

SERVERS = ("sandbox", "up")
"""They run until they are stopped, and end with 0 then."""


@dataclass
class InterruptionResults:
    """What a number of interruptions came to.

    Args:
        tries: how many commands were interrupted, by their name.
        terminated: how many of them by SIGTERM.
        starting: how many while Python itself started, before the first line of the program.
        finished: how many commands had finished before the signal, and were drawn again.
        forced: how many took so long that their clean-up may have been cut off.
        longest: seconds from a signal to the end at most.
        compared: how often the warehouse was compared with the server after one more sync.
    """

    tries: Counter[str] = field(default_factory=Counter)
    terminated: int = 0
    starting: int = 0
    finished: int = 0
    forced: int = 0
    longest: float = 0.0
    compared: int = 0


def interrupt_commands(count: int, seed: int, only: tuple[str, ...] = tuple(COMMANDS)) -> InterruptionResults:
    """Interrupt commands at random moments.

    Args:
        count: how many.
        seed: commands, signals and moments follow from it; how far a command is at a moment does not.
        only: names of the commands.

    Raises:
        AssertionError: one of them ended otherwise than it must, or a warehouse did not end equal to the server.
    """
    tries, random = InterruptionResults(), Random(seed)
    with TemporaryDirectory() as parent, Sandbox(seed=seed, now=NOW, scale=SCALE) as sandbox:
        sandbox.set_switches(rate_limits=None)
        folder = Path(parent) / "project"
        folder.mkdir()
        interrupting = _Interrupting(sandbox, folder, tries, random)
        slower = max(1.0, interrupting.sync() / FIRST_SYNC)
        while tries.tries.total() < count:
            name = random.choices(only, [COMMANDS[name][1] for name in only])[0]
            if name == "rebuild":
                interrupting.compare()
            interrupting.interrupt(name, COMMANDS[name][2] * slower)
            if name == "rebuild":
                # It does not know the numbers that records got without any other change; a full sync brings them back.
                interrupting.sync("--full")
            sandbox.advance(TRADE)
            if tries.tries.total() % A_ROUND == 0:
                interrupting.compare()
        interrupting.compare()
    return tries


class _Interrupting:
    """One sandbox and one warehouse, and the commands that are interrupted there."""

    def __init__(self, sandbox: Sandbox, folder: Path, tries: InterruptionResults, random: Random) -> None:
        self._sandbox = sandbox
        self._folder = folder
        self._tries = tries
        self._random = random
        self._warehouse = folder / "w.duckdb"
        self._variables = {
            **sandbox.environment(),
            "FLORIDAY_WAREHOUSE": str(self._warehouse),
            "FLORIDAY_PUBLISHED": "off",
            "FLORIDAY_FEEDS": ",".join(FEEDS),
        }

    def sync(self, *options: str) -> float:
        """Sync without an interruption; returns how long it takes."""
        began = time.monotonic()
        with run_in_terminal("sync", *options, folder=self._folder, **self._variables) as running:
            code = running.ended(300)
            assert code == 0, f"a sync that nobody interrupts ends with {code}: {running.stderr}"
        return time.monotonic() - began

    def interrupt(self, name: str, length: float) -> None:
        """Interrupt a command once, and look at what it leaves."""
        is_early = self._random.random() < IN_THE_BEGINNING
        moment = self._random.uniform(0, min(DENSE, length) if is_early else length)
        number = signal.SIGTERM if self._random.random() < TERMINATED else signal.SIGINT
        with run_in_terminal(*COMMANDS[name][0], folder=self._folder, **self._variables) as running:
            if (code := running.ended(moment)) is not None:
                assert code == 0, f"{name} ends with {code} before it is interrupted: {running.stderr}"
                self._tries.finished += 1
                return
            is_ready = _is_ready(running.process.pid)
            began = time.monotonic()
            running.interrupt(number)
            code = running.ended(PATIENCE)
            seconds = time.monotonic() - began
            story = f"{name}, {number.name} after {moment:.3f} s: {code} after {seconds:.2f} s, {running.stderr!r}"
            assert code is not None, f"{story}; it does not end: {bytes(running.printed[-500:])!r}"
            if code == 0 and name not in SERVERS and seconds < AT_THE_END:
                self._tries.finished += 1
                return
            self._judge(number, code, running.stderr, is_ready=is_ready, story=story)
            self._assert_nothing_left(running, story)
        self._tries.tries[name] += 1
        self._tries.terminated += number == signal.SIGTERM
        self._tries.longest = max(self._tries.longest, seconds)
        self._tries.forced += seconds > CLEAN_UP_SECONDS - AT_THE_END

    def _judge(self, number: signal.Signals, code: int, stderr: str, *, is_ready: bool, story: str) -> None:
        """Whether it ended as it must."""
        if not is_ready and code in (-number, 1) and "floriday:" not in stderr:
            self._tries.starting += 1
        else:
            lines = [line for line in stderr.splitlines() if not line.endswith(_LEFT_OUT)]
            assert (code, lines) == (128 + number, ["floriday: stopped"]), story

    def _assert_nothing_left(self, running: TerminalCommand, story: str) -> None:
        dagster = self._folder / "data" / "dagster" / "dagster.lock"
        session = 0
        with suppress(OSError, ValueError):
            session = int(json.loads(dagster.read_text())["process"])
        ends = time.monotonic() + PATIENCE
        while left := running.processes | (sessions.members(session) if session else set()):
            assert time.monotonic() < ends, f"{story}; processes are left: {left}"
            time.sleep(0.05)
        for warehouse in (self._warehouse, self._folder / "data" / "demo.duckdb"):
            if warehouse.exists():
                assert lock_holder(warehouse) is None, f"{story}; the lock is held"
            assert not warehouse.with_name(f"{warehouse.name}.holder").exists(), f"{story}; the note is left"

    def compare(self) -> None:
        """Sync once more, and compare the warehouse with the server."""
        self.sync()
        Syncing(self._sandbox, self._warehouse).assert_equal(*FEEDS)
        self._tries.compared += 1


def _is_ready(process: int) -> bool:
    """Whether a process has a handler for SIGTERM, of which Python has none by itself; True where that is not told."""
    with suppress(OSError, StopIteration):
        status = Path(f"/proc/{process}/status").read_text().splitlines()
        caught = next(line for line in status if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
    return True
