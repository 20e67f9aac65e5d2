"""The outcomes of a sync as rows, for ``--format``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.cli.formats.rows import BOOLEAN, DECIMAL, NUMBER, TEXT
from pipelines.cli.options import Format

if TYPE_CHECKING:
    from pipelines.sync.outcome import FeedOutcome
    from pipelines.warehouse.file.dry_run import Difference

OUTCOME = {
    "account": TEXT,
    "feed": TEXT,
    "read": NUMBER,
    "new": NUMBER,
    "changed": NUMBER,
    "rejected": NUMBER,
    "cursor": NUMBER,
    "maximum": NUMBER,
    "current": BOOLEAN,
    "skipped": TEXT,
    "error": TEXT,
    "reason": TEXT,
    "seconds": DECIMAL,
}
DIFFERENCE = {"account": TEXT, "table": TEXT, "new": NUMBER, "changed": NUMBER, "deleted": NUMBER, "rejected": NUMBER}


@dataclass(frozen=True)
class Destination:
    """Where the rows of a sync go, and in which format.

    Args:
        style: format of the rows.
        output: file to write; None for standard output.
        warehouse: path of the warehouse, which is never the file.
    """

    style: Format
    output: Path | None
    warehouse: Path

    @property
    def is_listed(self) -> bool:
        """Whether the table for people is printed instead."""
        from pipelines.cli.output import is_listed

        return is_listed(self.style, self.output)

    def write_outcomes(self, outcomes: Sequence[FeedOutcome]) -> None:
        """Write a row for each feed."""
        self._write(OUTCOME, map(_outcome, outcomes))

    def write_differences(self, found: Sequence[Difference]) -> None:
        """Write a row for each table that a sync would change."""
        self._write(DIFFERENCE, [{name: getattr(each, name) for name in DIFFERENCE} for each in found])

    def _write(self, columns: dict[str, str], rows: Iterable[dict[str, Any]]) -> None:
        from pipelines.cli.output import write_rows

        write_rows(columns, rows, self.style, self.output, self.warehouse)


def _outcome(each: FeedOutcome) -> dict[str, Any]:
    values = {name: getattr(each, name) for name in OUTCOME if hasattr(each, name)}
    return {**values, "read": each.records, "reason": each.why_not_current, "seconds": round(each.seconds, 3)}
