"""What the resident sync prints: counts of the feeds that changed, remarks once, and a status line that fits."""

from __future__ import annotations

import datetime as dt
import io
import re
import sys
from typing import Any

import pytest

from pipelines.cli.follow.lines import changes_line
from pipelines.cli.follow.report import FollowReport
from pipelines.cli.follow.service import ServiceManager
from pipelines.cli.terminal.wrapping import cells
from pipelines.sync.follow.rounds import Round
from pipelines.sync.outcome import FeedOutcome

EVERY = dt.timedelta(seconds=30)
LONGEST = "orders.sales_order_correction_requests"
TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC "


class Terminal(io.StringIO):
    """Standard output of a terminal."""

    def isatty(self) -> bool:
        """Return that it is a terminal."""
        return True


def outcome(feed: str, account: str = "main", **counts: Any) -> FeedOutcome:
    """Return the outcome of a feed that is current."""
    return FeedOutcome(account, feed, current=True, **counts)


def report(*, with_accounts: bool = False) -> FollowReport:
    """Return a report without a service manager."""
    return FollowReport(ServiceManager({}), EVERY, with_accounts=with_accounts)


def test_the_feeds_with_most_changes_come_first() -> None:
    """A line has the counts of five feeds, those with most changes first, and the sums of the others."""
    outcomes = [outcome(f"orders.feed_{number}", new=number, changed=1) for number in range(8)]

    line = changes_line([*outcomes, outcome("supply.batches")], with_accounts=False)

    assert line.startswith("orders.feed_7: 7 new, 1 changed; orders.feed_6: 6 new, 1 changed; ")
    assert line.endswith("; orders.feed_3: 3 new, 1 changed; 3 other feeds: 3 new, 3 changed")


def test_with_several_accounts_each_feed_has_its_account() -> None:
    """With several accounts, a feed is named with its account; rejected records are counted."""
    line = changes_line([outcome(LONGEST, "north", rejected=2)], with_accounts=True)

    assert line == f"north · {LONGEST}: 2 rejected"


def test_a_line_for_each_round_that_changed_something(capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe, the first round has a line, then each round with changes; a remark is printed once."""
    lines = report()
    restarted = FeedOutcome("main", LONGEST, new=1, current=True, restarted=True)
    for done in (
        Round([outcome(LONGEST)], is_whole=True),
        Round(),
        Round([restarted]),
        Round([restarted]),
        Round([outcome(LONGEST)], is_whole=True),
    ):
        lines.began()
        lines.finished(done)
        lines.waiting(30.0)

    printed = capsys.readouterr().out.splitlines()
    assert re.fullmatch(
        f"{TIME}1 feed: 0 records read, 0 new, 0 changed, 0 rejected; following them every 30 s", printed[0]
    )
    assert re.fullmatch(f"{TIME}{LONGEST}: 1 new", printed[1])
    assert "restarted its numbering" in printed[2]
    assert printed[3].endswith(printed[1].partition("UTC ")[2])
    assert len(printed) == 4


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal of any width from 60, neither a line nor the status line is wider, and the status is removed."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", str(width))
    lines = report(with_accounts=True)

    lines.began()
    lines.page(outcome(LONGEST, "the nursery with the long name", records=12_345))
    lines.finished(Round([outcome(LONGEST, new=1)] * 41, is_whole=True))
    lines.waiting(30.0)
    lines.finished(Round([outcome(LONGEST, new=1)] * 41))
    lines.failed(f"main · {LONGEST} and 40 other feeds: Floriday does not answer, and what follows is long")
    lines.waiting(30.0)
    lines.clear()

    printed = terminal.getvalue()
    assert "following 41 feeds · last change" in printed
    assert [line for line in re.split(r"[\r\n]", printed) if cells(line) > width] == []
    assert printed.endswith("\r")
    assert printed.rstrip("\r").rpartition("\r")[2].strip() == ""
