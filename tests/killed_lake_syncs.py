"""End syncs of a lake at random moments and in commits, and check what the lake holds after each.

A sync is ended by SIGKILL, or all its sessions of PostgreSQL are. Then the next sync must make the lake equal to the
server, with no key and no version twice.
"""

from __future__ import annotations

import signal
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Literal

from pipelines.catalogue.tables import tables_of
from pipelines.errors import PipelineError
from pipelines.lake_address import LakeAddress
from pipelines.sandbox import Sandbox
from pipelines.warehouse.sql import listed, raw
from tests.another_process import FORKED
from tests.fault_schedules import Records
from tests.integration.syncing import Syncing
from tests.killed_syncs import FEEDS, TIMEOUT, KillResults, inspect, sync_and_log_commits
from tests.lake_commits import Moment, end_sessions, held_commit
from tests.lakes import lake_at, snapshot_of
from tests.moments import NOW

How = Literal["kill", "end sessions"]
MOMENTS: tuple[Moment | Literal["anywhere"], ...] = ("COMMIT", "anywhere", "before", "after")
RECORDS = 20
"""Number of records of a feed; fewer than with files, because a lake's transactions take longer."""
COMMITS = 6
"""About as many commits as a sync makes."""
PER_LAKE = 5
"""Number of ended syncs after which the next ones load a new lake."""


@dataclass
class EndedSyncs(KillResults):
    """Counts of one experiment.

    Args:
        moments: how often each moment was hit.
        doubled: number of versions that a raw log has twice.
        errors: what syncs without sessions reported.
    """

    moments: Counter[str] = field(default_factory=Counter)
    doubled: int = 0
    errors: set[str] = field(default_factory=set)

    @property
    def harm(self) -> int:
        """Number of defects that were found."""
        return super().harm + self.doubled


def end_syncs(how: How, count: int, seed: int) -> EndedSyncs:
    """End syncs of lakes, a fourth of them at each of the moments.

    Args:
        how: whether the process is killed, or its sessions of PostgreSQL are ended.
        count: number of syncs to end.
        seed: seed of the moments and the records; how far a process has come at a moment still varies.

    Raises:
        AssertionError: a lake did not become equal to the server.
    """
    ended, random = EndedSyncs(), Random(seed)
    while ended.kills < count:
        with TemporaryDirectory() as folder, Sandbox(seed=seed, now=NOW, empty=True) as sandbox:
            _OneLake(sandbox, Path(folder), random, ended).end(how, min(PER_LAKE, count - ended.kills))
    return ended


class _OneLake:
    """A lake, whose syncs are ended."""

    def __init__(self, sandbox: Sandbox, folder: Path, random: Random, ended: EndedSyncs) -> None:
        sandbox.set_switches(rate_limits=None)
        self._sandbox, self._folder, self._random, self._ended = sandbox, folder, random, ended
        self._records = Records(sandbox, "suppliers", (), random, hides=False)
        for feed in FEEDS:
            self._records.fill(feed, RECORDS)
        self._syncing = Syncing(sandbox, folder / "w.duckdb", only=FEEDS, kind="lake")

    def end(self, how: How, count: int) -> None:
        """End some syncs of this lake."""
        ended, ends = self._ended, self._ended.kills + count
        while ended.kills < ends:
            moment = MOMENTS[ended.kills % len(MOMENTS)]
            commit_log = self._folder / f"commits {ended.kills} {ended.survived}"
            if self._end_one(how, moment, commit_log):
                ended.kills += 1
                ended.moments[moment] += 1
            else:
                ended.survived += 1
            self._check(commit_log)
            for feed in FEEDS:
                for _ in range(self._random.randint(5, 20)):
                    self._records.change(feed)

    def _end_one(self, how: How, moment: Moment | Literal["anywhere"], commit_log: Path) -> bool:
        """Start a sync and end it at a moment; return whether it was still running."""
        lake = lake_at(self._syncing.path)
        self._syncing.warehouse.finish()
        environment = {**self._sandbox.environment(), **self._syncing.warehouse_settings}
        process = FORKED.Process(target=_sync, args=(environment, str(self._folder), str(commit_log)))
        before = len(self._sandbox.calls)
        if moment == "anywhere":
            process.start()
            calls = self._random.randint(3, 2 * RECORDS)
            while _is_running(process) and len(self._sandbox.calls) < before + calls:
                pass
            was_ended = _end(process, how, lake)
        else:
            snapshot = snapshot_of(lake) + self._random.randint(1, COMMITS)
            with held_commit(lake, moment, snapshot) as held:
                process.start()
                was_ended = held.wait(lambda: _is_running(process)) and _end(process, how, lake)
        process.join(TIMEOUT)
        assert process.exitcode == (-signal.SIGKILL if how == "kill" and was_ended else 0)
        return was_ended

    def _check(self, commit_log: Path) -> None:
        """Look for what is lost or doubled, before and after the next sync, which must be equal to the server."""
        ended, syncing = self._ended, self._syncing
        errors = commit_log.with_suffix(".errors")
        ended.errors.update(errors.read_text().splitlines() if errors.exists() else ())
        inspect(syncing, commit_log, ended)
        outcomes = syncing.sync().values()
        left = [outcome for outcome in outcomes if outcome.error or not outcome.current]
        assert not left, f"the sync after {ended.kills} ended ones is not at its end: {left}"
        syncing.assert_equal(*FEEDS)
        inspect(syncing, commit_log, ended)
        for name in FEEDS:
            table = tables_of(syncing.catalogue.feed(name))
            sql = (
                f"SELECT count(*) FROM {raw(table)} GROUP BY {listed(table.key)}, series, sequence_number, content_hash"
            )
            ended.doubled += sum(count - 1 for (count,) in syncing.rows(sql))


def _is_running(process: BaseProcess) -> bool:
    """Return whether a process runs, after a short pause."""
    process.join(0.002)
    return process.is_alive()


def _end(process: BaseProcess, how: How, lake: LakeAddress) -> bool:
    """End a sync; return whether it still ran."""
    if how == "end sessions":
        return end_sessions(lake) > 0
    process.kill()
    process.join(TIMEOUT)
    return process.exitcode != 0


def _sync(environment: dict[str, str], folder: str, commit_log: str) -> None:
    """Sync in a process of its own, and write its errors to a file."""
    try:
        errors = [outcome.error for outcome in sync_and_log_commits(environment, folder, commit_log) if outcome.error]
    except PipelineError as error:
        errors = [error.message]
    Path(commit_log).with_suffix(".errors").write_text("\n".join(map(repr, errors)))
