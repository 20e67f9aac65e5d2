"""``floriday demo`` beside another one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipelines.warehouse.file.sync_lock import hold_sync_lock
from tests.command_line import Printed


@pytest.mark.parametrize(("api", "name"), [("suppliers", "demo.duckdb"), ("customers", "demo-customers.duckdb")])
def test_a_second_demo_is_refused(
    api: str, name: str, printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a demo runs, another one names it and leaves its warehouse alone, also between two syncs."""
    monkeypatch.chdir(tmp_path)
    warehouse = tmp_path / "data" / name
    with hold_sync_lock(warehouse.with_name(f"{name}.demo"), "floriday demo"):
        warehouse.write_bytes(b"the first demo's")

        code, out, err = printed("demo", "--api", api)

        assert (code, out) == (1, "")
        assert f"floriday demo, process {os.getpid()}, since" in err
        assert warehouse.read_bytes() == b"the first demo's"
