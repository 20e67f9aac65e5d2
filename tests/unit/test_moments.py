"""No test depends on the day on which it runs."""

from __future__ import annotations

import ast
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.cli.commands.demo import TIME_OF_TRADE
from pipelines.sandbox import Sandbox
from pipelines.sandbox.world.calendar import AMSTERDAM, start_of_trade
from tests.moments import DATED

TESTS = Path(__file__).parents[1]
CLOCK = re.compile(r"\b(datetime\.(now|today|utcnow)|date\.today)\(")

DIFFICULT = {
    "saturday": dt.datetime(2026, 11, 28, 12, tzinfo=AMSTERDAM),
    "sunday night": dt.datetime(2026, 11, 29, 23, 30, tzinfo=AMSTERDAM),
    "monday morning": dt.datetime(2026, 11, 30, 8, 59, tzinfo=AMSTERDAM),
    "end of a year": dt.datetime(2026, 12, 31, 23, 40, tzinfo=AMSTERDAM),
    "start of a year": dt.datetime(2027, 1, 2, 0, 20, tzinfo=AMSTERDAM),
    "clocks go forward": dt.datetime(2027, 3, 28, 1, 59, tzinfo=AMSTERDAM),
    "clocks go back": dt.datetime(2027, 10, 31, 2, 30, tzinfo=AMSTERDAM),
    "leap day": dt.datetime(2028, 2, 29, 12, tzinfo=AMSTERDAM),
}


def sources() -> Iterator[tuple[str, str]]:
    """Yield path and text of each module of the tests, except the one that defines the times."""
    for path in TESTS.rglob("*.py"):
        if path != TESTS / "moments.py":
            yield path.relative_to(TESTS).as_posix(), path.read_text(encoding="utf-8")


def sandbox_calls() -> Iterator[tuple[str, dict[str | None, str]]]:
    """Yield the place and the named arguments of every call that makes a sandbox."""
    for path, text in sources():
        for node in ast.walk(ast.parse(text)) if "Sandbox(" in text else ():
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Sandbox":
                yield f"{path}:{node.lineno}", {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}


def test_the_real_clock_is_read_in_one_place() -> None:
    """Only `tests.moments.real_now` reads the real date."""
    assert [path for path, text in sources() if CLOCK.search(text)] == []


def test_each_sandbox_has_a_fixed_start() -> None:
    """Every sandbox of a test is either empty or has a fixed start."""
    calls = list(sandbox_calls())

    assert len(calls) > 20
    assert [place for place, arguments in calls if "now" not in arguments and arguments.get("empty") != "True"] == []


def test_dated_modules_exist() -> None:
    """The modules that `make test-dates` runs exist."""
    assert [name for name in DATED if not (TESTS.parent / name.partition("::")[0]).exists()] == []


@pytest.mark.parametrize("today", DIFFICULT.values(), ids=DIFFICULT)
def test_the_demo_starts_on_a_working_day(today: dt.datetime) -> None:
    """The demo's next day is a working day too, and both of its syncs are within the last five days."""
    start = start_of_trade(today)

    assert start.astimezone(AMSTERDAM).hour == 9
    assert start.astimezone(AMSTERDAM).weekday() in range(4)
    assert start + TIME_OF_TRADE <= today
    assert today - start <= dt.timedelta(days=5)


def test_the_demo_shows_trade_at_a_weekend() -> None:
    """In a demo on a Saturday, new orders arrive between the two syncs as on a working day."""
    sandbox = Sandbox(now=start_of_trade(DIFFICULT["saturday"]), scale=0.1)
    before = len(sandbox.truth("sales_orders"))

    sandbox.advance(TIME_OF_TRADE)

    assert len(sandbox.truth("sales_orders")) - before >= 5
