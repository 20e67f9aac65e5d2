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

_CACHE, _SAFE_CACHE = "this._map={}", "this._map=Object.create(null)"
"""How the library's cache of measured texts begins, and how it does on the page: the texts are its keys, and with labels
such as ``__proto__`` the first form writes to ``Object.prototype``."""
_CACHES = 2


def page_of(content: str) -> str:
    """The whole page.

    Args:
        content: packed, of letters that mean nothing in HTML.
    """
    style, programs = _text("page/page.css"), [_library(), _programs()]
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
def _library() -> str:
    """The chart library, changed so that no text is a key of an object with a prototype."""
    text = _text(LIBRARY)
    assert text.count(_CACHE) == _CACHES, "another version of the library: look at its caches anew"
    return text.replace(_CACHE, _SAFE_CACHE)


@cache
def _programs() -> str:
    parts = "\n".join(_text(f"page/{name}") for name in PROGRAMS)
    return f'"use strict";\n(async () => {{\n{parts}\n}})();'


@cache
def _text(name: str) -> str:
    return (resources.files("pipelines.dashboard") / name).read_text(encoding="utf-8")
