"""Parse the file of a report.

It begins with comments: a paragraph on what the report measures, paragraphs on how to read it, then the lists
``parameters``, ``columns`` and ``tables`` with one indented line for each entry, its name first. The query follows. The
entry of a table names the columns that the report reads and that the table of one API lacks, separated by commas.

A line such as ``{committed_orders}`` stands for the file of that name in ``steps``: named steps that several reports
share, so that each rule is written once. A step named ``detail`` has one row for each record that a report counts.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources

from pipelines.errors import UsageError
from pipelines.text_format import did_you_mean

_LISTS = ("parameters", "columns", "tables")


@dataclass(frozen=True)
class Report:
    """One report."""

    name: str  # name of the macro and the view in the schema ``reports``
    summary: str  # one paragraph on what it measures
    notes: tuple[str, ...]  # paragraphs on how to read it
    parameters: dict[str, str]  # description of each parameter, by name; all are optional
    columns: dict[str, str]  # description of each column, by name, in order
    tables: tuple[str, ...]  # tables that it reads, as ``schema.table``
    decisive: dict[str, tuple[str, ...]]  # for a table, columns that it reads, and without which it is not installed
    sql: str  # the text of one SELECT, with the shared steps
    fingerprint: str  # hash of the file and of the shared steps

    def summary_for(self, api: str | None) -> str:
        """The summary in the words of an API's users: a grower's revenue is a buyer's spend. None: for both."""
        if api != "customers":
            return self.summary
        return self.summary.replace("Revenue", "Spend").replace("revenue", "spend")

    @property
    def description(self) -> str:
        """The summary and the notes, for ``COMMENT ON``."""
        return " ".join((self.summary, *self.notes))

    def steps(self, *, before: str) -> str:
        """The named steps of the query up to the step ``before``, with ``WITH`` and the last comma, for other queries.

        Raises:
            ValueError: the query has no such step.
        """
        steps, found, _ = self.sql.partition(f"\n{before} AS (")
        if not found:
            raise ValueError(f"{self.name}.sql has no step {before}")
        return steps

    def query_of(self, step: str) -> str:
        """A query of the rows of a named step, with the report's parameters.

        Raises:
            ValueError: the query has no such step.
        """
        steps = self.steps(before=step)
        body, _, _ = self.sql.removeprefix(steps).partition("\n)")
        return f"{steps}{body}\n)\nSELECT * FROM {step}"


@cache
def all_reports() -> tuple[Report, ...]:
    """All reports, ordered by name."""
    files = (file for file in resources.files(__name__.rpartition(".")[0]).iterdir() if file.name.endswith(".sql"))
    texts = {file.name.removesuffix(".sql"): file.read_text(encoding="utf-8") for file in files}
    return tuple(parse(name, texts[name]) for name in sorted(texts))


def find_report(name: str) -> Report:
    """The report of that name.

    Raises:
        UsageError: there is none; the message suggests the nearest names.
    """
    known = {report.name: report for report in all_reports()}
    if name not in known:
        likely = did_you_mean(name, known, "`floriday report` lists the reports")
        raise UsageError(f"there is no report {name!r}: {likely}")
    return known[name]


def parse(name: str, text: str) -> Report:
    """A report from the text of its file.

    Raises:
        ValueError: the comments at the top do not have the format above.
    """
    lines = text.splitlines()
    top = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    prose, lists = _paragraphs([line.removeprefix("--").removeprefix(" ") for line in lines[:top]])
    if not prose or set(lists) != set(_LISTS):
        raise ValueError(f"{name}.sql begins with a paragraph and lists of {', '.join(_LISTS)}")
    sql = _with_shared_steps("\n".join(lines[top:]).strip().rstrip(";"))
    return Report(
        name=name,
        summary=prose[0],
        notes=tuple(prose[1:]),
        parameters=lists["parameters"],
        columns=lists["columns"],
        tables=tuple(lists["tables"]),
        decisive={table: tuple(names.replace(",", " ").split()) for table, names in lists["tables"].items() if names},
        sql=sql,
        fingerprint=hashlib.sha256(f"{text}{sql}".encode()).hexdigest()[:12],
    )


def _with_shared_steps(sql: str) -> str:
    return re.sub(r"^\{(\w+)\}", lambda found: _shared_steps(found[1]), sql, flags=re.MULTILINE)


@cache
def _shared_steps(name: str) -> str:
    file = resources.files(__name__.rpartition(".")[0]) / "steps" / f"{name}.sql"
    return _with_shared_steps(file.read_text(encoding="utf-8").strip())


def _paragraphs(comments: list[str]) -> tuple[list[str], dict[str, dict[str, str]]]:
    prose: list[str] = []
    lists: dict[str, dict[str, str]] = {}
    for block in "\n".join(comments).split("\n\n"):
        first, *rest = block.splitlines() or [""]
        if first.rstrip(":") in _LISTS and first.endswith(":"):
            entries = (entry.strip().partition(" ") for entry in rest)
            lists[first.rstrip(":")] = {name: text.strip() for name, _, text in entries}
        elif block.strip():
            prose.append(" ".join(block.split()))
    return prose, lists
