"""``floriday lookup``: load code lists, so that reports show what the codes mean."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_line

if TYPE_CHECKING:
    import duckdb

    from pipelines.warehouse.schema.code_list import CodeList


class Action(StrEnum):
    """What the command does."""

    LOAD = "load"


def lookup(
    action: Annotated[Action, typer.Argument(metavar="ACTION", help="load.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A code list as CSV, with a line of column names.")],
) -> None:
    """Load the names of VBN codes, from a list that you have bought.

    Floriday serves the codes of products, packages and characteristics without their names. The file is CSV in UTF-8 or
    Windows-1252, separated by commas, semicolons or tabs. Its first line names the columns: vbn_product_code and name;
    vbn_package_code and name; vbn_code and name; or vbn_code, vbn_value_code and name. Other columns are ignored.

    The list replaces an earlier one of the same columns. A file with a wrong line is not loaded, and the earlier list
    stays. The names are in the tables of the schema lookup, and reports with product names show them.

    For example:

        floriday lookup load products.csv
    """
    from pipelines.cli.published_copy import is_published, renew_published_copy
    from pipelines.settings import load_local_settings
    from pipelines.text_format import counted
    from pipelines.warehouse.file.known_copies import record_copy
    from pipelines.warehouse.opening import hold_sync_lock, open_warehouse
    from pipelines.warehouse.schema.code_list import read_code_list
    from pipelines.warehouse.schema.owner import require_owner

    settings = load_local_settings()
    warehouse = open_warehouse(settings.warehouse)
    warehouse.require()
    codes = read_code_list(file)
    with hold_sync_lock(warehouse.address, f"floriday lookup {action}"):
        with warehouse.writing() as connection:
            require_owner(connection, warehouse.name)
            _store(connection, codes)
            record_copy(connection, settings.published if is_published(settings) else None)
        renew_published_copy(warehouse, settings)
    print_line(f"lookup.{codes.table} has {counted(len(codes.names), 'code')} now")


def _store(connection: duckdb.DuckDBPyConnection, codes: CodeList) -> None:
    """Replace the list, and create the reports again, which read it from now on."""
    from pipelines.reports import install
    from pipelines.warehouse.file.connection import transaction
    from pipelines.warehouse.schema.code_list import replace_code_list
    from pipelines.warehouse.schema.introspection import typed_tables

    with transaction(connection):
        replace_code_list(connection, codes)
        install(connection, {f"{schema}.{name}" for schema, name in typed_tables(connection)}, anew=True)
