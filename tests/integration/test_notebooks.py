"""Each notebook runs without errors and is stored without output."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.sandbox import Sandbox
from tests.command_line import ROOT
from tests.integration.syncing import Syncing
from tests.moments import NOW

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FEEDS = "catalog.trade_items,orders.sales_orders,organizations.organizations"


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with the feeds that the notebooks read, and with an order that changed."""
    path = tmp_path_factory.mktemp("notebooks") / "w.duckdb"
    with Sandbox(now=NOW, scale=0.02) as sandbox:
        syncing, orders = Syncing(sandbox, path), sandbox.book("orders.sales_orders")
        syncing.sync(full=False, FLORIDAY_FEEDS=FEEDS)
        order = orders.entries()[0].document
        orders.put({**order, "numberOfPieces": order["numberOfPieces"] + 1})
        syncing.sync(FLORIDAY_FEEDS=FEEDS)
    return path


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    """Return the code cells of a notebook."""
    document = json.loads(notebook.read_text(encoding="utf-8"))
    assert document["nbformat"] == 4
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


def run_cell(cell: dict[str, Any], namespace: dict[str, Any]) -> Any:
    """Run a cell as a kernel does; return the value of its last line, or None if that is no expression."""
    tree = ast.parse("".join(cell["source"]))
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, cell["id"], "exec"), namespace)  # noqa: S102 - the notebook is part of the project
    if last is None:
        return None
    assert isinstance(last, ast.Expr)
    return eval(compile(ast.Expression(last.value), cell["id"], "eval"), namespace)  # noqa: S307 - as above


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(notebook: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All cells of a notebook run in order, and each table that it shows has rows."""
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(warehouse))
    monkeypatch.chdir(notebook.parent)
    namespace: dict[str, Any] = {}

    values = [run_cell(cell, namespace) for cell in code_cells(notebook)]

    tables = [value for value in values if isinstance(value, pd.DataFrame)]
    assert tables
    assert all(len(table) for table in tables)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_has_no_output(notebook: Path) -> None:
    """A notebook is stored without outputs and execution counts."""
    assert [cell["id"] for cell in code_cells(notebook) if cell["outputs"] or cell["execution_count"]] == []
