"""Days are days in Amsterdam, and the catalogue defines which field contains a record's time of change."""

from __future__ import annotations

import datetime as dt

import pytest

from pipelines.catalogue import CATALOGUES, catalogue_of
from pipelines.catalogue.both_apis.records import LAST_MODIFIED_DATE_TIME
from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Feed
from pipelines.errors import UsageError
from pipelines.warehouse.load.days_to_sequence import Days, changed_at
from tests.command_line import ROOT

FEEDS = {f"{api} {feed.name}": feed for api in CATALOGUES for feed in catalogue_of(api).feeds}


@pytest.mark.parametrize(
    ("first", "last", "begins", "ends"),
    [
        ("2026-01-05", "2026-01-11", "2026-01-04T23:00Z", "2026-01-11T23:00Z"),
        ("2026-07-01", "2026-07-01", "2026-06-30T22:00Z", "2026-07-01T22:00Z"),
        ("2026-03-29", "2026-03-29", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
        ("2026-10-25", "2026-10-25", "2026-10-24T22:00Z", "2026-10-25T23:00Z"),
    ],
    ids=["winter", "summer", "short", "long"],
)
def test_days_begin_and_end_at_midnight_in_amsterdam(first: str, last: str, begins: str, ends: str) -> None:
    """Days begin and end at midnight in Amsterdam, also when the clocks change."""
    days = Days(dt.date.fromisoformat(first), dt.date.fromisoformat(last))

    assert (days.begins, days.ends) == (dt.datetime.fromisoformat(begins), dt.datetime.fromisoformat(ends))


def test_reversed_days_are_refused() -> None:
    """A last day before the first one raises an error."""
    with pytest.raises(UsageError, match="end before they begin"):
        Days(dt.date(2026, 3, 2), dt.date(2026, 3, 1))


@pytest.mark.parametrize("feed", FEEDS.values(), ids=list(FEEDS))
def test_all_fields_with_the_time_of_change_are_used(feed: Feed) -> None:
    """The time of change is read from exactly the fields that the catalogue describes as such."""
    table = tables_of(feed)
    description = f"{LAST_MODIFIED_DATE_TIME[:1].upper()}{LAST_MODIFIED_DATE_TIME[1:]}"

    own = [column.name for column in table.own_columns if column.description == description]

    expression = changed_at(table)
    assert (expression is None) == (own == [])
    assert all(f'("{name}"' in (expression or "") for name in own)


@pytest.mark.parametrize(
    ("feed", "expression"),
    [
        ("suppliers orders.sales_orders", 'coalesce("last_modified_date_time", "creation_date_time")'),
        ("customers catalog.trade_item_requests", 'coalesce("last_modified", "added")'),
        ("suppliers supply.batch_mutations", None),
        ("suppliers supply.supply_lines", None),
    ],
)
def test_the_creation_time_is_the_fallback(feed: str, expression: str | None) -> None:
    """The creation time is used for unchanged records, if their feed has a time of change at all."""
    assert changed_at(tables_of(FEEDS[feed])) == expression


def test_today_is_that_of_amsterdam_in_sql() -> None:
    """No SQL of the package asks for the day of the machine, which may be another week than in Amsterdam."""
    files = [path for path in (ROOT / "pipelines").rglob("*") if path.suffix in {".py", ".sql"}]

    assert files
    assert [path.name for path in files if "current_date" in path.read_text(encoding="utf-8").lower()] == []
