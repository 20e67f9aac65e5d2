"""The joins of a table in a warehouse, and its place in the records, as the catalogue describes them."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.catalogue import Catalogue
from pipelines.catalogue.relations import relations
from pipelines.catalogue.tables import Table, tables_of
from pipelines.warehouse.read.tables import TableDescription

_SAME_COLUMNS = ("history", "raw")  # schemas whose tables have the columns of the feed's table of the same name


def joins(table: TableDescription, catalogue: Catalogue) -> dict[str, list[str]]:
    """The columns of other tables that each column joins, within an account, by the column's name."""
    known = catalogue_table(table, catalogue)
    found: dict[str, list[str]] = {}
    for relation in relations(_tables(catalogue).values()):
        if relation.table is known:
            target = f"{relation.target.qualified_name}.{relation.target_column.name}"
            found.setdefault(relation.column.name, []).append(target)
    return found


def nested_tables(table: TableDescription, catalogue: Catalogue) -> Iterator[str]:
    """A line for each table of arrays within the records, and one for the table that they belong to."""
    known = catalogue_table(table, catalogue)
    for other in _tables(catalogue).values():
        if known is not None and known in other.children:
            yield f"One row for each {'.'.join(known.array)} of {other.qualified_name}: join on {', '.join(other.key)}"
        if known is not None and other in known.children:
            yield f"{other.qualified_name} has its {'.'.join(other.array)}: join on {', '.join(known.key)}"


def catalogue_table(table: TableDescription, catalogue: Catalogue) -> Table | None:
    """The table of the catalogue; that of a history view or of a raw log has the same columns, without the schema."""
    every = _tables(catalogue)
    if table.schema not in _SAME_COLUMNS:
        return every.get(f"{table.schema}.{table.name}")
    return next((each for each in every.values() if each.name == table.name), None)


def _tables(catalogue: Catalogue) -> dict[str, Table]:
    """The tables of the API by name, such as ``orders.sales_orders``."""
    return {each.qualified_name: each for source in catalogue.sources for each in tables_of(source).walk()}
