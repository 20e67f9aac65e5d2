"""Either version of DuckDB continues what the other one wrote, and older versions read it.

``make test-second`` installs the other versions in folders of their own and runs this file.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from pipelines.sandbox import Sandbox
from tests.command_line import ROOT, floriday
from tests.integration.syncing import Syncing
from tests.moments import NOW

OTHERS = os.environ.get("OTHER_DUCKDBS", "")
"""A folder with one folder of packages for each other version of DuckDB, such as ``1.5``."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not OTHERS, reason="needs other versions of DuckDB: make test-second installs them"),
]

FEEDS = ("catalog.trade_items", "orders.sales_orders", "organizations.organizations", "supply.batches")
READ = """
import hashlib, json, sys
import duckdb

with duckdb.connect(sys.argv[1], read_only=True) as connection:
    connection.execute("SET TimeZone = 'UTC'")
    names = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables()"
        " UNION ALL SELECT schema_name, view_name FROM duckdb_views()"
        " WHERE NOT internal AND view_name <> 'sync_health' ORDER BY ALL"
    ).fetchall()
    found = {"version": duckdb.__version__}
    for schema, name in names:
        texts = connection.execute(f'SELECT CAST(COLUMNS(*) AS VARCHAR) FROM "{schema}"."{name}"')
        rows = sorted(map(repr, texts.fetchall()))
        found[f"{schema}.{name}"] = [len(rows), hashlib.sha256("".join(rows).encode()).hexdigest()]
    as_of = connection.execute("SELECT count(*) FROM history.sales_orders_as_of(now())").fetchall()
    ranking = connection.execute("FROM reports.customer_ranking(from_date := DATE '2000-01-01')").fetchall()
    print(json.dumps({**found, "as_of": as_of, "ranking": repr(ranking)}))
"""


@dataclass(frozen=True)
class Version:
    """A version of DuckDB with which commands are run.

    Args:
        folder: name of its folder in OTHERS; empty for the version of this process.
        number: how its number begins.
    """

    folder: str
    number: str

    @property
    def path(self) -> str:
        """Python's search path with this version before all others."""
        return os.pathsep.join([*([str(Path(OTHERS) / self.folder)] if self.folder else []), str(ROOT)])

    def run(self, *arguments: str, folder: Path, **settings: str) -> None:
        """Run a command, which must succeed."""
        finished = floriday(*arguments, folder=folder, **{**settings, "PYTHONPATH": self.path})
        assert finished.code == 0, finished.err

    def content(self, warehouse: Path) -> dict[str, object]:
        """Number and hash of the rows of each table and view, as read by this version."""
        finished = subprocess.run(
            [sys.executable, "-c", READ, str(warehouse)],
            env={**os.environ, "PYTHONPATH": self.path},
            check=False,
            capture_output=True,
            text=True,
        )
        assert finished.returncode == 0, f"DuckDB {self.number}: {finished.stderr}"
        found: dict[str, object] = json.loads(finished.stdout)
        assert str(found.pop("version")).startswith(self.number)
        return found


INSTALLED = Version("", duckdb.__version__)
OLDER, OLDEST = Version("1.5", "1.5."), Version("1.4", "1.4.")


@pytest.mark.parametrize("first", [OLDER, INSTALLED], ids=["older first", "newer first"])
def test_a_warehouse_is_continued_by_another_version(first: Version, tmp_path: Path) -> None:
    """Two versions sync, compact, rename and rebuild one warehouse by turns; both and an older one read the same."""
    second = INSTALLED if first is OLDER else OLDER
    path, copy = tmp_path / "w.duckdb", tmp_path / "copy.duckdb"
    with Sandbox(accounts=("north", "south"), scale=0.05, now=NOW) as sandbox:
        keys = dict(sandbox.api_keys)
        settings = {
            **sandbox.environment(),
            "FLORIDAY_WAREHOUSE": str(path),
            "FLORIDAY_FEEDS": ",".join(FEEDS),
            "FLORIDAY_PUBLISHED": "off",
        }
        first.run("sync", folder=tmp_path, **settings)
        for version, commands in (
            (second, (("sync",), ("backup", str(copy)))),
            (first, (("sync",), ("compact",), ("rename", "south", "east"))),
            (second, (("sync",), ("rebuild", "sales_orders"), ("compact",))),
            (first, (("sync",),)),
        ):
            expect_same(path)
            sandbox.advance(dt.timedelta(days=2))
            for arguments in commands:
                if arguments[0] == "rename":
                    keys["east"] = keys.pop("south")
                    settings["FLORIDAY_API_KEYS"] = json.dumps(keys)
                version.run(*arguments, folder=tmp_path, **settings)

        expect_same(path)
        assert OLDEST.content(copy)["raw.sales_orders"] != OLDEST.content(path)["raw.sales_orders"]
        syncing = Syncing(sandbox, path)
        syncing.assert_equal(*FEEDS, account="north")
        assert len(syncing.rows("SELECT DISTINCT account FROM orders.sales_orders")) == 2


def expect_same(warehouse: Path) -> None:
    """Assert that all versions read the same from a file."""
    found = INSTALLED.content(warehouse)
    assert OLDER.content(warehouse) == found
    assert OLDEST.content(warehouse) == found
