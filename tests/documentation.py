"""The commands, queries and outputs in README.md, AGENTS.md and docs/, as they are written there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile

from tests.command_line import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "AGENTS.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs").glob("[!d]*/*.md")),
]
"""All pages except the data dictionary."""

NOT_QUERIED = {
    "docs/tools/dbt.md": "a model of dbt, which is no SQL yet",
    "docs/reports/": "the SQL of the reports, which have tests of their own",
}
"""The pages, or folders of pages, whose SQL is not executed, and why."""

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^ *(?:\$ )?(?:\.venv/bin/)?floriday (.*)$", re.DOTALL)
_IN_A_SENTENCE = re.compile(r"`((?:\.venv/bin/)?floriday [^`]+)`")

_OTHER = re.compile(r"(?:(?<=^)|(?<=`)|(?<=&& ))(?:make [a-z]|\.venv/bin/(?!floriday))[^\n`|>]*", re.MULTILINE)

Command = tuple[str, tuple[str, ...]]
"""The name of a page, and the arguments of a command on it."""


def fences() -> Iterator[tuple[str, str, str]]:
    """Yield the name of the page, the language and the text of each fence."""
    for page in PAGES:
        for language, text in _FENCE.findall(page.read_text(encoding="utf-8")):
            yield str(page.relative_to(ROOT)), language, text


def commands() -> list[Command]:
    """Return the commands in fences, and in sentences those with arguments, each of them once for a page."""
    in_fences = (
        (page, match[1])
        for page, language, text in fences()
        if language in {"", "text"}
        for line in _logical_lines(text)
        if (match := _COMMAND.match(line))
    )
    in_sentences = (
        (str(page.relative_to(ROOT)), match[1])
        for page in PAGES
        for text in _IN_A_SENTENCE.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))
        if (match := _COMMAND.match(" ".join(text.split()))) and " " in match[1]  # a name alone is no call
    )
    found = ((page, _arguments(line)) for page, line in (*in_fences, *in_sentences))
    return list(dict.fromkeys((page, line) for page, line in found if not line[0].startswith("-")))


def other_commands() -> list[Command]:
    """Return the commands of the checkout's other programs, and of make, in fences and in sentences."""
    texts = ((str(page.relative_to(ROOT)), page.read_text(encoding="utf-8")) for page in PAGES)
    found = ((page, match[0]) for page, text in texts for match in _OTHER.finditer(text))
    return list(dict.fromkeys((page, _arguments(line)) for page, line in found))


def _arguments(line: str) -> tuple[str, ...]:
    """Return the arguments of a command up to a redirection or a pipe."""
    return tuple(takewhile(lambda part: part not in {"<", ">", "|"}, shlex.split(line, comments=True)))


def _logical_lines(text: str) -> Iterator[str]:
    """Yield lines; one with an open quotation mark continues on the next."""
    line = ""
    for part in text.splitlines():
        line = f"{line}\n{part}" if line else part
        if line.partition(" # ")[0].count('"') % 2 == 0:
            yield line
            line = ""


def statements() -> list[tuple[str, str]]:
    """Return each SQL statement in a fence with its page."""
    return [
        (page, statement.strip())
        for page, language, text in fences()
        for statement in text.split(";")
        if language == "sql" and statement.strip() and not page.startswith(tuple(NOT_QUERIED))
    ]
