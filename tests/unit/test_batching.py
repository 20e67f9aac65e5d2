"""A batch of pages is committed when it is large enough or when the writer is idle."""

from __future__ import annotations

import pytest

from pipelines.floriday.change_feed import Step
from pipelines.floriday.pages import Page
from pipelines.floriday.sequence_ranges import Coverage
from pipelines.sync import batches
from pipelines.sync.batches import PAGES_A_BATCH, WindowBuilder


def fill(builder: WindowBuilder, pages: int) -> WindowBuilder:
    """Add small pages, each of one record."""
    for _ in range(pages):
        after = builder.claimed.reached_from(0)
        builder.add(Step(Page(after + 1, (b"{}",), (after + 1,)), after, after + 1, is_end=False))
    return builder


@pytest.fixture
def builder() -> WindowBuilder:
    """A builder whose first batch was committed."""
    builder = fill(WindowBuilder(0, 0, Coverage()), 1)
    builder.take()
    return builder


def test_the_first_batch_needs_half_of_the_pages() -> None:
    """The first batch is committed after half of the pages, because the writer is idle."""
    builder = fill(WindowBuilder(0, 0, Coverage()), PAGES_A_BATCH // 2 - 1)
    assert not builder.is_large_enough(is_idle=True)

    assert fill(builder, 1).is_large_enough(is_idle=True)


def test_later_batches_need_all_pages(builder: WindowBuilder) -> None:
    """A later batch is committed after the full number of pages, because each transaction has a cost."""
    assert not fill(builder, PAGES_A_BATCH - 1).is_large_enough(is_idle=True)

    assert fill(builder, 1).is_large_enough(is_idle=True)


def test_a_batch_grows_while_the_writer_is_busy(builder: WindowBuilder, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the writer is busy, a batch grows up to the limit of bytes."""
    assert not fill(builder, 3 * PAGES_A_BATCH).is_large_enough(is_idle=False)

    monkeypatch.setattr(batches, "BYTES_A_BATCH", builder.size)
    assert builder.is_large_enough(is_idle=False)


def test_a_half_full_batch_announces_the_next_commit(builder: WindowBuilder) -> None:
    """A half-full batch shows that the next commit follows soon, so that the file can stay open."""
    assert not fill(builder, PAGES_A_BATCH // 2 - 1).is_half_full

    assert fill(builder, 1).is_half_full
