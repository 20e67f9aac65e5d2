"""``make bench-check`` fails where something became slower than allowed."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def regressions(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of the check; benchmarks are scripts in a folder of their own."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return import_module("regressions")


def test_what_became_slower_is_named(regressions: ModuleType) -> None:
    """A ratio may exceed the stored one by a quarter; a piece of work without a stored ratio is named too."""
    stored = {"equal": 1.0, "noise": 1.0, "slower": 1.0, "faster": 1.0}
    found = {"equal": 1.0, "noise": 1.24, "slower": 1.26, "faster": 0.1, "new": 0.1}

    assert regressions.slower(stored, found) == ["slower", "new"]


def test_the_stored_ratios_are_positive() -> None:
    """A stored ratio of zero would let the check fail, and one without an end would let it pass, whatever happened."""
    stored = json.loads((BENCHMARKS / "baseline.json").read_text(encoding="utf-8"))

    assert len(stored) == 5
    assert all(0.1 < ratio < 20 for ratio in stored.values())
