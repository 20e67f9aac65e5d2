"""The page on what all tables share: how they are named and joined, and the schemas beside them."""

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

Every table and column of a warehouse. Made from the catalogue: `make docs` makes it anew. The same words stand in the
warehouse itself, as comments: `SELECT * FROM duckdb_columns()` has them."""

_RULES = """\
## How to read the tables

- **Names** are Floriday's own in snake case. Nested objects are joined with `_`, an array of objects is a child table.
- **Rows** are what Floriday told last. `history` has what it told before.
- **Every join is within one account.** Join on `account` too: `USING (account, batch_id)`. Two accounts may hold the
  same record.
- **What a row leads to need not be there.** Floriday serves it for a limited time, or needs another scope for it: use
  `LEFT JOIN`.
- **Times** are `TIMESTAMP WITH TIME ZONE`, and mean UTC. Business days and weeks are those of Europe/Amsterdam.
- **Known values** are those of this version; a new one is stored as it is, and reported.
- **A batch's reference** is text at batches and a number at sales orders: compare it as text, or join by `batch_id`.

These columns are the same everywhere:"""

_RAW = """\
## raw

`raw.<table>` is the log of a feed or snapshot: every version of every record as it was received, in the order in which
it came. Nothing in it is ever changed; all else can be made from it. The bare table's name is enough, since no two
schemas share one. Its columns are the record's key and:"""

_HISTORY = """\
## history

`history.<table>` has a row for every version of a record, children too: the columns of the table, and:"""

_AS_OF = """\
`history.<table>_as_of(moment)` is the table as it was known here at a moment. A date means the end of that day in
Amsterdam:

```sql
FROM history.sales_orders_as_of(DATE '2026-03-01');
FROM history.sales_orders_as_of(TIMESTAMPTZ '2026-03-01 12:00:00+01');
```

Both read the schema `versions`, which is of no other use."""

_SYNC = """\
## sync

What the warehouse knows about its own syncs."""

_REPORTS = """\
## reports

A report is a view, and a macro of the same name that takes parameters:
`FROM reports.name(from_date := '2026-01-01')`."""

_COLUMN = ("column", "type", "what it is")


def common_page(apis: Sequence[str]) -> str:
    """The page.

    Args:
        apis: whose own pages it points to.
    """
    links = bullets(f"[The tables of the {api.capitalize()} API]({api}/README.md)" for api in apis)
    others = bullets(f"[{name}](#{name})" for name in ("raw", "history", "sync", "reports"))
    return page(
        _TOP,
        links,
        f"Beside them, explained here once:\n\n{others}",
        _RULES,
        _columns((ACCOUNT, POSITION, IS_DELETED, SYNCED_AT)),
        _RAW,
        _columns(RAW_COLUMNS),
        _HISTORY,
        _columns(VALIDITY),
        f"A record's own field of such a name is called otherwise there: {codes(RENAMED.values())}.",
        _AS_OF,
        _SYNC,
        *_sync_tables(),
        _REPORTS,
        *(_report(each) for each in all_reports()),
    )


def _columns(columns: Sequence[Column]) -> str:
    return grid(_COLUMN, [(code(one.name), one.type, prose(one.description)) for one in columns])


def _sync_tables() -> Iterator[str]:
    for name, (description, columns) in (SYNC_TABLES | SYNC_VIEWS).items():
        yield f"### sync.{name}"
        yield f"{prose(description)}."
        yield _columns(columns)


def _report(report: Report) -> str:
    parameters = [(code(name), "parameter", prose(told)) for name, told in report.parameters.items()]
    columns = [(code(name), "column", prose(told)) for name, told in report.columns.items()]
    return page(
        f"### reports.{report.name}",
        prose(report.summary),
        *(prose(note) for note in report.notes),
        f"It reads {codes(report.tables)}.",
        grid(("name", "", "what it is"), [*parameters, *columns]),
    )
