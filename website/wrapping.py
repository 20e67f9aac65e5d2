"""Places at which a browser may break long names, so that wide tables fit on the page."""

from __future__ import annotations

import re

_NAME = re.compile(r'(?<=<span class="pre">)[^<\s]{16,}(?=</span>)')
_BREAK = re.compile(r"(?<=[a-z0-9])([_.,/])(?=[A-Za-z])|(?<=[a-z])()(?=[A-Z])")


def with_breaks(html: str) -> str:
    """The page with ``<wbr>`` after the words of each long name in code; copied text does not contain it."""
    return _NAME.sub(lambda found: _BREAK.sub(r"\1<wbr>", found[0]), html)
