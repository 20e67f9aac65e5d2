"""Results as CSV, JSON, Parquet, Excel files and tables: exact, and harmless."""

from __future__ import annotations

import csv
import io
import json
import re
import uuid
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli.console import ROWS_FOR_WIDTHS, Heading, write_plain
from pipelines.cli.formats import comma_separated, json_array, parquet, table, workbook
from pipelines.errors import PipelineError, UsageError
from pipelines.warehouse.read.query import run_query
from pipelines.warehouse.read.query_types import Result

UUID = "0b7a1c52-7c1f-4a54-9a8e-5d3f5a1b2c3d"

TEXT = st.text(alphabet=st.characters(exclude_categories=("C", "Z"), include_characters=" \t\r\n"))

Writer = Callable[[Result, BinaryIO], None]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """DuckDB, as a reading command opens it."""
    connection = duckdb.connect(config={"enable_external_access": "false"})
    connection.execute("SET TimeZone = 'UTC'")
    yield connection
    connection.close()


def written(connection: duckdb.DuckDBPyConnection, writer: Writer, sql: str, **values: object) -> bytes:
    """What a writer makes of a query's answer."""
    stream = io.BytesIO()
    writer(run_query(connection, sql, values), stream)
    return stream.getvalue()


class TestCsv:
    """A header, line feeds, NULL as nothing, UTC."""

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("NULL::INTEGER", ""),
            ("''", '""'),
            ("12::HUGEINT", "12"),
            ("1234.5::DECIMAL(18,6)", "1234.500000"),
            ("-0.000001::DECIMAL(18,6)", "-0.000001"),
            ("0.1::DOUBLE", "0.1"),
            ("true", "true"),
            (f"'{UUID}'::UUID", UUID),
            ("TIMESTAMPTZ '2026-07-30 14:00:00+02'", "2026-07-30T12:00:00Z"),
            ("TIMESTAMPTZ '2026-07-30 12:00:00.120000Z'", "2026-07-30T12:00:00.120000Z"),
            ("TIMESTAMP '2026-07-30 12:00:00'", "2026-07-30T12:00:00"),
            ("TIMESTAMPTZ 'infinity'", "infinity"),
            ("DATE '2026-07-30'", "2026-07-30"),
            ("DATE '10000-01-01'", "10000-01-01"),
            ("TIME '12:30:00'", "12:30:00"),
            ("INTERVAL '1 month 2 days 3.5 seconds'", "P1M2DT3.5S"),
            ("'\\xAB\\x01'::BLOB", "ab01"),
            ("'a'::ENUM ('a', 'b')", "a"),
            ("['x', NULL]", '"[""x"",null]"'),
            ("{'n': 1.50::DECIMAL(4,2)}", '"{""n"":1.50}"'),
            ("'a,b'", '"a,b"'),
            ("'say \"ja\"'", '"say ""ja"""'),
            ("'two' || chr(10) || 'lines'", '"two\nlines"'),
            ("' kept '", '" kept "'),
            ("'Kalanchoë – 12 cm'", "Kalanchoë – 12 cm"),
        ],
    )
    def test_values(self, connection: duckdb.DuckDBPyConnection, value: str, text: str) -> None:
        """Every type has one exact text."""
        assert written(connection, comma_separated.write_csv, f"SELECT {value} AS v").decode() == f"v\n{text}\n"

    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\tx", "\rx"])
    def test_formulas_are_harmless(self, connection: duckdb.DuckDBPyConnection, text: str) -> None:
        """Text that a spreadsheet would take for a formula begins with an apostrophe, in the header too."""
        made = written(connection, comma_separated.write_csv, 'SELECT $text AS "=v", -1 AS n', text=text)

        header, row = csv.reader(io.StringIO(made.decode(), newline=""))
        assert header == ["'=v", "n"]
        assert row == ["'" + text, "-1"]

    def test_without_rows_there_is_a_header(self, connection: duckdb.DuckDBPyConnection) -> None:
        """An empty answer is still CSV."""
        assert written(connection, comma_separated.write_csv, "SELECT 1 AS a, 2 AS b WHERE false") == b"a,b\n"

    def test_null_and_empty_text_differ(self, connection: duckdb.DuckDBPyConnection) -> None:
        """NULL is nothing, empty text is a pair of quotes, also in a single column."""
        made = written(connection, comma_separated.write_csv, "SELECT unnest([NULL, '']) AS v")

        assert made == b'v\n\n""\n'

    @given(st.lists(st.tuples(st.none() | TEXT, st.none() | TEXT), max_size=20))
    def test_text_survives(self, rows: list[tuple[str | None, str | None]]) -> None:
        """Any text can be read again by any reader of CSV, but for what was made harmless."""
        tidy = [
            tuple(text and text.encode("utf-8", "replace").decode().replace("\x00", "") for text in row) for row in rows
        ]
        schema = pa.schema([("a", pa.string()), ("b", pa.string())])
        batch = pa.RecordBatch.from_pylist([dict(zip("ab", row, strict=True)) for row in tidy], schema=schema)
        with duckdb.connect() as database:
            columns = run_query(database, "SELECT '' AS a, '' AS b").columns
        stream = io.BytesIO()

        comma_separated.write_csv(Result(columns, schema, iter([batch])), stream)

        _, *read = csv.reader(io.StringIO(stream.getvalue().decode(), newline=""))
        expected = [[_harmless(text) for text in row] for row in tidy]
        assert read == expected


