"""The page of the Python API is generated from the docstrings, and has every public name."""

from __future__ import annotations

import re

import pytest

from pipelines import api
from pipelines.cli.docs.python_reference import reference
from tests.command_line import ROOT


@pytest.fixture(scope="module")
def text() -> str:
    """The page as it is generated now."""
    return reference()


def test_the_page_is_up_to_date(text: str) -> None:
    """``make docs`` would not change the page."""
    assert (ROOT / "docs" / "python-api.md").read_text(encoding="utf-8") == text


def test_every_public_name_and_method_has_a_section(text: str) -> None:
    """Each public name of the API has a heading, and so has each public method of its classes."""
    assert sorted(re.findall(r"(?m)^## (\w+)$", text)) == sorted(api.__all__)
    methods = {name for name in vars(api.Warehouse) if not name.startswith("_")}
    assert set(re.findall(r"(?m)^### Warehouse\.(\w+)$", text)) == methods


def test_arguments_and_errors_are_lists(text: str) -> None:
    """The arguments and errors of a docstring become lists, without the markup of docstrings."""
    section = text.partition("\n### Warehouse.query\n")[2].partition("\n### ")[0]

    assert "\nArgs:\n\n- `sql`: the statement" in section
    assert "\n- `QueryTimeoutError`: it took longer" in section
    assert ":meth:" not in text
    assert not re.search(r"(?<!`)``(?!`)", text)
