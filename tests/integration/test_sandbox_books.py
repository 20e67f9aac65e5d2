"""The sandbox's books keep Floriday's rules of sequence numbers through any changes."""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.sandbox import Book


def book(**options: Any) -> Book:
    """An empty book whose records have the key ``id``."""
    return Book(("id",), **options)


def numbers_of_all_pages(records: Book, limit: int) -> list[int]:
    """The sequence numbers that reading all pages returns."""
    after, numbers = 0, []
    while (page := records.page(after, limit)).maximum > after:
        numbers += [entry.number for entry in page.entries]
        after = page.maximum
    return numbers


actions = st.lists(
    st.tuples(st.sampled_from(["put", "remove", "renumber", "hide", "show", "restart", "late"]), st.integers(0, 9))
)


@settings(deadline=None)
@given(actions, st.integers(1, 5))
def test_reading_all_pages_returns_each_visible_record_once(steps: list[tuple[str, int]], limit: int) -> None:
    """After any changes, pages of any size contain each visible record once, in ascending order of sequence numbers."""
    records, visible = book(), {}
    for version, (action, id) in enumerate(steps):
        if action == "put" or (action == "late" and id not in visible):
            records.put({"id": id, "version": version}, number=records.reserve() if action == "late" else None)
            visible[id] = True
        elif action == "restart":
            records.restart()
        elif id in visible and action == "remove":
            records.remove(id)
            del visible[id]
        elif id in visible and action != "late":
            getattr(records, action)(id)
            visible[id] = {"hide": False, "show": True}.get(action, visible[id])

    numbers = [entry.number for entry in records.entries()]
    assert numbers_of_all_pages(records, limit) == numbers == sorted(set(numbers))
    assert {record["id"] for record in records.documents()} == {id for id, is_visible in visible.items() if is_visible}
    assert [record["sequenceNumber"] for record in records.documents()] == numbers
    assert records.maximum >= max(numbers, default=0)
    assert len(records) == len(visible)


def test_a_changed_record_gets_a_higher_number() -> None:
    """A changed record gets a higher number and is served there only, and numbers have gaps."""
    records = book(seed="any")
    first = records.put({"id": 1, "name": "before"})
    records.put({"id": 2})
    second = records.put({"id": 1, "name": "after"})

    assert [record["name"] for record in records.documents() if record["id"] == 1] == ["after"]
    assert second > first
    assert any(records.put({"id": id}) > records.maximum + 1 for id in range(50)) or records.maximum > 60


def test_the_first_number_and_the_gaps_can_be_chosen() -> None:
    """The first number and the widest gap can be set."""
    records = book(first=100, widest_gap=1)

    assert [records.put({"id": id}) for id in range(3)] == [101, 102, 103]


def test_renumbering_changes_only_the_number() -> None:
    """A renumbering changes the sequence number of a record and no other byte."""
    records = book()
    records.put(b'{"id":"a","value":1.10,"sequenceNumber":5,"nested":{"x": 1e2}}')
    number = records.renumber("a")

    assert records.entries()[0].body == b'{"id":"a","value":1.10,"sequenceNumber":%d,"nested":{"x": 1e2}}' % number


def test_invalid_records_are_stored_unchanged() -> None:
    """Content that is not a record, or has no key, is stored unchanged, also when the book restarts."""
    records = book()
    records.put(b"[1, 2")
    number = records.put(b'{"name":"no id"}')
    records.put(b"{}", key=("chosen",))
    records.renumber("chosen")
    records.restart(first=number)

    assert records.entries()[0].body == b"[1, 2"
    assert len(records) == 3


def test_a_reserved_number_appears_late() -> None:
    """A record can appear late, under a reserved number below the maximum."""
    records = book()
    early = records.reserve()
    head = records.put({"id": 1})
    records.put({"id": 2}, number=early)

    assert [entry.number for entry in records.entries()] == [early, head]
    assert records.maximum == head


def test_a_number_belongs_to_one_record() -> None:
    """A number that one record has is refused for another record."""
    records = book()
    number = records.put({"id": 1})
    records.put({"id": 1, "name": "again"}, number=number)

    with pytest.raises(ValueError, match="has the number"):
        records.put({"id": 2}, number=number)


def test_unknown_records_cannot_be_removed() -> None:
    """Removing an unknown record raises a KeyError."""
    with pytest.raises(KeyError):
        book().remove("nobody")


def test_hidden_records_cannot_be_read_by_their_key() -> None:
    """A hidden record cannot be read by its key."""
    records = book()
    records.put({"id": 1})
    assert records.get(1)
    records.hide(1)

    assert records.get(1) is None
    assert records.get(2) is None


def test_decimals_are_served_exactly() -> None:
    """A decimal keeps all its digits."""
    records = book()
    records.put({"id": 1, "value": Decimal("0.10000000000000000001")})

    assert b'"value":0.10000000000000000001,' in records.entries()[0].body
    assert records.documents()[0]["value"] == Decimal("0.10000000000000000001")


def test_pages_before_a_number_end_with_it() -> None:
    """A page before a number contains the last records up to it, or the first records if there are fewer."""
    records = book(widest_gap=1)
    for id in range(5):
        records.put({"id": id})

    assert [entry.number for entry in records.page_before(4, 2).entries] == [3, 4]
    assert [entry.number for entry in records.page_before(1, 2).entries] == [1, 2]
    assert book().page_before(4, 2).entries == ()


def test_large_books_are_fast() -> None:
    """A page of 1,000 out of 100,000 records is encoded within 10 ms, also after many records moved."""
    records = book()
    record = {"text": "x" * 2000}
    for id in range(100_000):
        records.put({"id": id, **record})
    for id in range(0, 100_000, 100):
        records.renumber(id)
    middle = records.page(0, 50_000).maximum
    begin = time.perf_counter()
    for _ in range(20):
        records.page(middle, 1000).encode()

    assert (time.perf_counter() - begin) / 20 < 0.01


def test_readers_and_writers_do_not_disturb_each_other() -> None:
    """While records are renumbered, every page is in order and contains each record once."""
    records = book()
    for id in range(500):
        records.put({"id": id})
    done = threading.Event()

    def move() -> None:
        for turn in range(3000):
            records.renumber(turn % 500)
        done.set()

    writer = threading.Thread(target=move)
    writer.start()
    while not done.is_set():
        entries = records.page(0, 1000).entries
        assert len({entry.key for entry in entries}) == len(entries) == 500
        assert [entry.number for entry in entries] == sorted(entry.number for entry in entries)
    writer.join()
