"""The file itself: markup, style, programs and content in one, and a policy that lets nothing else in or out."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from string import Template

PROGRAMS = ("form.js", "sums.js", "charts.js", "sections.js", "tables.js", "page.js")
"""In their order: each uses those before it."""
LIBRARY = "vendor/echarts.common.min.js"


def page_of(content: str) -> str:
    """The whole page.

    Args:
        content: packed, of letters that mean nothing in HTML.
    """
    style, programs = _text("page/page.css"), [_text(LIBRARY), _programs()]
    return Template(_text("page/page.html")).substitute(
        policy=_policy(style, programs),
        style=style,
        library=programs[0],
        program=programs[1],
        content=content,
    )


def _policy(style: str, programs: Iterable[str]) -> str:
    """Nothing is loaded from anywhere, and only what stands here is run: what a name smuggles in is neither.

    The chart library sets the ``style`` attributes of its drawings; with nothing to load from, they can only look.
    """
    scripts = " ".join(map(_hashed, programs))
    return (
        f"default-src 'none'; script-src {scripts}; style-src {_hashed(style)}; style-src-attr 'unsafe-inline';"
        " base-uri 'none'; form-action 'none'"
    )


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _programs() -> str:
    parts = "\n".join(_text(f"page/{name}") for name in PROGRAMS)
    return f'"use strict";\n(async () => {{\n{parts}\n}})();'


@cache
def _text(name: str) -> str:
    return (resources.files("pipelines.dashboard") / name).read_text(encoding="utf-8")
