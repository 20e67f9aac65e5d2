"""The texts of the dashboard in Dutch, and the limits of its traffic lights."""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path

import pytest

from pipelines.dashboard.page import PROGRAMS
from pipelines.dashboard.thresholds import OWN_FILE, default_thresholds, thresholds_of
from pipelines.errors import UsageError

LITERAL = r'"(?:[^"\\]|\\.)*"'
CALL = re.compile(rf"(?<![\w.])t\(\s*({LITERAL}(?:\s*\+\s*{LITERAL})*)")
CHOICE = re.compile(rf"(?<![\w.])t\([^\"()]*\? ({LITERAL}) : ({LITERAL})")
MARKUP = re.compile(r'data-text="([^"]*)"')


def page_file(name: str) -> str:
    """Return the text of a file of the page."""
    return (resources.files("pipelines.dashboard") / "page" / name).read_text(encoding="utf-8")


def joined(literals: str) -> str:
    """Return the text of string literals that are added up."""
    return "".join(json.loads(literal) for literal in re.findall(LITERAL, literals))


def dutch() -> dict[str, str]:
    """Return the Dutch texts by their English form."""
    pairs = re.findall(rf"^  ({LITERAL}):\s*({LITERAL}),$", page_file("dutch.js"), re.MULTILINE)
    return {json.loads(english): json.loads(text) for english, text in pairs}


def english() -> set[str]:
    """Return the texts of the page that are translated."""
    programs = "\n".join(page_file(name) for name in PROGRAMS if name != "dutch.js")
    calls = {joined(match[1]) for match in CALL.finditer(programs)}
    choices = {json.loads(text) for match in CHOICE.finditer(programs) for text in match.groups()}
    return calls | choices | set(MARKUP.findall(page_file("page.html")))


def test_each_text_has_a_dutch_form() -> None:
    """Each English text of the page has a Dutch form, with the same values in braces."""
    texts, translated = english(), dutch()

    assert len(texts) > 150
    assert texts - translated.keys() == set()
    values = re.compile(r"\{\w+\}")
    different = {text for text in texts if set(values.findall(text)) != set(values.findall(translated[text]))}
    assert different == set()


def test_no_dutch_text_is_unused() -> None:
    """A Dutch text is that of a text of the page, or a constant of Floriday, without braces or full stop."""
    constants = dutch().keys() - english()

    assert all(re.fullmatch(r"[A-Z][A-Za-z ]+", text) for text in constants)


def test_each_party_has_one_name() -> None:
    """Texts speak of growers and customers, not of us, you, suppliers or buyers; packages are "stuks fust"."""
    names = {
        "English": (english(), r"\b(our|us|we|your|you|suppliers?|buyers?|sellers?)\b"),
        "Dutch": (dutch().values(), r"\b(ons|onze|wij|uw|u|leveranciers?|kopers?|verkopers?|fusten)\b"),
    }

    for texts, others in names.values():
        assert [text for text in texts if re.search(others, text, re.IGNORECASE)] == []


def test_own_limits_replace_some_defaults(tmp_path: Path) -> None:
    """A file in the folder of the warehouse replaces the limits that it names."""
    (tmp_path / OWN_FILE).write_text("fill_rate = { green = 0.9, red = 0.5 }\n", encoding="utf-8")

    assert thresholds_of(tmp_path) == {**default_thresholds(), "fill_rate": {"green": 0.9, "red": 0.5}}
    assert thresholds_of(tmp_path / "other") == default_thresholds()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fil_rate = { green = 1, red = 0 }", "there is no figure 'fil_rate'.*fill_rate"),
        ("fill_rate = { green = 1 }", "fill_rate needs two numbers"),
        ('fill_rate = { green = "high", red = 0 }', "fill_rate needs two numbers"),
        ("fill_rate = {", "cannot be read"),
    ],
)
def test_wrong_limits_are_explained(text: str, message: str, tmp_path: Path) -> None:
    """A file with an unknown figure, a missing limit, or another type, raises an error that explains it."""
    (tmp_path / OWN_FILE).write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match=message):
        thresholds_of(tmp_path)
