"""Hold a commit of a lake at a moment, so that a test can end the process or its sessions exactly there.

DuckLake commits in one transaction of PostgreSQL, which inserts one row into ``ducklake_snapshot``. A trigger waits
there, or at the end of the transaction, for an advisory lock that the test holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from pipelines.lake_address import LakeAddress
from tests.lakes import database_of, execute, postgres

Moment = Literal["before", "COMMIT", "after"]
"""Before the first row of the transaction, in its COMMIT, or after its COMMIT and before the client learns of it."""
_KEY = 20261129
_TESTS = "test that holds commits"
_FUNCTION = """
    CREATE OR REPLACE FUNCTION hold_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.snapshot_id >= {snapshot} THEN PERFORM pg_advisory_xact_lock_shared({key}); END IF;
        RETURN NEW;
    END $$
"""
_TRIGGERS: dict[Moment, str] = {
    "before": "CREATE TRIGGER hold_commit BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION hold_commit()",
    "COMMIT": (
        "CREATE CONSTRAINT TRIGGER hold_commit AFTER INSERT ON {table} DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION hold_commit()"
    ),
}


@dataclass(frozen=True)
class HeldCommit:
    """A commit of a lake that waits for the test."""

    lake: LakeAddress
    moment: Moment
    session: Any

    def wait(self, is_running: Callable[[], bool]) -> bool:
        """Wait until a commit is held; returns False if the sync ended without one.

        ``is_running`` says whether the sync runs, after a short pause.
        """
        while is_running():
            if self._waits("advisory"):
                if self.moment == "after":
                    self._commit_without_answer(is_running)
                return True
        return False

    def release(self) -> None:
        """Let the commit, if it still exists, continue; the lock ends with its session, such as by a restart."""
        self.session.close()

    def _commit_without_answer(self, is_running: Callable[[], bool]) -> None:
        """Commit, and let PostgreSQL wait for a standby that does not exist, before it answers."""
        execute("ALTER SYSTEM SET synchronous_standby_names = 'none'")
        execute("SELECT pg_reload_conf()")
        while is_running() and execute("SHOW synchronous_standby_names") != [("none",)]:
            pass
        execute("CHECKPOINT")  # whose process decides whether commits wait, and reads the settings before
        self.release()
        while is_running() and not self._waits("SyncRep"):
            pass

    def _waits(self, event: str) -> bool:
        sql = "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = %s AND wait_event = %s"
        return bool(execute(sql, database_of(self.lake), event)[0][0])


@contextmanager
def held_commit(lake: LakeAddress, moment: Moment, snapshot: int) -> Iterator[HeldCommit]:
    """Hold the first commit from this snapshot's number on; at the end of the block, let it continue and finish."""
    import psycopg2  # noqa: PLC0415 - only a lake needs it

    name, table = database_of(lake), f"{lake.schema}.ducklake_snapshot"
    execute(_FUNCTION.format(snapshot=snapshot, key=_KEY), dbname=name)
    execute(_TRIGGERS["before" if moment == "before" else "COMMIT"].format(table=table), dbname=name)
    with closing(psycopg2.connect(postgres(), dbname=name, application_name=_TESTS)) as session:
        session.autocommit = True
        with session.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [_KEY])
        held = HeldCommit(lake, moment, session)
        try:
            yield held
        finally:
            held.release()
            execute("ALTER SYSTEM RESET synchronous_standby_names")
            execute("SELECT pg_reload_conf()")
            # It waits for the transaction that was held, so that nothing of it happens after this block.
            execute(f"DROP TRIGGER hold_commit ON {table}", dbname=name)


def end_sessions(lake: LakeAddress) -> int:
    """End all sessions of PostgreSQL in a lake's database, apart from those of tests; returns their number."""
    ended = execute(
        "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity"
        " WHERE datname = %s AND backend_type = 'client backend' AND application_name <> %s",
        database_of(lake),
        _TESTS,
    )
    return len(ended)
