"""Query results are written exactly and safely as CSV, JSON, Parquet, Excel files and tables."""

from __future__ import annotations

import csv
import io
import json
import re
import uuid
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from html import unescape
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli.console import ROWS_FOR_WIDTHS, write_plain
from pipelines.cli.formats import comma_separated, json_array, parquet, table, workbook
from pipelines.cli.terminal.layout import Heading
from pipelines.errors import PipelineError, UsageError
from pipelines.warehouse.read.query import run_query
from pipelines.warehouse.read.query_types import Result

UUID = "0b7a1c52-7c1f-4a54-9a8e-5d3f5a1b2c3d"

TEXT = st.text(alphabet=st.characters(exclude_categories=("C", "Z"), include_characters=" \t\r\n"))

Writer = Callable[[Result, BinaryIO], None]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to DuckDB as reading commands open it."""
    connection = duckdb.connect(config={"enable_external_access": "false"})
    connection.execute("SET TimeZone = 'UTC'")
    yield connection
    connection.close()


def written(connection: duckdb.DuckDBPyConnection, writer: Writer, sql: str, **values: object) -> bytes:
    """Return what a writer writes for the result of a query."""
    stream = io.BytesIO()
    writer(run_query(connection, sql, values), stream)
    return stream.getvalue()


class TestCsv:
    """CSV has a header, line feeds, UTC times, and nothing for NULL."""

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
        """Each type is written as one exact text."""
        assert written(connection, comma_separated.write_csv, f"SELECT {value} AS v").decode() == f"v\n{text}\n"

    @pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@A1", "\tx", "\rx"])
    def test_formulas_are_escaped(self, connection: duckdb.DuckDBPyConnection, text: str) -> None:
        """Text that a spreadsheet would read as a formula is preceded by an apostrophe, in the header too."""
        output = written(connection, comma_separated.write_csv, 'SELECT $text AS "=v", -1 AS n', text=text)

        header, row = csv.reader(io.StringIO(output.decode(), newline=""))
        assert header == ["'=v", "n"]
        assert row == ["'" + text, "-1"]

    def test_a_result_without_rows_has_a_header(self, connection: duckdb.DuckDBPyConnection) -> None:
        """A result without rows is written as its header."""
        assert written(connection, comma_separated.write_csv, "SELECT 1 AS a, 2 AS b WHERE false") == b"a,b\n"

    def test_null_and_empty_text_differ(self, connection: duckdb.DuckDBPyConnection) -> None:
        """NULL is written as nothing and empty text as two quotes, also in a single column."""
        output = written(connection, comma_separated.write_csv, "SELECT unnest([NULL, '']) AS v")

        assert output == b'v\n\n""\n'

    @given(st.lists(st.tuples(st.none() | TEXT, st.none() | TEXT), max_size=20))
    def test_text_is_read_back(self, rows: list[tuple[str | None, str | None]]) -> None:
        """Any CSV reader gets back the same text, apart from escaped formulas."""
        cleaned = [
            tuple(text and text.encode("utf-8", "replace").decode().replace("\x00", "") for text in row) for row in rows
        ]
        schema = pa.schema([("a", pa.string()), ("b", pa.string())])
        batch = pa.RecordBatch.from_pylist([dict(zip("ab", row, strict=True)) for row in cleaned], schema=schema)
        with duckdb.connect() as database:
            columns = run_query(database, "SELECT '' AS a, '' AS b").columns
        stream = io.BytesIO()

        comma_separated.write_csv(Result(columns, schema, iter([batch])), stream)

        _, *parsed = csv.reader(io.StringIO(stream.getvalue().decode(), newline=""))
        expected = [[_escaped(text) for text in row] for row in cleaned]
        assert parsed == expected


def _escaped(text: str | None) -> str:
    text = re.sub(r"\A([\t\r\n])", r"'\1", text or "")
    return re.sub(r'(\A *|[;,\t\r\n])("*)([=+\-@\uff1d\uff0b\uff0d\uff20])', r"\1\2'\3", text)


class TestJson:
    """JSON is an array of objects with exact numbers."""

    def test_values(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Each type is written as JSON, and decimals keep all digits."""
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
    def test_any_number_of_rows_is_one_array(self, connection: duckdb.DuckDBPyConnection, rows: int) -> None:
        """Any number of rows is written as one array."""
        output = written(connection, json_array.write_json, f"SELECT i FROM range({rows}) AS t (i)")

        assert json.loads(output) == [{"i": number} for number in range(rows)]

    def test_columns_of_one_name_are_numbered(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Columns with the same name get numbered keys."""
        output = written(connection, json_array.write_json, "SELECT 1 AS a, 2 AS a, 3 AS A")

        assert json.loads(output) == [{"a": 1, "a_1": 2, "A_2": 3}]

    def test_an_infinite_time_in_a_list_is_an_error(self, connection: duckdb.DuckDBPyConnection) -> None:
        """An infinite time within a list raises an error that names the column."""
        with pytest.raises(PipelineError, match="column moments holds a time"):
            written(connection, json_array.write_json, "SELECT [TIMESTAMP 'infinity'] AS moments")


class TestParquet:
    """Parquet files keep the types of the warehouse."""

    def test_types_are_kept(self, connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
        """DuckDB reads from the file the types and values of the query."""
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
            expected, cursor = database.execute(sql), database.cursor().execute("SET TimeZone = 'UTC'")
            found = cursor.execute("SELECT * FROM read_parquet(?)", [str(path)])
            kinds = {name: str(kind) for name, kind, *_ in found.description or ()}
            assert found.fetchall() == expected.fetchall()
        assert " ".join(f"{name}={kind}" for name, kind in kinds.items()) == (
            "u=UUID l=UUID[] nl=UUID[] d=DECIMAL(18,6) t=TIMESTAMP WITH TIME ZONE day=DATE e=VARCHAR texts=VARCHAR[]"
            " i=INTEGER b=BIGINT yes=BOOLEAN bytes=BLOB"
        )

    def test_columns_of_one_name_are_numbered(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Columns with the same name get numbered names."""
        output = written(connection, parquet.write_parquet, "SELECT 1 AS a, 2 AS a")

        assert pq.read_table(io.BytesIO(output)).to_pydict() == {"a": [1], "a_1": [2]}

    def test_a_result_without_rows_has_its_types(self, connection: duckdb.DuckDBPyConnection) -> None:
        """A result without rows is written with its columns and their types."""
        output = written(connection, parquet.write_parquet, "SELECT uuid() AS u, INTERVAL 1 DAY AS i WHERE false")

        assert [str(kind) for kind in pq.read_schema(io.BytesIO(output)).types] == ["extension<arrow.uuid>", "string"]


def sheet_xml(output: bytes) -> str:
    """Return the XML of a workbook's first sheet."""
    with zipfile.ZipFile(io.BytesIO(output)) as book:
        return book.read("xl/worksheets/sheet1.xml").decode()


def number_format(output: bytes, cell: str) -> str:
    """Return how a workbook shows the number in a cell of its first sheet."""
    with zipfile.ZipFile(io.BytesIO(output)) as book:
        styles = book.read("xl/styles.xml").decode()
    style = re.search(rf'<c r="{cell}" s="(\d+)"', sheet_xml(output))
    assert style is not None
    used = re.findall(r'<xf numFmtId="(\d+)"', styles.partition("<cellXfs")[2])[int(style[1])]
    code = re.search(rf'<numFmt numFmtId="{used}" formatCode="([^"]+)"', styles)
    assert code is not None
    return unescape(code[1])


def write_workbook(result: Result, stream: BinaryIO) -> None:
    """Write a workbook with one sheet."""
    workbook.write_xlsx([("result", result)], stream)


class TestXlsx:
    """Excel cells have types."""

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
        """Numbers, dates and times are cells of that type; text is text, even if it looks like a formula."""
        sheet = sheet_xml(written(connection, write_workbook, f"SELECT {value} AS v"))

        assert cell in sheet
        assert "<f>" not in sheet

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ("TIMESTAMPTZ '2026-07-30 14:00:00+02'", 'yyyy-mm-dd hh:mm:ss" UTC"'),
            ("TIMESTAMP '2026-07-30 12:00:00'", "yyyy-mm-dd hh:mm:ss"),
            ("DATE '2026-07-30'", "yyyy-mm-dd"),
        ],
    )
    def test_times_say_that_they_are_in_utc(
        self, connection: duckdb.DuckDBPyConnection, value: str, shown: str
    ) -> None:
        """A time with a zone is shown with UTC behind it, and remains a time; what has no zone is shown without."""
        output = written(connection, write_workbook, f"SELECT {value} AS v")

        assert number_format(output, "A2") == shown
        assert re.search(r'<c r="A2" s="\d+"><v>46233(\.5)?</v></c>', sheet_xml(output))

    def test_a_time_before_1900_is_text_with_utc(self, connection: duckdb.DuckDBPyConnection) -> None:
        """A time that Excel cannot store is text with UTC at its end."""
        output = written(connection, write_workbook, "SELECT TIMESTAMPTZ '1850-01-01 12:00:00+00' AS v")

        assert "<t>1850-01-01 12:00:00 UTC</t>" in sheet_xml(output)

    def test_header_and_widths(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The header is frozen, and a column is as wide as its content."""
        sheet = sheet_xml(written(connection, write_workbook, "SELECT repeat('x', 30) AS v"))

        assert "<t>v</t>" in sheet
        assert 'state="frozen"' in sheet
        assert 'width="32' in sheet

    def test_null_is_an_empty_cell(self, connection: duckdb.DuckDBPyConnection) -> None:
        """No cell is written for NULL."""
        sheet = sheet_xml(written(connection, write_workbook, "SELECT NULL AS a, 1 AS b"))

        assert 'r="A2"' not in sheet
        assert 'r="B2"' in sheet

    def test_too_long_text_is_refused(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Text that Excel would cut is refused, with a message that proposes CSV."""
        with pytest.raises(UsageError, match="32,767 characters and v holds 40,000: use csv"):
            written(connection, write_workbook, "SELECT repeat('x', 40000) AS v")

    def test_too_many_rows_are_refused(
        self, connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """More rows than a sheet can contain are refused."""
        monkeypatch.setattr(workbook, "ROWS_PER_SHEET", 3)

        with pytest.raises(UsageError, match="takes 2 rows and there are more"):
            written(connection, write_workbook, "FROM range(3)")


class TestTable:
    """Tables are plain aligned text and never shortened."""

    def test_columns_are_aligned(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Numbers are right-aligned with at least two decimals and no further final zeros; NULL is blank."""
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
        """Control characters are removed, so that no text can control the terminal or break a row."""
        output = written(connection, table.write_table, "SELECT chr(27) || '[2Jx' || chr(10) || 'y' AS v")

        assert output.decode().splitlines() == ["v", "[2Jx y"]

    def test_a_query_plan_keeps_its_lines(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The lines of EXPLAIN are kept."""
        output = written(connection, table.write_table, "EXPLAIN SELECT 1")

        assert output.decode().startswith(("┌─", "╭─"))

    def test_a_result_without_rows_is_its_header(self) -> None:
        """A result without rows is written as its header."""
        lines: list[str] = []

        write_plain([Heading("a"), Heading("b", is_number=True)], [], lines.append)

        assert lines == ["a  b"]


@pytest.mark.parametrize("kind", ["5::UHUGEINT", "'101'::BIT", "union_value(k := 2)", "['12:00:00+02'::TIMETZ]"])
def test_types_without_an_exact_text_are_refused(connection: duckdb.DuckDBPyConnection, kind: str) -> None:
    """A type that cannot be written exactly is refused, with a message that proposes CAST."""
    with pytest.raises(UsageError, match="which only DuckDB can show: CAST it AS VARCHAR"):
        written(connection, comma_separated.write_csv, f"SELECT {kind} AS v")


def test_rows_keep_their_order(connection: duckdb.DuckDBPyConnection) -> None:
    """Rows are written in the order of the query."""
    output = written(connection, comma_separated.write_csv, "FROM range(30000) AS t (i) ORDER BY i DESC")

    assert output.decode().split() == ["i", *(str(number) for number in reversed(range(30000)))]


def test_parquet_uuids_are_read_as_uuids(connection: duckdb.DuckDBPyConnection) -> None:
    """Arrow reads UUIDs from a Parquet file as UUIDs and not as text."""
    output = written(connection, parquet.write_parquet, f"SELECT '{UUID}'::UUID AS u")

    values: list[Any] = pq.read_table(io.BytesIO(output)).column("u").to_pylist()
    assert values == [uuid.UUID(UUID)]


@pytest.mark.parametrize(
    "writer",
    [comma_separated.write_csv, json_array.write_json, table.write_table, parquet.write_parquet, write_workbook],
)
@pytest.mark.slow
@pytest.mark.parametrize("wrapped", ["{0}", "[{0}]", "{{'a': {0}}}"])
def test_every_type_is_shown_or_refused(connection: duckdb.DuckDBPyConnection, wrapped: str, writer: Writer) -> None:
    """Each value of each type of DuckDB, also in a list or struct, is written exactly or refused in one line."""
    names = [row[0] for row in connection.execute("DESCRIBE FROM test_all_types()").fetchall()]
    all_rows = {name: refusal(connection, writer, wrapped.format(f'"{name}"')) for name in names}
    refused = [name for name, message in all_rows.items() if message]
    refusals = {
        (name, row): refusal(connection, writer, wrapped.format(f'"{name}"'), f"LIMIT 1 OFFSET {row}")
        for name, row in product(refused, range(3))
    }

    assert len(refused) < len(names) / 2
    assert [
        message
        for message in refusals.values()
        if message and "CAST it AS VARCHAR" not in message and "Excel" not in message
    ] == []


def refusal(connection: duckdb.DuckDBPyConnection, writer: Writer, value: str, rows: str = "") -> str | None:
    """Return the message with which values of ``test_all_types()`` are refused, or None if they are written."""
    try:
        output = written(connection, writer, f"SELECT {value} AS v FROM (FROM test_all_types() {rows})")
    except PipelineError as error:
        return str(error)
    assert b"value out of range" not in output
    return None


def test_a_table_of_any_length_is_written_row_by_row() -> None:
    """Column widths are computed from the first rows, and later rows are neither kept in memory nor cut."""
    lines: list[str] = []
    rows = (["x" if number < ROWS_FOR_WIDTHS else "longer"] for number in range(ROWS_FOR_WIDTHS + 2))

    write_plain([Heading("v")], rows, lines.append)

    assert lines[:2] == ["v", "x"]
    assert lines[-2:] == ["longer", "longer"]
