"""The sandbox's books keep Floriday's rules of numbering, whatever is done to them."""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sandbox import Book


def book(**how: Any) -> Book:
    """A book whose records have an ``id``."""
    return Book(("id",), **how)


def walk(read: Book, limit: int) -> list[int]:
    """The numbers that a complete walk delivers."""
    after, numbers = 0, []
    while (page := read.page(after, limit)).maximum > after:
        numbers += [entry.number for entry in page.entries]
        after = page.maximum
    return numbers


actions = st.lists(
    st.tuples(st.sampled_from(["put", "remove", "renumber", "hide", "show", "restart", "late"]), st.integers(0, 9))
)


@settings(deadline=None)
@given(actions, st.integers(1, 5))
def test_any_walk_delivers_exactly_what_is_visible(steps: list[tuple[str, int]], limit: int) -> None:
    """After any changes, pages of any size deliver each visible record once, at one number, ascending."""
    kept, visible = book(), {}
    for version, (action, id) in enumerate(steps):
        if action == "put" or (action == "late" and id not in visible):
            kept.put({"id": id, "version": version}, number=kept.reserve() if action == "late" else None)
            visible[id] = True
        elif action == "restart":
            kept.restart()
        elif id in visible and action == "remove":
            kept.remove(id)
            del visible[id]
        elif id in visible and action != "late":
            getattr(kept, action)(id)
            visible[id] = {"hide": False, "show": True}.get(action, visible[id])

    numbers = [entry.number for entry in kept.entries()]
    assert walk(kept, limit) == numbers == sorted(set(numbers))
    assert {record["id"] for record in kept.documents()} == {id for id, is_visible in visible.items() if is_visible}
    assert [record["sequenceNumber"] for record in kept.documents()] == numbers
    assert kept.maximum >= max(numbers, default=0)
    assert len(kept) == len(visible)


def test_a_change_moves_a_record_to_a_higher_number() -> None:
    """It leaves its old place, and numbers have gaps."""
    kept = book(seed="any")
    first = kept.put({"id": 1, "name": "before"})
    kept.put({"id": 2})
    second = kept.put({"id": 1, "name": "after"})

    assert [record["name"] for record in kept.documents() if record["id"] == 1] == ["after"]
    assert second > first
    assert any(kept.put({"id": id}) > kept.maximum + 1 for id in range(50)) or kept.maximum > 60


def test_the_first_number_and_the_gaps_can_be_chosen() -> None:
    """Without gaps, numbers follow each other."""
    kept = book(first=100, widest_gap=1)

    assert [kept.put({"id": id}) for id in range(3)] == [101, 102, 103]


def test_a_technical_renumbering_changes_the_number_only() -> None:
    """All other members stay as they were, to the last digit."""
    kept = book()
    kept.put(b'{"id":"a","value":1.10,"sequenceNumber":5,"nested":{"x": 1e2}}')
    number = kept.renumber("a")

    assert kept.entries()[0].body == b'{"id":"a","value":1.10,"sequenceNumber":%d,"nested":{"x": 1e2}}' % number


def test_what_is_no_record_is_kept_as_it_is() -> None:
    """It has no key of its own, stays as it is when it gets a new number, and several of them live together."""
    kept = book()
    kept.put(b"[1, 2")
    number = kept.put(b'{"name":"no id"}')
    kept.put(b"{}", key=("chosen",))
    kept.renumber("chosen")
    kept.restart(first=number)

    assert kept.entries()[0].body == b"[1, 2"
    assert len(kept) == 3


def test_a_number_that_was_reserved_appears_late() -> None:
    """A record can appear below the head."""
    kept = book()
    early = kept.reserve()
    head = kept.put({"id": 1})
    kept.put({"id": 2}, number=early)

    assert [entry.number for entry in kept.entries()] == [early, head]
    assert kept.maximum == head


def test_one_number_holds_one_record() -> None:
    """Another record cannot be put where one stands; the same one can."""
    kept = book()
    number = kept.put({"id": 1})
    kept.put({"id": 1, "name": "again"}, number=number)

    with pytest.raises(ValueError, match="has the number"):
        kept.put({"id": 2}, number=number)


def test_unknown_records_cannot_be_removed() -> None:
    """Removing what is not there is a mistake."""
    with pytest.raises(KeyError):
        book().remove("nobody")


def test_hidden_records_cannot_be_read_by_their_key() -> None:
    """A filter hides them everywhere."""
    kept = book()
    kept.put({"id": 1})
    assert kept.get(1)
    kept.hide(1)

    assert kept.get(1) is None
    assert kept.get(2) is None


def test_decimals_are_served_exactly() -> None:
    """A decimal of a document keeps its digits."""
    kept = book()
    kept.put({"id": 1, "value": Decimal("0.10000000000000000001")})

    assert b'"value":0.10000000000000000001,' in kept.entries()[0].body
    assert kept.documents()[0]["value"] == Decimal("0.10000000000000000001")


def test_pages_before_a_number_end_with_it() -> None:
    """The last records up to a number, or from the beginning if there are fewer."""
    kept = book(widest_gap=1)
    for id in range(5):
        kept.put({"id": id})

    assert [entry.number for entry in kept.page_before(4, 2).entries] == [3, 4]
    assert [entry.number for entry in kept.page_before(1, 2).entries] == [1, 2]
    assert book().page_before(4, 2).entries == ()


def test_large_books_are_quick() -> None:
    """A page of a thousand out of 100,000 is encoded in a few milliseconds, also after many records moved."""
    kept = book()
    record = {"text": "x" * 2000}
    for id in range(100_000):
        kept.put({"id": id, **record})
    for id in range(0, 100_000, 100):
        kept.renumber(id)
    middle = kept.page(0, 50_000).maximum
    begin = time.perf_counter()
    for _ in range(20):
        kept.page(middle, 1000).encode()

    assert (time.perf_counter() - begin) / 20 < 0.01


def test_readers_and_writers_do_not_disturb_each_other() -> None:
    """While records move, a page never holds a record twice and stays in order."""
    kept = book()
    for id in range(500):
        kept.put({"id": id})
    done = threading.Event()

    def move() -> None:
        for turn in range(3000):
            kept.renumber(turn % 500)
        done.set()

    writer = threading.Thread(target=move)
    writer.start()
    while not done.is_set():
        entries = kept.page(0, 1000).entries
        assert len({entry.key for entry in entries}) == len(entries) == 500
        assert [entry.number for entry in entries] == sorted(entry.number for entry in entries)
    writer.join()
