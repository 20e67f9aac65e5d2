"""The source of the site for Sphinx: the pages with links as the site needs them, and with their contents."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from website.diagrams import with_tables
from website.links import Link, replaced
from website.pages import FIRST, Pages, address


def texts(pages: Pages, repository: str = "") -> dict[str, str]:
    """The text of each page by its path on the site.

    Args:
        pages: the pages of the repository.
        repository: address of the files of the repository at the version of the site. Empty: links to files that are no
            pages become their labels.
    """
    return {address(page): text(pages, page, repository) for page in pages.texts}


def text(pages: Pages, page: str, repository: str) -> str:
    """The text of one page."""
    here = posixpath.dirname(address(page)) or "."

    def on_the_site(link: Link) -> str:
        target = link.target(page)
        if not link.path or link.mark:
            return f"{link.mark}[{link.label}]({link.path}{link.anchor})"
        if readme := next((each for each in (target, f"{target}/README.md") if is_page(pages, each)), None):
            label = _title(pages, readme) if is_name_of_file(link) else link.label
            return f"[{label}]({posixpath.relpath(address(readme), here)}{link.anchor})"
        return f"[{link.label}]({repository}/{target})" if repository else link.label

    return replaced(with_tables(pages.texts[page]), on_the_site)


def is_name_of_file(link: Link) -> bool:
    """Whether the label is the name of a file, which a reader of the site does not see."""
    return re.fullmatch(r"`?[\w./-]+\.md`?", link.label) is not None


def _title(pages: Pages, path: str) -> str:
    """The title of a page, as its heading has it; its path if it has none."""
    found = re.search(r"(?m)^# (.+)$", pages.texts.get(path, ""))
    return found[1] if found else path


def is_page(pages: Pages, path: str) -> bool:
    """Whether a file is a page of the site, or is replaced by one."""
    return path in pages.texts or path == "README.md"


def contents(pages: Pages, page: str) -> str:
    """The navigation below a page, as directives for Sphinx that show nothing on the page; empty if there is none."""
    if page == FIRST:
        parts = [_tree(heading, pages, page, [e.path for e in entries]) for heading, entries in pages.sections.items()]
        return "".join(parts)
    return _tree("", pages, page, pages.below(page)) if pages.below(page) else ""


def _tree(caption: str, pages: Pages, page: str, below: Iterable[str]) -> str:
    titles = {entry.path: entry.title for entries in pages.sections.values() for entry in entries}
    here = posixpath.dirname(address(page)) or "."
    lines = []
    for each in below:
        path = posixpath.relpath(address(each), here).removesuffix(".md")
        lines.append(f"{titles[each]} <{path}>" if page == FIRST and each in titles else path)
    option = f":caption: {caption}\n" if caption else ""
    return "\n".join(("\n```{toctree}", f":hidden:\n{option}", *lines, "```", ""))
