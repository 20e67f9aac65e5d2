"""Text from Floriday in a form that Dagster may store and show: names of fields, values, keys, rows of reports.

Dagster renders the descriptions of check results and Markdown metadata as Markdown: there the text is a code span, so
that nothing in it is markup. Tables and JSON show text as it is: there it is one line without invisible characters.
Both are short.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from itertools import islice

from pipelines.text_format import one_line

LONGEST = 80  # most characters of one text
MOST_LISTED = 10  # most texts that one description lists
_BACKTICKS = re.compile("`+")


def visible(text: str) -> str:
    """The text in one short line, without control, format and direction characters."""
    return one_line(text, LONGEST)


def as_code(text: str, *, in_table: bool = False) -> str:
    """The same as a code span of Markdown, which nothing in the text can end; in a table, bars are escaped too."""
    line = visible(text)
    fence = "`" * (max(map(len, _BACKTICKS.findall(line)), default=0) + 1)
    space = " " if line[:1] in ("", "`") or line[-1:] == "`" else ""
    shown = line.replace("|", "\\|") if in_table else line
    return f"{fence}{space}{shown}{space}{fence}"


def listed_as_code(texts: Collection[str]) -> str:
    """The first texts as code, and the number of the others."""
    more = f" and {len(texts) - MOST_LISTED:,} more" if len(texts) > MOST_LISTED else ""
    return f"{', '.join(map(as_code, islice(texts, MOST_LISTED)))}{more}"


def first_visible(texts: Iterable[str], count: int) -> list[str]:
    """The first ``count`` texts, each in one short line, without duplicates of these lines."""
    return list(islice(dict.fromkeys(map(visible, texts)), count))
