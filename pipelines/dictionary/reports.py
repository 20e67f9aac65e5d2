"""The pages on the reports: description, parameters, columns, an example and the SQL of each, and a list of all.

``python -m pipelines.dictionary.reports docs`` writes ``docs/reports.md`` and ``docs/reports/*.md``, as ``make docs``
does; a test fails when they are out of date. The examples are those that ``make examples`` stored.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from uuid import UUID

import duckdb

from pipelines.catalogue import catalogue_of
from pipelines.catalogue.tables import tables_of
from pipelines.dictionary.examples import Example, examples
from pipelines.dictionary.markdown import NOTHING, bullets, code, codes, grid, page, prose
from pipelines.errors import PipelineError
from pipelines.reports import Report, all_reports, install
from pipelines.reports.availability import apis_of
from pipelines.reports.parameters import NAMED
from pipelines.settings.values import AMSTERDAM
from pipelines.warehouse.file.connection import transaction
from pipelines.warehouse.schema.create import create_tables

_APIS = {"suppliers": "a grower's API", "customers": "a buyer's API"}
_HEAD = """
A report is a view in the schema `reports`, and a macro of the same name with parameters, which are all optional.
`floriday report NAME` prints one, also as CSV, JSON, Parquet or Excel; [the dashboard](dashboard.md) shows many.

```
floriday report revenue_by_week --from 2026-01-05 --to 2026-02-01 --output january.xlsx
floriday query "FROM reports.customer_ranking(from_date := '2026-01-01', currency := 'EUR')"
```

Days, weeks and months are those of Amsterdam. Currencies are never added together, and neither are accounts.

The examples are the first rows of each report for a sandbox that was synced twice, with a day of trade in between. The
time in it is {now} in Amsterdam; only `sync_health` uses the real time. NULL is shown as {nothing}; shortened values
end in ….
"""
_WORLDS = {"suppliers": "a grower's", "customers": "a buyer's"}
_OR_NAME = "; outside of SQL, a part of the name too"
_LONGEST = 40  # the most characters of a value that are shown
Types = Mapping[str, str]  # the DuckDB type of each column


def report_pages() -> dict[str, str]:
    """The text of the page with the list, and of the page of each report, by path below ``docs``.

    Raises:
        PipelineError: a report has no example.
    """
    kept = examples()
    if missing := [each.name for each in all_reports() if each.name not in kept.reports]:
        raise PipelineError(f"there is no example of {', '.join(missing)}: run `make examples` first")
    known = {api: _types_in(api) for api in _APIS}
    texts = {f"reports/{each.name}.md": _report(each, known, kept.reports[each.name]) for each in all_reports()}
    names = (f"[{each.name}](reports/{each.name}.md)" for each in all_reports())
    summaries = (prose(each.summary.partition(": ")[0]) for each in all_reports())
    head = _HEAD.format(now=_moment(kept.now), nothing=NOTHING)
    items = (f"{name}: {summary}" for name, summary in zip(names, summaries, strict=True))
    return {"reports.md": page("# Reports", head, bullets(items)), **texts}


def write(folder: Path) -> None:
    """Write all pages below the folder ``docs``, and remove the pages of reports that no longer exist."""
    texts = {folder / name: text for name, text in report_pages().items()}
    (folder / "reports").mkdir(exist_ok=True)
    for path in set((folder / "reports").glob("*.md")) - set(texts):
        path.unlink()
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")


def definition(report: Report) -> str:
    """One report without types and example: what it measures, its parameters and columns, and its SQL."""
    return page(
        f"# {report.name}",
        prose(report.summary),
        *map(prose, report.notes),
        _availability(report, apis_of(report.name)),
        _parameters(report),
        grid(("column", "meaning"), ((code(name), prose(text)) for name, text in report.columns.items())),
        f"```sql\n{report.sql}\n```",
    )


def _availability(report: Report, apis: Iterable[str]) -> str:
    return f"It is available for {' and '.join(_APIS[api] for api in apis)}, and reads {codes(report.tables)}."


def _parameters(report: Report) -> str:
    rows = ((code(name), prose(text) + (_OR_NAME if name in NAMED else "")) for name, text in report.parameters.items())
    return grid(("parameter", "meaning"), rows) if report.parameters else "It has no parameters."


def _types_in(api: str) -> dict[str, Types]:
    tables = [tables_of(source) for source in catalogue_of(api).sources]
    with duckdb.connect() as connection:
        with transaction(connection):
            create_tables(connection, tables)
            names = install(connection, {part.qualified_name for table in tables for part in table.walk()})
        described = {name: connection.execute(f"DESCRIBE reports.{name}").fetchall() for name in names}
    return {name: {column: kind for column, kind, *_ in columns} for name, columns in described.items()}


def _report(report: Report, known: Mapping[str, Mapping[str, Types]], example: Example) -> str:
    apis = [api for api, reports in known.items() if report.name in reports]
    types = known[apis[0]][report.name] if apis else {}
    columns = ((code(name), types.get(name, ""), prose(text)) for name, text in report.columns.items())
    return page(
        f"# {report.name}",
        prose(report.summary),
        *map(prose, report.notes),
        f"{_availability(report, apis)} The page on [all reports](../reports.md) says how to use it.",
        "## Parameters and columns",
        _parameters(report),
        grid(("column", "type", "meaning"), columns),
        "## Example",
        f"From {_WORLDS[example.api]} warehouse:",
        f"```sql\n{example.sql}\n```",
        grid(list(map(code, example.columns)), map(_cells, example.rows)),
        "## SQL",
        f"```sql\n{report.sql}\n```",
    )


def _cells(row: tuple[str | None, ...]) -> list[str]:
    return [NOTHING if value is None else prose(_shortened(value)) for value in row]


def _shortened(value: str) -> str:
    """A value that fits into a table; the first part of an identifier is enough to distinguish it."""
    longest = 8 if _is_uuid(value) else _LONGEST
    return value if len(value) <= longest else f"{value[:longest].rstrip()}…"


def _is_uuid(value: str) -> bool:
    try:
        return str(UUID(value)) == value
    except ValueError:
        return False


def _moment(text: str) -> str:
    local = datetime.fromisoformat(text).astimezone(AMSTERDAM)
    return f"{local.day} {local:%B %Y, %H:%M}"


if __name__ == "__main__":
    try:
        write(Path(sys.argv[1]))
    except PipelineError as error:
        sys.exit(str(error))
