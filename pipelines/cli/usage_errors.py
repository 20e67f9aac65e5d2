"""One sentence about an argument or an option that Typer refuses: what it expects, and where it is explained."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from typer.exceptions import TyperException
from typer.main import get_group

from pipelines.cli.app import app
from pipelines.text_format import nearest

_INVALID = re.compile(r"Invalid value for (.+?): ")
_CHOICES = re.compile(r"is not one of (.+)$")
_NUMBERS = {
    "int_parsing": "expects a whole number",
    "greater_than_equal": "expects a whole number of at least {ge}",
    "less_than_equal": "expects a whole number of at most {le}",
}
"""What the number of an option has to be, by pydantic's type of the error."""


def usage_error(error: TyperException, arguments: Sequence[str]) -> str:
    """What is wrong with the arguments of a command, and which help explains it."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "floriday"
    if path == "floriday" and arguments and arguments[0] in get_group(app).commands:
        path = f"floriday {arguments[0]}"
    return f"{_problem(error)} (see: {path} --help)"


def _problem(error: TyperException) -> str:
    text = error.format_message().rstrip(".")
    if option := getattr(error, "option_name", None) if text.startswith("No such option") else None:
        if " " in option:  # `query "-- a comment …"`
            return "an argument that begins with -- is read as an option: write -- and a space before it"
        return f"No such option: {option}{_likely_option(option, error)}"
    if not (found := _INVALID.match(text)):
        return f"{text}{_reason_of_extra(text, error)}"
    names = re.findall(r"'(.+?)'", found[1])
    name = next((each for each in names if each.startswith("--")), names[0])
    return f"{name} {_expectation(error)}"


def _likely_option(option: str, error: Any) -> str:
    """The nearest option of the command, as the end of a sentence; nothing if none is near."""
    known = [name.lstrip("-") for each in error.ctx.command.params for name in each.opts if name.startswith("--")]
    near = nearest(option.lstrip("-"), known, 1)
    return f", did you mean --{near[0]}?" if near else ""


def _reason_of_extra(text: str, error: Any) -> str:
    """Why there may be more arguments than the command takes, as the end of a sentence; empty for another error."""
    if "unexpected extra argument" not in text:
        return ""
    command = error.ctx.command
    if command.name == "query":
        return ': put the whole SQL in quotes, such as "SELECT 1"'
    takes = [each.metavar or each.name.upper() for each in command.params if each.param_type_name == "argument"]
    return f": it takes only {' '.join(takes)}; put a value with spaces in quotes" if takes else ": it takes none"


def _expectation(error: Any) -> str:
    """What the value has to be: pydantic's first error in our own words, else the message of our own parser."""
    errors = getattr(error.__cause__, "errors", None)
    found = errors(include_url=False)[0] if errors else {}
    if found.get("type") in _NUMBERS:
        expected = _NUMBERS[found["type"]].format(**found.get("ctx", {}))
    elif choices := _CHOICES.search(error.message.rstrip(".")):
        *first, last = re.findall(r"'(.+?)'", choices[1])
        expected = f"expects {', '.join(first)} or {last}" if first else f"expects {last}"
    else:
        return str(error.message).rstrip(".").removeprefix("Value error, ")
    return f"{expected}, not {found['input']!r}" if "input" in found else expected
