"""Values of a query as an assistant gets them: strict JSON, nothing rounded, and a short table of one line a row."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import PipelineError
from pipelines.mcp_server.limits import MOST_CHARACTERS
from pipelines.mcp_server.results import Rows, read_rows, short_table
from pipelines.warehouse.read.query import run_query

EXACT = 2**53
TYPES = [name for name, *_ in duckdb.connect().execute("DESCRIBE FROM test_all_types()").fetchall()]

REFUSED = {
    *("uhugeint", "bignum", "time_tz", "bit", "union"),  # Arrow has no such type
    *("date", "timestamp", "timestamp_s", "timestamp_ms", "timestamp_tz"),  # with years that Arrow cannot write
    *("date_array", "timestamp_array", "timestamptz_array"),  # with infinity
}
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | TEXT


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database."""
    with duckdb.connect() as connection:
        yield connection


def rows_of(database: duckdb.DuckDBPyConnection, sql: str, **params: object) -> Rows:
    """The first ten rows of a query."""
    return read_rows(run_query(database, sql, params), 10)


@pytest.mark.parametrize("column", TYPES)
def test_every_type(database: duckdb.DuckDBPyConnection, column: str) -> None:
    """Each type of DuckDB is strict JSON, or refused in one line that says what to do."""
    sql = f'SELECT "{column}" FROM test_all_types()'
    if column in REFUSED:
        with pytest.raises(PipelineError, match=r"CAST it AS VARCHAR$"):
            rows_of(database, sql)
        return

    rows = rows_of(database, sql)

    assert json.loads(json.dumps(rows.model_dump(mode="json"), allow_nan=False))["row_count"] == len(rows.rows)
    assert len(short_table(rows).splitlines()) == 3 + len(rows.rows)


@given(value=VALUES)
def test_values_are_exact(database: duckdb.DuckDBPyConnection, value: Any) -> None:
    """A number is the same number, or the text of it where JSON readers would round it; text is unchanged."""
    ((found,),) = rows_of(database, "SELECT $value", value=value).rows

    json.dumps(found, allow_nan=False)
    if isinstance(found, str) and isinstance(value, (int, float)):
        assert abs(value) > EXACT or value != value or abs(value) == float("inf")  # noqa: PLR0124 - NaN
        assert found == str(value)
    elif isinstance(value, str) and len(value) > MOST_CHARACTERS:
        assert found.startswith(value[:MOST_CHARACTERS])
    else:
        assert found == value


@given(texts=st.lists(TEXT, min_size=1, max_size=5))
def test_a_row_is_one_line(database: duckdb.DuckDBPyConnection, texts: list[str]) -> None:
    """Whatever a text contains, a row of the table is one line with as many cells as there are columns."""
    rows = rows_of(database, "SELECT unnest($texts) AS a, 'x' AS b", texts=texts)

    lines = short_table(rows).split("\n")
    assert len(lines) == 3 + len(texts)
    assert all(line.replace("\\|", "").count("|") == 3 for line in lines[:-1])
