"""The notebooks: each runs from its first cell to its last, and holds no output."""

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
    """A warehouse of what the notebooks read, with an order that changed."""
    path = tmp_path_factory.mktemp("notebooks") / "w.duckdb"
    with Sandbox(now=NOW, scale=0.02) as sandbox:
        syncing, orders = Syncing(sandbox, path), sandbox.book("orders.sales_orders")
        syncing.sync(full=False, FLORIDAY_FEEDS=FEEDS)
        order = orders.entries()[0].document
        orders.put({**order, "numberOfPieces": order["numberOfPieces"] + 1})
        syncing.sync(FLORIDAY_FEEDS=FEEDS)
    return path


def cells(notebook: Path) -> list[dict[str, Any]]:
    """The cells of code."""
    read = json.loads(notebook.read_text(encoding="utf-8"))
    assert read["nbformat"] == 4
    return [cell for cell in read["cells"] if cell["cell_type"] == "code"]


def shown_by(cell: dict[str, Any], names: dict[str, Any]) -> Any:
    """Run a cell as a kernel does; returns the value of its last line, None where that is no expression."""
    tree = ast.parse("".join(cell["source"]))
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, cell["id"], "exec"), names)  # noqa: S102 - the notebook is ours
    if last is None:
        return None
    assert isinstance(last, ast.Expr)
    return eval(compile(ast.Expression(last.value), cell["id"], "eval"), names)  # noqa: S307 - the same


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs(notebook: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every cell, one after the other; each table that it shows has rows."""
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(warehouse))
    monkeypatch.chdir(notebook.parent)
    names: dict[str, Any] = {}

    shown = [shown_by(cell, names) for cell in cells(notebook)]

    tables = [value for value in shown if isinstance(value, pd.DataFrame)]
    assert tables
    assert all(len(table) for table in tables)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_holds_no_output(notebook: Path) -> None:
    """What somebody saw when running it stays with them."""
    assert [cell["id"] for cell in cells(notebook) if cell["outputs"] or cell["execution_count"]] == []
