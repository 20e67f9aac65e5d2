"""The pages of the site: their Markdown files in the repository, and their order, which follows from the links.

``docs/index.md`` is the first page. Each of its headings is a section of the navigation, and the list below it has the
pages of the section. The pages in the folder of a page (``docs/operations/*.md`` for ``docs/operations.md``,
``docs/tools/*.md`` for ``docs/tools/README.md``) are below it, in the order in which it links to them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from website.links import links

FIRST = "docs/index.md"
ROOT_PAGES = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
"""The pages outside of ``docs``."""

_ITEM = re.compile(r"^- \[([^\]]+)\]\(([^)]+)\): (.+(?:\n  .+)*)", re.MULTILINE)


class Entry(NamedTuple):
    """A page in a list of the first page.

    Args:
        title: its title in the navigation.
        path: its path in the repository.
        note: what it contains, in a phrase.
    """

    title: str
    path: str
    note: str


class Pages:
    """The Markdown files of a repository that are pages of the site.

    Args:
        root: folder of the repository.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def texts(self) -> dict[str, str]:
        """The text of each page by its path in the repository."""
        paths = [*(self.root / name for name in ROOT_PAGES), *sorted((self.root / "docs").rglob("*.md"))]
        return {path.relative_to(self.root).as_posix(): path.read_text(encoding="utf-8") for path in paths}

    @cached_property
    def sections(self) -> dict[str, list[Entry]]:
        """The pages that the first page lists, by the heading above them."""
        parts = re.split(r"(?m)^## (.+)$", self.texts[FIRST])
        return {heading: list(_entries(text)) for heading, text in zip(parts[1::2], parts[2::2], strict=True)}

    def below(self, page: str) -> list[str]:
        """The pages directly below a page, in the order in which it links to them; those without a link come last."""
        if page == FIRST or "/" not in page:
            return []
        folder = page.removesuffix("README.md").removesuffix(".md").rstrip("/") + "/"
        own = [each for each in self.texts if each.startswith(folder) and each != page]
        direct = [each for each in own if "/" not in each.removeprefix(folder).removesuffix("/README.md")]
        order = [link.target(page) for link in links(self.texts[page])]
        return sorted(direct, key=lambda each: order.index(each) if each in order else len(order))

    def walk(self, page: str) -> Iterator[str]:
        """Yield a page and all pages below it."""
        yield page
        for each in self.below(page):
            yield from self.walk(each)


def _entries(text: str) -> Iterator[Entry]:
    for title, path, note in _ITEM.findall(text):
        page = path.removeprefix("../") if path.startswith("../") else f"docs/{path}"
        yield Entry(title, page, " ".join(note.split()))


def address(page: str) -> str:
    """The path of a page on the site, with ``.md``."""
    path = page.removeprefix("docs/")
    if path == "README.md":  # that of the repository, which the first page of the site replaces
        return "index.md"
    if path == page:
        return path.lower()
    return path.replace("README.md", "index.md")
