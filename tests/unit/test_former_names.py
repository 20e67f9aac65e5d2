"""Stored records of other versions of the API get the present names of their fields."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.catalogue.types import Int64, Record, Text, field
from pipelines.normalize.former_names import former_names, with_present_names


class Leaf(Record):
    """A leaf."""

    size: Int64 = field("its size", formerly=("length", "width"))


class Branch(Record):
    """A branch."""

    leaves: list[Leaf] = field("its leaves", formerly=("twigs",))
    leaf: Leaf | None = field("its first leaf")


NAMES = former_names(Branch)
PRESENT = {"twigs": "leaves"}
PRESENT_OF_LEAF = {"length": "size", "width": "size"}
WORDS = ("leaves", "twigs", "leaf", "size", "length", "width", "other", "größe")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5),
    max_leaves=20,
)


def renamed(value: Any, names: dict[str, str]) -> Any:
    """Return an object with present names, as an independent definition."""
    if isinstance(value, list):
        return [renamed(each, names) for each in value]
    if not isinstance(value, dict):
        return value
    result = {}
    for name, inner in value.items():
        present = names.get(name, name)
        present = name if present in value else present
        is_nested = names is PRESENT and present in ("leaves", "leaf")
        result[present] = renamed(inner, PRESENT_OF_LEAF) if is_nested else inner
    return result


@given(record=st.dictionaries(st.sampled_from(WORDS), VALUES, max_size=6))
def test_exactly_the_former_names_are_replaced(record: dict[str, Any]) -> None:
    """Fields get their present names where the catalogue says so, and all values stay as they are."""
    if "length" in json.dumps(record) and "width" in json.dumps(record):
        return  # two former names of one field in one object: either may be kept
    (text,) = with_present_names([json.dumps(record, ensure_ascii=False).encode()], NAMES)

    assert json.loads(text) == renamed(record, PRESENT)


def test_values_are_not_decoded() -> None:
    """Numbers and texts keep their bytes, also those that no decoder accepts."""
    raw = rb'{"twigs" : [ {"length": 1.10e+2}, null ],"other":"\ud800","more":NaN}'

    assert with_present_names([raw], NAMES) == [rb'{"leaves":[{"size":1.10e+2},null],"other":"\ud800","more":NaN}']


@pytest.mark.parametrize("raw", [b"", b"[]", b'"twigs"', b'{"twigs":[', b'{"twigs" 1}', b"\xff\xfe"])
def test_what_is_no_object_stays(raw: bytes) -> None:
    """A record that is not a JSON object is left for the reader to reject."""
    assert with_present_names([raw], NAMES) == [raw]


def test_a_record_without_former_names_is_not_read() -> None:
    """A record of the present version keeps every byte, blanks too."""
    raw = b'{ "leaves" : [ ] }'

    assert with_present_names([raw], NAMES) == [raw]


class Plain(Record):
    """A record without former names."""

    word: Text = field("a word")


def test_most_records_have_no_former_names() -> None:
    """Without former names, nothing has to be searched."""
    assert not former_names(Plain)
