"""The links of a Markdown page, without those in code."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

_FENCE = re.compile(r"(^ *```.*?^ *```$)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?![a-z]+:)([^)#\s]*)(#[^)\s]*)?\)")


class Link(NamedTuple):
    """A link to a file of the repository.

    Args:
        mark: ``!`` for a picture, else empty.
        label: the text that is shown.
        path: the path of the file, relative to the page; empty for the page itself.
        anchor: the heading with ``#``, or empty.
    """

    mark: str
    label: str
    path: str
    anchor: str

    def target(self, page: str) -> str:
        """The path of the file in the repository, for a link on a page with this path."""
        return posixpath.normpath(posixpath.join(posixpath.dirname(page), self.path)) if self.path else page


def links(text: str) -> Iterator[Link]:
    """Yield the links of a page in order."""
    for part in _FENCE.split(text)[::2]:
        yield from (_link(found) for found in _LINK.finditer(part))


def replaced(text: str, replacement: Callable[[Link], str]) -> str:
    """The page with another text for each link."""
    parts = _FENCE.split(text)
    parts[::2] = [_LINK.sub(lambda found: replacement(_link(found)), part) for part in parts[::2]]
    return "".join(parts)


def _link(found: re.Match[str]) -> Link:
    return Link(found[1], found[2], found[3], found[4] or "")
