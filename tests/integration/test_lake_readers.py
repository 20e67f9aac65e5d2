"""Readers of lakes see one transaction as a whole, while cells are written and kept small."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pipelines.lake_address import LakeCells
from tests.concurrent_lake_readers import CELLS, read_cells_while_writing
from tests.lakes import lake_at, postgres


@pytest.mark.parametrize("reads", [15, pytest.param(1000, marks=pytest.mark.slow)])
def test_each_read_sees_one_state(reads: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No read mixes transactions, and none sees an older one than the read before it."""
    postgres()

    done = read_cells_while_writing(LakeCells(lake_at(tmp_path / "w.duckdb"), CELLS), reads)

    with capsys.disabled():
        sys.stdout.write(f"{done}\n")
    assert done.wrong == []
    assert done.reads.total() >= reads
    assert min(done.commits.values()) > 1
