"""The page of the settings and ``.env.example`` agree with the settings' own types."""

from __future__ import annotations

import re

import pytest

from pipelines.cli.docs.settings_reference import Variable, groups, reference
from pipelines.settings.load import NAMES
from tests.command_line import ROOT


@pytest.fixture(scope="module")
def example() -> str:
    """The text of ``.env.example``."""
    return (ROOT / ".env.example").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def variables(example: str) -> dict[str, Variable]:
    """The variables of ``.env.example`` by name."""
    return {each.name: each for group in groups(example).values() for each in group}


def test_the_page_is_up_to_date(example: str) -> None:
    """``make docs`` would not change the page."""
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == reference(example)


def test_every_variable_is_explained_once(example: str, variables: dict[str, Variable]) -> None:
    """``.env.example`` has each variable that the settings know with a comment, and the page has those besides."""
    lines = re.findall(r"(?m)^(?:# )?FLORIDAY_(\w+)=", example)
    on_page = re.findall(r"(?m)^### `FLORIDAY_(\w+)`$", reference(example))

    assert sorted(set(lines)) == sorted(variables)
    assert sorted(on_page) == sorted(name for name in NAMES if not name.endswith("_FILE"))


def test_values_of_the_example_are_the_defaults(variables: dict[str, Variable]) -> None:
    """A value in ``.env.example`` has the same effect as no value, except for one that is called an example."""
    given = {name: each for name, each in variables.items() if each.value}

    assert {name for name, each in given.items() if not each.has_default()} == {"API_KEYS"}
    assert "Default: `15m`" in [*given["PUBLISH_EVERY"].facts()]
    assert 'Example: `{"name": "key", "other name": "other key"}`' in [*given["API_KEYS"].facts()]


def test_values_to_choose_from_have_their_labels(variables: dict[str, Variable]) -> None:
    """The addresses of staging and live are listed with their labels, which are no part of the explanation."""
    facts = [*variables["BASE_URL"].facts()]

    assert "Staging: `https://api.staging.floriday.io/suppliers-api-2026v1`" in facts
    assert "Live: `https://api.floriday.io/suppliers-api-2026v1`" in facts
    assert "Staging" not in variables["BASE_URL"].text
    assert variables["AUTH_URL"].labelled.keys() == {"Staging", "Live"}


def test_required_and_secret_variables_are_marked(variables: dict[str, Variable]) -> None:
    """The page says which variables a call to Floriday needs, and which may come from a file of their own."""
    facts = {name: " ".join(each.facts()) for name, each in variables.items()}

    required = {"CLIENT_ID", "CLIENT_SECRET", "AUTH_URL", "BASE_URL"}
    assert {name for name, text in facts.items() if text.startswith("Required")} == required
    assert {name for name, text in facts.items() if "is a secret" in text} == {
        name.removesuffix("_FILE") for name in NAMES if name.endswith("_FILE")
    }


def test_a_wrong_default_is_called_an_example() -> None:
    """A value that differs from the default of the type is not shown as default."""
    assert not Variable("PUBLISH_EVERY", "", "16m").has_default()
    assert Variable("PUBLISH_EVERY", "", "900s").has_default()
