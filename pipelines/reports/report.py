"""Reading a report's file.

It begins with comments: a paragraph that says what the report measures, paragraphs on how to read it, then a list each
of ``parameters``, ``columns`` and ``tables``, one indented line an entry with its name first. The query follows. Behind
a table stand those of the columns it reads that the table of one API lacks, with commas in between.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from pipelines.errors import UsageError

_LISTS = ("parameters", "columns", "tables")


@dataclass(frozen=True)
class Report:
    """One report.

    Args:
        name: of the macro and the view in the schema ``reports``.
        summary: what it measures, in one paragraph.
        notes: how to read it.
        parameters: what narrows it down, each with its description; all are optional.
        columns: in their order, each with its description.
        tables: what it reads, as ``schema.table``.
        decisive: of these tables, the columns that not every API's has; without them there is no such report.
        sql: one SELECT.
        fingerprint: changes whenever the file does.
    """

    name: str
    summary: str
    notes: tuple[str, ...]
    parameters: dict[str, str]
    columns: dict[str, str]
    tables: tuple[str, ...]
    decisive: dict[str, tuple[str, ...]]
    sql: str
    fingerprint: str

    @property
    def description(self) -> str:
        """Everything that a reader must know, for ``COMMENT ON``."""
        return " ".join((self.summary, *self.notes))

    def steps(self, *, before: str) -> str:
        """The named steps with which the query begins, ``WITH`` and last comma included, for what counts alike.

        Args:
            before: the step before which to stop.

        Raises:
            ValueError: the query has no such step.
        """
        steps, found, _ = self.sql.partition(f"\n{before} AS (")
        if not found:
            raise ValueError(f"{self.name}.sql has no step {before}")
        return steps


@cache
def all_reports() -> tuple[Report, ...]:
    """All reports, by name."""
    files = (file for file in resources.files(__name__.rpartition(".")[0]).iterdir() if file.name.endswith(".sql"))
    texts = {file.name.removesuffix(".sql"): file.read_text(encoding="utf-8") for file in files}
    return tuple(parse(name, texts[name]) for name in sorted(texts))


def find_report(name: str) -> Report:
    """The report of that name.

    Raises:
        UsageError: there is none; the message tells which there are.
    """
    for known in all_reports():
        if known.name == name:
            return known
    raise UsageError(f"there is no report {name!r}; there are: {', '.join(known.name for known in all_reports())}")


def parse(name: str, text: str) -> Report:
    """A report from the text of its file.

    Raises:
        ValueError: the comments on top are not as the module says.
    """
    lines = text.splitlines()
    top = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    prose, lists = _paragraphs([line.removeprefix("--").removeprefix(" ") for line in lines[:top]])
    if not prose or set(lists) != set(_LISTS):
        raise ValueError(f"{name}.sql begins with a paragraph and lists of {', '.join(_LISTS)}")
    return Report(
        name=name,
        summary=prose[0],
        notes=tuple(prose[1:]),
        parameters=lists["parameters"],
        columns=lists["columns"],
        tables=tuple(lists["tables"]),
        decisive={table: tuple(told.replace(",", " ").split()) for table, told in lists["tables"].items() if told},
        sql="\n".join(lines[top:]).strip().rstrip(";"),
        fingerprint=hashlib.sha256(text.encode()).hexdigest()[:12],
    )


def _paragraphs(comments: list[str]) -> tuple[list[str], dict[str, dict[str, str]]]:
    """The paragraphs of a comment, and its lists."""
    prose: list[str] = []
    lists: dict[str, dict[str, str]] = {}
    for block in "\n".join(comments).split("\n\n"):
        first, *rest = block.splitlines() or [""]
        if first.rstrip(":") in _LISTS and first.endswith(":"):
            entries = (entry.strip().partition(" ") for entry in rest)
            lists[first.rstrip(":")] = {word: told.strip() for word, _, told in entries}
        elif block.strip():
            prose.append(" ".join(block.split()))
    return prose, lists