def _harmless(text: str | None) -> str:
    begun = re.sub(r"\A([\t\r\n])", r"'\1", text or "")
    return re.sub(r'(\A *|[;,\t\r\n])("*)([=+\-@\uff1d\uff0b\uff0d\uff20])', r"\1\2'\3", begun)


class TestJson:
    """An array of objects whose numbers keep their digits."""

    def test_values(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Each type as JSON has it."""
        sql = f"""
            SELECT 12345678901234.500000::DECIMAL(20,6) AS d, '{UUID}'::UUID AS u, NULL AS n, [1.10::DECIMAL(4,2)] AS l,
                TIMESTAMPTZ '2026-07-30 14:00:00+02' AS t, 'ab'::BLOB AS b, {{'x': 'y'::BLOB}} AS s,
                sum(5) AS h, DATE 'infinity' AS i, 'nan'::DOUBLE AS f
        """

        text = written(connection, json_array.write_json, sql).decode()

        assert '"d":12345678901234.500000' in text
        assert json.loads(text, parse_float=Decimal) == [
            {
                "d": Decimal("12345678901234.500000"),
                "u": UUID,
                "n": None,
                "l": [Decimal("1.10")],
                "t": "2026-07-30T12:00:00Z",
                "b": "6162",
                "s": {"x": "79"},
                "h": 5,
                "i": "infinity",
                "f": None,
            }
        ]

    @pytest.mark.parametrize("rows", [0, 1, 2, 25_000])
    def test_rows(self, connection: duckdb.DuckDBPyConnection, rows: int) -> None:
        """However many rows there are, it is one array."""
        made = written(connection, json_array.write_json, f"SELECT i FROM range({rows}) AS t (i)")

        assert json.loads(made) == [{"i": number} for number in range(rows)]

    def test_columns_of_one_name_are_numbered(self, connection: duckdb.DuckDBPyConnection) -> None:
        """No value is lost to another of the same name."""
        made = written(connection, json_array.write_json, "SELECT 1 AS a, 2 AS a, 3 AS A")

        assert json.loads(made) == [{"a": 1, "a_1": 2, "A_2": 3}]

    def test_what_json_cannot_show_is_told(self, connection: duckdb.DuckDBPyConnection) -> None:
        """A moment beyond the calendar within a list ends in a line that names the column."""
        with pytest.raises(PipelineError, match="column moments holds a time"):
            written(connection, json_array.write_json, "SELECT [TIMESTAMP 'infinity'] AS moments")


class TestParquet:
    """The types of the warehouse."""

    def test_types_are_kept(self, connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        """What DuckDB reads from the file has the types and values that it was asked for."""
        sql = f"""
            SELECT '{UUID}'::UUID AS u, ['{UUID}'::UUID, NULL] AS l, NULL::UUID[] AS nl, 1.5::DECIMAL(18,6) AS d,
                TIMESTAMPTZ '2026-07-30 12:00:00Z' AS t, DATE '2026-07-30' AS day, 'a'::ENUM ('a') AS e, ['x'] AS texts,
                1::INTEGER AS i, 2::BIGINT AS b, true AS yes, 'ab'::BLOB AS bytes
            UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
        """
        path = tmp_path / "result.parquet"
        path.write_bytes(written(connection, parquet.write_parquet, sql))

        with duckdb.connect() as database:
            database.execute("SET TimeZone = 'UTC'")
            asked, read = database.execute(sql), database.cursor().execute("SET TimeZone = 'UTC'")
            found = read.execute("SELECT * FROM read_parquet(?)", [str(path)])
            kinds = {name: str(kind) for name, kind, *_ in found.description or ()}
            assert found.fetchall() == asked.fetchall()
        assert " ".join(f"{name}={kind}" for name, kind in kinds.items()) == (
            "u=UUID l=UUID[] nl=UUID[] d=DECIMAL(18,6) t=TIMESTAMP WITH TIME ZONE day=DATE e=VARCHAR texts=VARCHAR[]"
            " i=INTEGER b=BIGINT yes=BOOLEAN bytes=BLOB"
        )

    def test_columns_of_one_name_are_numbered(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Readers that know columns by their names find all of them."""
        made = written(connection, parquet.write_parquet, "SELECT 1 AS a, 2 AS a")

        assert pq.read_table(io.BytesIO(made)).to_pydict() == {"a": [1], "a_1": [2]}

    def test_an_empty_answer_has_its_types(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Without rows the columns are there all the same."""
        made = written(connection, parquet.write_parquet, "SELECT uuid() AS u, INTERVAL 1 DAY AS i WHERE false")

        assert [str(kind) for kind in pq.read_schema(io.BytesIO(made)).types] == ["extension<arrow.uuid>", "string"]


def sheet_of(made: bytes) -> str:
    """The first sheet of a workbook, as its XML says."""
    with zipfile.ZipFile(io.BytesIO(made)) as book:
        return book.read("xl/worksheets/sheet1.xml").decode()


def write_workbook(result: Result, stream: BinaryIO) -> None:
    """A workbook of one sheet."""
    workbook.write_xlsx([("result", result)], stream)


class TestXlsx:
    """Cells of their own types."""

    @pytest.mark.parametrize(
        ("value", "cell"),
        [
            ("1.5::DECIMAL(18,6)", "<v>1.5</v>"),
            ("true", 't="b"><v>1</v>'),
            ("5", "<v>5</v>"),
            ("DATE '2026-07-30'", "<v>46233</v>"),
            ("TIMESTAMPTZ '2026-07-30 14:00:00+02'", "<v>46233.5</v>"),
            ("'=1+1'", 't="inlineStr"><is><t>=1+1</t></is>'),
            ("123456789012345678", 't="inlineStr"><is><t>123456789012345678</t></is>'),
            ("DATE '1850-01-01'", 't="inlineStr"><is><t>1850-01-01</t></is>'),
            ("TIMESTAMPTZ 'infinity'", 't="inlineStr"><is><t>infinity</t></is>'),
            ("'nan'::DOUBLE", 't="inlineStr"><is><t>nan</t></is>'),
            ("['a']", 't="inlineStr"><is><t>["a"]</t></is>'),
        ],
    )
    def test_values(self, connection: duckdb.DuckDBPyConnection, value: str, cell: str) -> None:
        """Numbers, dates and moments are such; text, even one that looks like a formula, is text."""
        sheet = sheet_of(written(connection, write_workbook, f"SELECT {value} AS v"))

        assert cell in sheet
        assert "<f>" not in sheet

    def test_header_and_widths(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The header is frozen, and a column is as wide as what it holds."""
        sheet = sheet_of(written(connection, write_workbook, "SELECT repeat('x', 30) AS v"))

        assert "<t>v</t>" in sheet
        assert 'state="frozen"' in sheet
        assert 'width="32' in sheet

    def test_null_is_an_empty_cell(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Nothing is written for NULL."""
        sheet = sheet_of(written(connection, write_workbook, "SELECT NULL AS a, 1 AS b"))

        assert 'r="A2"' not in sheet
        assert 'r="B2"' in sheet

    def test_text_is_never_cut(self, connection: duckdb.DuckDBPyConnection) -> None:
        """What Excel would cut is refused, with what to do instead."""
        with pytest.raises(UsageError, match="32,767 characters and v holds 40,000: use csv"):
            written(connection, write_workbook, "SELECT repeat('x', 40000) AS v")

    def test_rows_are_never_cut(self, connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
        """More rows than a sheet takes are refused, too."""
        monkeypatch.setattr(workbook, "ROWS_PER_SHEET", 3)

        with pytest.raises(UsageError, match="takes 2 rows and there are more"):
            written(connection, write_workbook, "FROM range(3)")


class TestTable:
    """Plain columns, never cut."""

    def test_columns_are_aligned(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Numbers stand on the right and lose the zeros at their end but for two; NULL is blank."""
        sql = (
            "SELECT * FROM (VALUES ('a', 1.5::DECIMAL(18,6)), (NULL, 22.1234), ('long text', NULL)) AS t (name, price)"
        )

        assert written(connection, table.write_table, sql).decode().splitlines() == [
            "name         price",
            "a             1.50",
            "           22.1234",
            "long text",
        ]

    def test_control_characters_are_left_out(self, connection: duckdb.DuckDBPyConnection) -> None:
        """What came from elsewhere cannot steer a terminal, nor break a row."""
        made = written(connection, table.write_table, "SELECT chr(27) || '[2Jx' || chr(10) || 'y' AS v")

        assert made.decode().splitlines() == ["v", "[2Jx y"]

    def test_a_plan_keeps_its_lines(self, connection: duckdb.DuckDBPyConnection) -> None:
        """EXPLAIN answers with a drawing."""
        made = written(connection, table.write_table, "EXPLAIN SELECT 1")

        assert made.decode().startswith("┌────")

    def test_no_rows(self) -> None:
        """A table without rows is its header."""
        lines: list[str] = []

        write_plain([Heading("a"), Heading("b", is_number=True)], [], lines.append)

        assert lines == ["a  b"]


@pytest.mark.parametrize("kind", ["5::UHUGEINT", "'101'::BIT", "union_value(k := 2)", "['12:00:00+02'::TIMETZ]"])
def test_types_that_would_be_told_wrongly_are_refused(connection: duckdb.DuckDBPyConnection, kind: str) -> None:
    """A value is told rightly or not at all."""
    with pytest.raises(UsageError, match="which only DuckDB can show: CAST it AS VARCHAR"):
        written(connection, comma_separated.write_csv, f"SELECT {kind} AS v")


def test_rows_are_told_in_their_order(connection: duckdb.DuckDBPyConnection) -> None:
    """Batches follow each other as the query says."""
    made = written(connection, comma_separated.write_csv, "FROM range(30000) AS t (i) ORDER BY i DESC")

    assert made.decode().split() == ["i", *(str(number) for number in reversed(range(30000)))]


def test_uuids_are_python_uuids_again(connection: duckdb.DuckDBPyConnection) -> None:
    """What Arrow reads from a Parquet file are UUIDs, not text."""
    made = written(connection, parquet.write_parquet, f"SELECT '{UUID}'::UUID AS u")

    values: list[Any] = pq.read_table(io.BytesIO(made)).column("u").to_pylist()
    assert values == [uuid.UUID(UUID)]


@pytest.mark.parametrize(
    "writer",
    [comma_separated.write_csv, json_array.write_json, table.write_table, parquet.write_parquet, write_workbook],
)
@pytest.mark.parametrize("wrapped", ["{0}", "[{0}]", "{{'a': {0}}}"])
def test_every_type_is_shown_or_refused(connection: duckdb.DuckDBPyConnection, wrapped: str, writer: Writer) -> None:
    """Each value of each of DuckDB's types, alone, in a list and in a struct: exact, or refused in one line."""
    names = [row[0] for row in connection.execute("DESCRIBE FROM test_all_types()").fetchall()]
    all_rows = {name: refusal(connection, writer, wrapped.format(f'"{name}"')) for name in names}
    doubtful = [name for name, refused in all_rows.items() if refused]
    refusals = {
        (name, row): refusal(connection, writer, wrapped.format(f'"{name}"'), f"LIMIT 1 OFFSET {row}")
        for name, row in product(doubtful, range(3))
    }

    assert len(doubtful) < len(names) / 2
    assert [
        each for each in refusals.values() if each and "CAST it AS VARCHAR" not in each and "Excel" not in each
    ] == []


def refusal(connection: duckdb.DuckDBPyConnection, writer: Writer, value: str, rows: str = "") -> str | None:
    """Why values of ``test_all_types()`` are not written; None where they are."""
    try:
        made = written(connection, writer, f"SELECT {value} AS v FROM (FROM test_all_types() {rows})")
    except PipelineError as refused:
        return str(refused)
    assert b"value out of range" not in made
    return None


def test_a_table_of_any_length_is_written_row_by_row() -> None:
    """The first rows decide how wide the columns are; later ones are neither kept nor cut."""
    lines: list[str] = []
    rows = (["x" if number < ROWS_FOR_WIDTHS else "longer"] for number in range(ROWS_FOR_WIDTHS + 2))

    write_plain([Heading("v")], rows, lines.append)

    assert lines[:2] == ["v", "x"]
    assert lines[-2:] == ["longer", "longer"]
