"""The examples on the reports' page are what the reports say."""

from __future__ import annotations

import pytest

from pipelines.cli.docs.report_examples import make_examples, reads_sync_tables
from pipelines.dictionary.examples import Examples, examples
from pipelines.reports import find_report


def of_the_world(kept: Examples) -> Examples:
    """The examples without those that tell when the syncs were."""
    told = {name: each for name, each in kept.reports.items() if not reads_sync_tables(find_report(name))}
    return Examples(kept.now, told)


@pytest.mark.slow
def test_the_kept_examples_are_what_the_reports_say() -> None:
    """The same worlds, synced anew, give the same rows; ``make examples`` renews what is kept."""
    assert of_the_world(make_examples()) == of_the_world(examples())
