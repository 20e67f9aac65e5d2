"""In a CSV file, no text becomes a formula of a spreadsheet, at whichever separator it splits a line."""

from __future__ import annotations

import csv
import io
import re

import duckdb
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.cli.formats.comma_separated import write_csv
from pipelines.warehouse.read.query import run_query
from pipelines.warehouse.read.query_types import Column, Result

SIGNS = "=+-@＝＋－＠"  # noqa: RUF001 - spreadsheets read the full-width forms alike
SEPARATORS = ";,\t"

INVISIBLE = "\ufeff\u200b\x00\x0b\x7f"

hostile = st.text(alphabet=st.sampled_from([*SIGNS, *SEPARATORS, *INVISIBLE, *"\r\n\"' x1"]), max_size=12)


def csv_of(*columns: tuple[str, pa.Array]) -> str:
    """The CSV of some columns, as ``floriday query --format csv`` writes it."""
    batch = pa.RecordBatch.from_arrays([array for _, array in columns], names=[name for name, _ in columns])
    stream = io.BytesIO()
    write_csv(Result(tuple(Column(name, "") for name, _ in columns), batch.schema, iter([batch])), stream)
    return stream.getvalue().decode()


def cells(text: str, separator: str) -> list[str]:
    """All cells that a spreadsheet can see with this separator, with and without quotes."""
    quoted = [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) for cell in row]
    split = re.split(f"[{separator}\r\n]", text)
    return [cell.translate(dict.fromkeys(map(ord, f'{INVISIBLE}"'))) for cell in (*quoted, *split)]


@given(hostile, hostile)
@example("x;=1+1", "")
@example('x;"=1+1', "")
@example("x\n＝1+1", "")  # noqa: RUF001
@example("a,@SUM(1)", '"=1')
@example("\ufeff=1+1", "\x00=1+1")
@example("", ";\x7f=1+1")
def test_no_cell_begins_like_a_formula(first: str, second: str) -> None:
    """Texts in values, lists, structs and headers never begin like a formula, with any separator."""
    text = csv_of(
        (first, pa.array([second], pa.string())),
        ("list", pa.array([[first, second]], pa.list_(pa.string()))),
        ("struct", pa.array([{"a": first}])),
        ("enum", pa.array([second]).dictionary_encode()),
    )

    for separator in ";\t":
        assert [cell for cell in cells(text, separator) if cell.startswith(tuple(SIGNS))] == []
    row = next(csv.reader(io.StringIO(text, newline="")))
    assert not row[0].lstrip(INVISIBLE).startswith(tuple(SIGNS))


def test_numbers_stay_numbers() -> None:
    """Negative numbers are written unchanged, also within lists."""
    connection = duckdb.connect()
    stream = io.BytesIO()
    write_csv(
        run_query(connection, "SELECT -1 AS n, [1, -2] AS list, -0.5::DECIMAL(4, 2) AS d, INTERVAL '-1 day' AS i"),
        stream,
    )

    assert stream.getvalue().decode().splitlines()[1] == '-1,"[1,-2]",-0.50,P0M-1DT0S'


@pytest.mark.parametrize("text", ["Rosa - 'Red Naomi'", "Kalanchoë; 12 cm", "a = b", "10-20 cm", "mail@example.com"])
def test_ordinary_text_is_unchanged(text: str) -> None:
    """A sign within a word or after a space is written unchanged."""
    assert list(csv.reader(io.StringIO(csv_of(("v", pa.array([text]))))))[1] == [text]
