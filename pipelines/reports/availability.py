"""Which reports the feeds of an API can fill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import Table, tables_of
from pipelines.catalogue.types import Source
from pipelines.reports.report import Report, find_report

Filled = Mapping[str, tuple[Source, Table]]
"""The tables that feeds fill, by their name in SQL: the feed, and the table whose columns that table has."""

_APIS = ("suppliers", "customers")


def tables_filled_by(sources: Iterable[Source]) -> Filled:
    """The tables that these feeds fill, with their history and the versions from which the history is made."""
    return {name: (source, table) for source in sources for table in tables_of(source).walk() for name in _names(table)}


def is_available(report: Report, filled: Filled) -> bool:
    """Whether the feeds fill each table that a report reads, with the decisive columns.

    Every sync fills ``sync.…``; a report does without the tables of ``lookup.…`` that are not loaded.
    """
    return all(_is_filled(report, name, filled) for name in report.tables)


@cache
def apis_of(name: str) -> tuple[str, ...]:
    """The APIs whose feeds fill the tables of the report of that name."""
    return tuple(api for api in _APIS if is_available(find_report(name), _all_tables(api)))


@cache
def _all_tables(api: str) -> Filled:
    return tables_filled_by(catalogue_of(api).sources)


def _names(table: Table) -> tuple[str, ...]:
    return table.qualified_name, f"history.{table.name}", f"versions.{table.name}"


def _is_filled(report: Report, name: str, filled: Filled) -> bool:
    if name.startswith(("sync.", "lookup.")):
        return True
    if name not in filled:
        return False
    columns = {column.name for column in filled[name][1].columns}
    return columns.issuperset(report.decisive.get(name, ()))
