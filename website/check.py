"""Check the HTML of the site: each link leads to a file and an anchor of it; nothing is loaded from other servers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADED = {"script": "src", "img": "src", "source": "src", "iframe": "src", "link": "href"}
_IN_CSS = re.compile(r"(?:url\(\s*['\"]?|@import\s+['\"])((?:https?:)?//[^'\")\s]+)")


class _Parts(HTMLParser):
    """The anchors, links and loaded files of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record one element."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if (name := _LOADED.get(tag)) and name in values:
            self.loaded.append(values[name])


def problems(folder: Path) -> list[str]:
    """The problems of a site in a folder, one line each; none if it is right."""
    pages = {path: _Parts(path.read_text(encoding="utf-8")) for path in sorted(folder.rglob("*.html"))}
    found = [f"{css.relative_to(folder)} loads {url}" for css in folder.rglob("*.css") for url in _urls(css)]
    for path, page in pages.items():
        name = path.relative_to(folder)
        found += [f"{name} loads {url}" for url in page.loaded if urlsplit(url).netloc]
        found += [f"{name} links to {url}" for url in {*page.links, *page.loaded} if not _leads(url, path, pages)]
    return sorted(found)


def _urls(css: Path) -> Iterator[str]:
    yield from _IN_CSS.findall(css.read_text(encoding="utf-8"))


def _leads(url: str, page: Path, pages: dict[Path, _Parts]) -> bool:
    """Whether a link leads somewhere; those to other servers are not followed."""
    parts = urlsplit(url)
    if parts.scheme or parts.netloc:
        return True
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page.resolve()
    if not target.is_file():
        return False
    known = pages.get(target)
    return known is None or parts.fragment in {"", *known.anchors}
