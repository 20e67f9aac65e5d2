"""A terminal receives no control characters of others, and a pipe receives the exact bytes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from pipelines.cli.console import VisibleStream, visible
from pipelines.cli.entry import run
from tests.command_line import run_on_terminal
from tests.examples import cases
from tests.thing_warehouse import ThingWarehouse, word

CONTROL_CHARACTERS = "\x1b]0;title\x07 \x1b[2J \x9b31m \x7f \x00 \u202e \u2028".replace("\x00", "\x01")
VALUE = "SELECT " + " || ".join(f"chr({ord(letter)})" for letter in CONTROL_CHARACTERS) + " AS v"
FORBIDDEN = {*map(chr, range(32)), "\x7f", *map(chr, range(0x80, 0xA0)), "\u202e", "\u2028"} - {"\n", "\t"}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with one record."""
    things = ThingWarehouse(tmp_path_factory.mktemp("terminal") / "w.duckdb").create()
    things.store(word("one", 1))
    return things.path


@cases("style", ["csv", "json", "table"], quick=1)
@pytest.mark.parametrize(
    "sql",
    [
        VALUE,
        f"EXPLAIN {VALUE}",
        f'SELECT 1 AS "{CONTROL_CHARACTERS}"',
        f"EXPLAIN SELECT '{CONTROL_CHARACTERS}' FROM things.things",
    ],
)
def test_a_terminal_receives_no_control_characters(sql: str, style: str, warehouse: Path) -> None:
    """On a terminal, values, column names and plans contain no control characters in any format."""
    printed = run_on_terminal(
        "query", sql, "--format", style, columns=80, FLORIDAY_WAREHOUSE=str(warehouse), NO_COLOR="1", TERM="dumb"
    )

    assert printed.strip()
    assert FORBIDDEN & set(printed) == set()


def test_json_on_a_terminal_is_still_json(warehouse: Path) -> None:
    """On a terminal, JSON stays valid with the control characters as JSON escapes."""
    printed = run_on_terminal("query", VALUE, "--format", "json", columns=80, FLORIDAY_WAREHOUSE=str(warehouse))

    assert json.loads(printed) == [{"v": CONTROL_CHARACTERS}]


def test_a_pipe_receives_the_exact_bytes(
    warehouse: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """In a pipe, values are written byte for byte."""
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(warehouse))

    assert run(["query", VALUE, "--format", "csv"]) == 0

    assert CONTROL_CHARACTERS.encode() in capfdbinary.readouterr().out


def test_characters_that_are_written_in_parts() -> None:
    """A character whose bytes are written one by one is shown as one character."""
    sink = io.BytesIO()
    stream = VisibleStream(sink)

    for byte in "ë\x9b€".encode():
        stream.write(bytes([byte]))

    assert sink.getvalue().decode() == "ë\\u009b€"


def test_ordinary_text_is_unchanged() -> None:
    """Letters of all scripts, emoji, no-break spaces, tabs and line feeds are shown unchanged."""
    text = "Kalanchoë 12 cm\t玫瑰\u00a0👩‍🌾\n"

    assert visible(text) == text
