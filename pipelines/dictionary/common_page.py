"""The page on what all tables have in common: names, joins, and the schemas that both APIs share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipelines.catalogue.tables import ACCOUNT, IS_DELETED, POSITION, SYNCED_AT, Column
from pipelines.dictionary.markdown import bullets, code, codes, grid, page, prose
from pipelines.reports import Report, all_reports
from pipelines.warehouse.schema.create import SYNC_TABLES, SYNC_VIEWS
from pipelines.warehouse.schema.feed_tables import RAW_COLUMNS
from pipelines.warehouse.schema.history_views import RENAMED, VALIDITY

_TOP = """\
# The data dictionary

Every table and column of a warehouse, generated from the catalogue by `make docs`. The warehouse itself contains the
same descriptions as comments: `SELECT * FROM duckdb_columns()` shows them."""

_RULES = """\
## How to read the tables

- **Names** are Floriday's own in snake case. Nested objects are joined with `_`; an array of objects is a child table.
- **Rows** are the newest versions that were received. `history` has the earlier ones too.
- **Every join is within one account.** Join on `account` too: `USING (account, batch_id)`. Two accounts may hold the
  same record.
- **A referenced row may be missing**, because Floriday serves it for a limited time only, or requires another scope for
  it: use `LEFT JOIN`.
- **Times** are `TIMESTAMP WITH TIME ZONE`, in UTC. Business days and weeks are those of Europe/Amsterdam.
- **Known values** are those of this version; a new one is stored as it is, and reported.
- **A batch reference** is text in batches and a number in sales orders: compare it as text, or join by `batch_id`.

These columns are the same in all tables:"""

_RAW = """\
## raw

`raw.<table>` is the log of a feed or snapshot: every version of every record as it was received, in order of receipt.
Its rows are never changed, and all other tables can be rebuilt from it. It has the name of the table without its
schema, because no two schemas have a table of the same name. Its columns are the key of the record and:"""

_HISTORY = """\
## history

`history.<table>`, also of a child table, has one row for every version of a record. Its columns are those of the table
and:"""

_AS_OF = """\
`history.<table>_as_of(moment)` returns the table as it was in the warehouse at a moment. A date means the end of that
day in Amsterdam:

```sql
FROM history.sales_orders_as_of(DATE '2026-03-01');
FROM history.sales_orders_as_of(TIMESTAMPTZ '2026-03-01 12:00:00+01');
```

Both read the schema `versions`, which has no other use."""

_SYNC = """\
## sync

The state and the results of the syncs."""

_REPORTS = """\
## reports

A report is a view, and a macro of the same name that takes parameters:
`FROM reports.name(from_date := '2026-01-01')`."""

_COLUMN = ("column", "type", "meaning")


def common_page(apis: Sequence[str]) -> str:
    """The whole page, with links to the pages of these APIs."""
    links = bullets(f"[The tables of the {api.capitalize()} API]({api}/README.md)" for api in apis)
    others = bullets(f"[{name}](#{name})" for name in ("raw", "history", "sync", "reports"))
    return page(
        _TOP,
        links,
        f"Other schemas, described on this page:\n\n{others}",
        _RULES,
        _columns((ACCOUNT, POSITION, IS_DELETED, SYNCED_AT)),
        _RAW,
        _columns(RAW_COLUMNS),
        _HISTORY,
        _columns(VALIDITY),
        f"If a record has a field of such a name itself, that one is renamed there: {codes(RENAMED.values())}.",
        _AS_OF,
        _SYNC,
        *_sync_tables(),
        _REPORTS,
        *(_report(each) for each in all_reports()),
    )


def _columns(columns: Sequence[Column]) -> str:
    return grid(_COLUMN, [(code(column.name), column.type, prose(column.description)) for column in columns])


def _sync_tables() -> Iterator[str]:
    for name, (description, columns) in (SYNC_TABLES | SYNC_VIEWS).items():
        yield f"### sync.{name}"
        yield f"{prose(description)}."
        yield _columns(columns)


def _report(report: Report) -> str:
    parameters = [(code(name), "parameter", prose(text)) for name, text in report.parameters.items()]
    columns = [(code(name), "column", prose(text)) for name, text in report.columns.items()]
    return page(
        f"### reports.{report.name}",
        prose(report.summary),
        *(prose(note) for note in report.notes),
        f"It reads {codes(report.tables)}.",
        grid(("name", "", "meaning"), [*parameters, *columns]),
    )
