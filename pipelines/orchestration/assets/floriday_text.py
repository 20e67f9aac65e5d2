"""Text that came from Floriday, as Dagster may store and show it: names of fields, values, keys, rows of reports.

Dagster renders descriptions of check results and Markdown metadata as Markdown: there the text is code, and means only
itself. In tables and JSON, which Dagster shows as they are, it is one visible line. It is short in both.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import islice

from pipelines.text_format import one_line

LONGEST = 80
"""Characters of one text."""

NAMED = 10
"""Texts that one description lists."""

_BACKTICKS = re.compile("`+")


def visible(text: str) -> str:
    """The text in one short line, without control, format and direction characters."""
    return one_line(text, LONGEST)


def as_code(text: str, *, in_table: bool = False) -> str:
    """The same as a code span of Markdown, which nothing in the text can end.

    Args:
        text: of any content.
        in_table: whether it stands in a cell of a Markdown table, which ends at a bar, also within code.
    """
    line = visible(text)
    fence = "`" * (max(map(len, _BACKTICKS.findall(line)), default=0) + 1)
    space = " " if line[:1] in ("", "`") or line[-1:] == "`" else ""
    shown = line.replace("|", "\\|") if in_table else line
    return f"{fence}{space}{shown}{space}{fence}"


def listed_as_code(texts: Collection[str]) -> str:
    """Several texts as code, of many the first few."""
    more = f" and {len(texts) - NAMED:,} more" if len(texts) > NAMED else ""
    return f"{', '.join(map(as_code, islice(texts, NAMED)))}{more}"


def first_visible(texts: Iterable[str], count: int) -> list[str]:
    """The first few of several texts, each in one short line, without those that look the same then."""
    return list(islice(dict.fromkeys(map(visible, texts)), count))
