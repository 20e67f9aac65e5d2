"""``llms.txt``: the list of all pages for assistants that read the site, in the form that llmstxt.org describes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from website.pages import FIRST, Pages, address

_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)


def llms_txt(pages: Pages, prefix: str = "") -> str:
    """The whole file; ``prefix`` is written before the path of each page."""
    title, summary = pages.texts[FIRST].split("\n\n")[:2]
    blocks = [title, "\n".join(f"> {line}" for line in summary.splitlines())]
    blocks.append("Each page is Markdown at its path with `.md`, and HTML with `.html`.")
    for heading, entries in pages.sections.items():
        lines = []
        for entry in entries:
            lines.append(f"- [{entry.title}]({prefix}{address(entry.path)}): {_plain(entry.note)}")
            lines += _below(pages, entry.path, prefix)
        blocks.append("\n".join((f"## {heading}", "", *lines)))
    return "\n\n".join(blocks) + "\n"


def _below(pages: Pages, page: str, prefix: str) -> Iterator[str]:
    for each in list(pages.walk(page))[1:]:
        found = _TITLE.search(pages.texts[each])
        assert found, each
        yield f"- [{found[1]}]({prefix}{address(each)})"


def _plain(note: str) -> str:
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", note)
