"""Batches of steps: when one is worth a transaction."""

from __future__ import annotations

import pytest

from pipelines.floriday.change_feed import Step
from pipelines.floriday.pages import Page
from pipelines.floriday.sequence_ranges import Coverage
from pipelines.sync import batches
from pipelines.sync.batches import PAGES_A_BATCH, WindowBuilder


def fill(put_together: WindowBuilder, pages: int) -> WindowBuilder:
    """Put so many small pages into it, each of one record."""
    for _ in range(pages):
        after = put_together.claimed.reached_from(0)
        put_together.add(Step(Page(after + 1, (b"{}",), (after + 1,)), after, after + 1, is_end=False))
    return put_together


@pytest.fixture
def begun() -> WindowBuilder:
    """A load that has stored its first batch."""
    put_together = fill(WindowBuilder(0, 0, Coverage()), 1)
    put_together.take()
    return put_together


def test_half_of_the_pages_begin() -> None:
    """The storer has nothing else to do, and the first pages are long in coming."""
    put_together = fill(WindowBuilder(0, 0, Coverage()), PAGES_A_BATCH // 2 - 1)
    assert not put_together.is_large_enough(is_idle=True)

    assert fill(put_together, 1).is_large_enough(is_idle=True)


def test_more_are_worth_the_next_transaction(begun: WindowBuilder) -> None:
    """Each costs something, however little it holds."""
    assert not fill(begun, PAGES_A_BATCH - 1).is_large_enough(is_idle=True)

    assert fill(begun, 1).is_large_enough(is_idle=True)


def test_a_storer_that_is_busy_gets_more_at_once(begun: WindowBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    """As much as memory allows."""
    assert not fill(begun, 3 * PAGES_A_BATCH).is_large_enough(is_idle=False)

    monkeypatch.setattr(batches, "BYTES_A_BATCH", begun.size)
    assert begun.is_large_enough(is_idle=False)


def test_half_a_batch_tells_that_the_next_follows_soon(begun: WindowBuilder) -> None:
    """So the file need not be closed; what trickles in lets others open it."""
    assert not fill(begun, PAGES_A_BATCH // 2 - 1).is_half_full

    assert fill(begun, 1).is_half_full
