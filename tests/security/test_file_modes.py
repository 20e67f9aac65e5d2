"""Every file and folder that the project creates is private, whatever the umask."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.orchestration.assets.partitions import week_of
from pipelines.private_files import _Blocks, private_files
from pipelines.sandbox import Sandbox
from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.file.reused_connection import ReusingWarehouse
from tests.command_line import process_environment
from tests.end_to_end.dagster_dev import project_folder
from tests.examples import cases
from tests.integration.personal_orders import HASH, sandbox_with_people
from tests.moments import real_now
from tests.several_commands import several_commands

COMMANDS = (
    ["sync"],
    ["sync", "--full", "--dry-run"],
    ["status"],
    ["check"],
    ["report", "--all", "--output", "reports.xlsx"],
    ["report", "revenue_by_week", "--output", "report.csv"],
    ["query", "FROM orders.sales_orders", "--output", "orders.parquet"],
    ["rejected", "--export", "rejected.jsonl"],
    ["rejected", "--retry"],
    ["export", "shared/exported", "--raw"],
    ["backup", "backups/nightly/b.duckdb"],
    ["dashboard"],
    ["dashboard", "--output", "pages/d.html"],
    ["rebuild", "sales_orders"],
    ["compact"],
)
ASSET = "orders/sales_orders"
WRITTEN = {
    *("data/w.duckdb", "data/w.published.duckdb", "data/w.duckdb.lock", "data/dashboard.html", "pages/d.html"),
    *("reports.xlsx", "report.csv", "orders.parquet", "rejected.jsonl", "backups/nightly/b.duckdb"),
    *("shared/exported/orders/sales_orders.parquet", "shared/exported/export.json"),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """A few orders, two of which cannot be stored."""
    with sandbox_with_people() as sandbox:
        yield sandbox


@pytest.fixture
def umask() -> Iterator[None]:
    """Set a umask with which new files are readable by others."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def settings(sandbox: Sandbox) -> dict[str, str]:
    """The settings of a sync of one feed."""
    return {
        **sandbox.environment(),
        "FLORIDAY_WAREHOUSE": "data/w.duckdb",
        "FLORIDAY_FEEDS": "sales_orders",
        "FLORIDAY_PUBLISH_EVERY": "1s",
    }


def open_to_others(modes: dict[str, int]) -> dict[str, str]:
    """The paths that others than the owner can access, with their modes."""
    return {path: oct(mode) for path, mode in modes.items() if mode & 0o077}


@pytest.mark.slow
def test_every_command_makes_private_files_and_folders(sandbox: Sandbox, tmp_path: Path) -> None:
    """After each command, no file or folder below the working directory is accessible to others."""
    ended = several_commands(COMMANDS, tmp_path, 0o022, **settings(sandbox))
    ended += several_commands([["redact"]], tmp_path, 0o022, **settings(sandbox), **HASH)

    for command, (code, printed, modes) in zip((*COMMANDS, ["redact"]), ended, strict=True):
        assert code == 0, (command, printed)
        assert open_to_others(modes) == {}, command
        assert modes.keys() >= (WRITTEN if command == ["redact"] else set())


def test_a_sync_makes_private_files_and_folders(sandbox: Sandbox, tmp_path: Path) -> None:
    """After a sync and its dashboard, no file or folder below the working directory is accessible to others."""
    commands = [["sync"], ["dashboard", "--output", "pages/d.html"]]
    ended = several_commands(commands, tmp_path, 0o022, **settings(sandbox))

    for command, (code, printed, modes) in zip(commands, ended, strict=True):
        assert code == 0, (command, printed)
        assert open_to_others(modes) == {}, command
        assert "data/w.duckdb" in modes


@pytest.mark.slow
@pytest.mark.usefixtures("umask")
def test_dagster_makes_private_files_and_folders(sandbox: Sandbox, tmp_path: Path) -> None:
    """Dagster without `floriday up` creates a private history, private logs and a private warehouse."""
    folder = project_folder(tmp_path)
    (folder / "dagster.yaml").rename(folder / "home" / "dagster.yaml")
    existing = set(folder.rglob("*"))

    command = ["asset", "materialize", "-m", "pipelines.definitions", "--select", ASSET]
    ended = subprocess.run(
        [sys.executable, "-m", "dagster", *command, "--partition", week_of(real_now())],
        cwd=folder,
        env=process_environment(**settings(sandbox), DAGSTER_HOME=str(folder / "home")),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr[-2000:]
    created = {str(path.relative_to(folder)): path.lstat().st_mode & 0o777 for path in {*folder.rglob("*")} - existing}
    assert open_to_others(created) == {}
    assert {"data/w.duckdb", "data/dagster/history/runs/index.db"} <= created.keys()


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("kind", [Warehouse, ReusingWarehouse])
@cases("is_reader", [True, False], quick=1, ids=["reader", "writer"])
def test_spill_files_are_private(kind: type[Warehouse], is_reader: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a parameter
    """Spill files of readers and writers are private, also when the package is used as a library."""
    warehouse = kind(tmp_path / "w.duckdb")
    with warehouse.writing() as connection:
        connection.execute("CREATE TABLE t (a INTEGER)")

    with warehouse.reading() if is_reader else warehouse.writing() as connection:
        connection.execute("SET memory_limit = '30MB'")
        connection.execute("SET threads = 1")
        connection.execute("CREATE TEMP TABLE large AS SELECT md5(range::VARCHAR) AS text FROM range(1_500_000)")
        spilled = list((tmp_path / "w.duckdb.tmp").iterdir())
        modes = {path.name: path.stat().st_mode & 0o777 for path in (*spilled, tmp_path / "w.duckdb.tmp")}

    assert spilled
    assert open_to_others(modes) == {}
    wait_for_other_blocks()
    assert os.umask(0o022) == 0o022, "the umask is as it was"


def wait_for_other_blocks() -> None:
    """Wait until the idle connections of earlier tests are closed, which happens in threads of their own."""
    while _Blocks.open:
        time.sleep(0.01)


def test_overlapping_blocks_keep_the_umask() -> None:
    """Overlapping blocks keep the private umask until the last one ends, in any order."""
    wait_for_other_blocks()
    before = os.umask(0o022)
    try:
        first, second = private_files(), private_files()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert os.umask(0o077) == 0o077
        second.__exit__(None, None, None)
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)


def test_installation_makes_the_data_folder_private() -> None:
    """`make install` makes the data folder private."""
    recipe = (Path(__file__).parents[2] / "Makefile").read_text()

    assert "mkdir -p data/dagster && chmod 700 data data/dagster" in recipe
