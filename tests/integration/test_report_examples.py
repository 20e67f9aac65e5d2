"""The stored examples of the reports' page equal the reports of the sandbox world."""

from __future__ import annotations

import pytest

from pipelines.cli.docs.report_examples import make_examples, reads_sync_tables
from pipelines.dictionary.examples import Examples, examples
from pipelines.reports import find_report


def without_sync_reports(examples: Examples) -> Examples:
    """Return the examples without those of reports on syncs, which depend on the time of the syncs."""
    rows = {name: rows for name, rows in examples.reports.items() if not reads_sync_tables(find_report(name))}
    return Examples(examples.now, rows)


@pytest.mark.slow
def test_stored_examples_are_up_to_date() -> None:
    """New syncs of the same sandbox worlds give the stored rows, which ``make examples`` updates."""
    assert without_sync_reports(make_examples()) == without_sync_reports(examples())
