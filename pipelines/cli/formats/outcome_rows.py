"""The outcomes of a sync as rows, for ``--format``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from pipelines.cli.formats.rows import BOOLEAN, DECIMAL, NUMBER, TEXT

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


def outcome_rows(outcomes: Iterable[FeedOutcome]) -> Iterator[dict[str, Any]]:
    """A row for each feed, with the columns of ``OUTCOME``."""
    return map(_outcome, outcomes)


def difference_rows(found: Iterable[Difference]) -> Iterator[dict[str, Any]]:
    """A row for each table that a sync would change, with the columns of ``DIFFERENCE``."""
    return ({name: getattr(each, name) for name in DIFFERENCE} for each in found)


def _outcome(each: FeedOutcome) -> dict[str, Any]:
    values = {name: getattr(each, name) for name in OUTCOME if hasattr(each, name)}
    return {**values, "read": each.records, "reason": each.why_not_current, "seconds": round(each.seconds, 3)}
