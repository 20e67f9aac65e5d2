"""``floriday lookup load`` puts code lists into the warehouse, and reports show the names."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipelines.warehouse.file.connection import Warehouse
from pipelines.warehouse.schema.owner import record_owner
from tests.command_line import Printed
from tests.examples import cases
from tests.integration.report_warehouse import ORDERS, ReportWarehouse, id_of, make_record

ITEMS = "catalog.trade_items"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A warehouse file with two auctioned trade items."""
    warehouse = ReportWarehouse(tmp_path_factory.mktemp("lookup") / "w.duckdb")
    with Warehouse(warehouse.path).writing() as connection:
        record_owner(connection, "suppliers", "localhost", {})
    items = [(number, id_of(f"item {number}"), code) for number, code in enumerate((973, 101455))]
    warehouse.store(
        ITEMS, [make_record("suppliers", ITEMS, at, tradeItemId=item, vbnProductCode=code) for at, item, code in items]
    )
    fields = {"status": "COMMITTED", "isDeleted": False, "tradeInstrument": "CLOCK_SALES"}
    warehouse.store(ORDERS, [make_record("suppliers", ORDERS, at, tradeItemId=item, **fields) for at, item, _ in items])
    return warehouse.path.read_bytes()


@dataclass
class OneFile:
    """A warehouse file.

    Args:
        path: path of the file.
    """

    path: Path

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the result of a query."""
        with Warehouse(self.path).reading() as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture
def warehouse(filled: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OneFile:
    """The filled warehouse, which is the one of the settings."""
    path = tmp_path / "w.duckdb"
    path.write_bytes(filled)
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", str(path))
    monkeypatch.chdir(tmp_path)
    return OneFile(path)


def names(warehouse: OneFile) -> list[str | None]:
    """Return the product names that a report shows."""
    sql = "SELECT product_name FROM reports.auction_prices ORDER BY ALL"
    return [name for (name,) in warehouse.rows(sql)]


def load(printed: Printed, text: str | bytes, name: str = "list.csv") -> tuple[int, str, str]:
    """Write a file and load it."""
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return printed("lookup", "load", name)


def test_reports_show_the_names(warehouse: OneFile, printed: Printed) -> None:
    """A report shows the names of products as soon as the list is loaded, and nothing before."""
    before = names(warehouse)
    result = load(printed, "vbn_product_code,name\n973,Rosa\n101455,Chrysanthemum\n1,Tulipa\n")

    assert before == [None, None]
    assert result == (0, "lookup.vbn_products has 3 codes now\n", "")
    assert names(warehouse) == ["Chrysanthemum", "Rosa"]


@pytest.mark.slow
def test_a_list_replaces_the_earlier_one(warehouse: OneFile, printed: Printed) -> None:
    """A list replaces an earlier one of the same columns, and leaves those of other columns alone."""
    load(printed, "vbn_product_code,name\n973,Rosa\n101455,Chrysanthemum\n")
    load(printed, "vbn_code,name\nS01,pot size\n")
    load(printed, "vbn_product_code,name\n973,Rose\n")

    assert names(warehouse) == ["Rose", None]
    assert warehouse.rows("FROM lookup.vbn_characteristics") == [("S01", "pot size")]


@cases(
    ("text", "table", "rows"),
    [
        ("Name;VBN_product_code;x\n Roos ;973;1\n\n", "vbn_products", [(973, "Roos")]),
        ('\ufeffvbn_package_code\tname\n577\t"tray, 577"\n', "vbn_packages", [(577, "tray, 577")]),
        (
            "vbn_code,vbn_value_code,name\nS01,012,12 cm\nS01,012,12 cm\n",
            "vbn_characteristic_values",
            [("S01", "012", "12 cm")],
        ),
        ("vbn_product_code;name\n7;Kalanchoë\n".encode("cp1252"), "vbn_products", [(7, "Kalanchoë")]),
    ],
    quick=1,
)
def test_forms_of_files(text: str | bytes, table: str, rows: list[Any], warehouse: OneFile, printed: Printed) -> None:
    """Files may have other separators, encodings, orders of columns, quotes, blank and repeated lines."""
    code, _, err = load(printed, text)

    assert (code, err) == (0, "")
    assert warehouse.rows(f"FROM lookup.{table}") == rows


@cases(
    ("text", "message"),
    [
        ("code,name\n973,Rosa\n", "its first line must name the columns vbn_product_code, name or"),
        ("", "it names none"),
        ("vbn_product_code,name\n", "it has no line below its header"),
        (
            "vbn_product_code,name\nabc,Rosa\n5\n,x\n99999999999,y\n",
            (
                "line 2: vbn_product_code 'abc' is not a code; line 3: name is missing;"
                " line 4: vbn_product_code is missing; and 1 more"
            ),
        ),
        ("vbn_product_code,name\n1,a\n1,b\n", "line 3: 1 has two names, 'a' and 'b'"),
        (b"PK\x03\x04\x00\x00", "it contains binary data; save the list as CSV"),
    ],
    quick=2,
)
def test_wrong_files(text: str | bytes, message: str, warehouse: OneFile, printed: Printed) -> None:
    """A wrong file is refused with the reason in one line, and the earlier list stays."""
    load(printed, "vbn_product_code,name\n973,Rosa\n")
    code, out, err = load(printed, text, "wrong.csv")

    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert names(warehouse) == ["Rosa", None]


def test_missing_file(warehouse: OneFile, printed: Printed) -> None:
    """A file that does not exist is named, and no table is created."""
    code, _, err = printed("lookup", "load", "absent.csv")

    assert (code, err) == (2, "floriday: absent.csv cannot be read: No such file or directory\n")
    assert warehouse.rows("SELECT count(*) FROM duckdb_tables() WHERE schema_name = 'lookup'") == [(0,)]


@pytest.mark.usefixtures("warehouse")
def test_loaded_lists_are_tables(printed: Printed) -> None:
    """``floriday tables`` lists a loaded list with its rows, and describes its columns."""
    load(printed, "vbn_product_code,name\n973,Rosa\n")
    tables = {f"{row['schema']}.{row['table']}": row for row in json.loads(printed("tables", "--format", "json")[1])}
    columns = json.loads(printed("tables", "vbn_products", "--format", "json")[1])

    assert tables["lookup.vbn_products"]["rows"] == 1
    assert tables["lookup.vbn_products"]["description"].startswith("Names of VBN product codes")
    assert [(column["column"], bool(column["description"])) for column in columns] == [
        ("vbn_product_code", True),
        ("name", True),
    ]


def test_the_published_copy_is_renewed(
    warehouse: OneFile, printed: Printed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An existing published copy shows the names, too."""
    published = tmp_path / "published.duckdb"
    published.write_bytes(warehouse.path.read_bytes())
    monkeypatch.setenv("FLORIDAY_PUBLISHED", str(published))
    load(printed, "vbn_product_code,name\n973,Rosa\n")

    with Warehouse(published).reading() as connection:
        assert connection.execute("FROM lookup.vbn_products").fetchall() == [(973, "Rosa")]
