"""A query plan is drawn in parts on a terminal that is narrower."""

from __future__ import annotations

import duckdb
import pytest

from pipelines.cli.formats.plan_drawing import parts_of

TABLES = "abcdef"


@pytest.fixture(scope="module")
def drawing() -> list[str]:
    """The plan of a query of six tables, as the installed DuckDB draws it."""
    with duckdb.connect() as connection:
        for table in TABLES:
            connection.execute(f"CREATE TABLE table_{table} AS SELECT range AS x FROM range(3)")
        joined = " JOIN ".join(f"table_{table} USING (x)" for table in TABLES[1:])
        ((_, text),) = connection.execute(f"EXPLAIN SELECT * FROM table_a JOIN {joined}").fetchall()
    return str(text).splitlines()


@pytest.mark.parametrize("width", [40, 60, 90, 200])
def test_each_box_is_whole_in_one_part(drawing: list[str], width: int) -> None:
    """No part is wider than the terminal, and each box is whole in exactly one of them."""
    parts = list(parts_of(drawing, width))
    text = "\n".join(line for part in parts for line in part)

    assert all(len(line) <= width for part in parts for line in part)
    assert [text.count(f"table_{table}") for table in TABLES] == [1] * len(TABLES)
    for corners in ("┌╭", "└╰", "┘╯"):
        assert count(text, corners) == count("\n".join(drawing), corners)


def test_a_drawing_that_fits_is_unchanged(drawing: list[str]) -> None:
    """A wide terminal shows the drawing as it is."""
    (part,) = parts_of(drawing, 500)

    assert part == [line.rstrip() for line in drawing if line.strip()]


def test_a_box_that_is_wider_than_the_terminal_is_cut() -> None:
    """A box that no part can hold is continued in the next ones, and no letter is lost."""
    box = ["┌─────────┐┌──┐", "│a long one││xy│", "└─────────┘└──┘"]

    assert ["".join(lines) for lines in zip(*parts_of(box, 6), strict=True)][1].replace(" ", "") == "│alongone││xy│"


def count(text: str, letters: str) -> int:
    """Return how many letters of a text are among these."""
    return sum(map(text.count, letters))
