"""The HTML file: markup, style, scripts and content in one, with a policy against loading and sending anything."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from string import Template

PROGRAMS = (
    "content.js",
    "dutch.js",
    "language.js",
    "form.js",
    "sums.js",
    "comparison.js",
    "charts.js",
    "tables.js",
    "periods.js",
    "sales.js",
    "deliveries.js",
    "carriers.js",
    "invoices.js",
    "lists.js",
    "departures.js",
    "prices.js",
    "complaints.js",
    "contracts.js",
    "filters.js",
    "choosers.js",
    "pictures.js",
    "feeds.js",
    "summary.js",
    "sections.js",
    "health.js",
    "page.js",
)
"""In the order of execution: each uses those before it."""
LIBRARY = "vendor/echarts.common.min.js"

_CACHE, _SAFE_CACHE = "this._map={}", "this._map=Object.create(null)"
"""The library's cache of measured texts, and its replacement on the page: texts are its keys, and with a label such as
``__proto__`` the original form writes to ``Object.prototype``."""


def page_of(content: str) -> str:
    """The whole page with the packed content, which needs no escaping in HTML."""
    style, programs = _text("page/page.css"), [_library(), _programs()]
    return Template(_text("page/page.html")).substitute(
        policy=_policy(style, programs), style=style, library=programs[0], program=programs[1], content=content
    )


def page_version() -> str:
    """A text that changes when the page changes, apart from its content."""
    return hashlib.sha256(page_of("").encode()).hexdigest()[:12]


def _policy(style: str, programs: Iterable[str]) -> str:
    """A content security policy: nothing is loaded, and only these scripts are executed, no text of the data.

    The chart library sets the ``style`` attributes of its drawings; they cannot load anything either.
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
    """The chart library, changed so that no text becomes a key of an object with a prototype."""
    text = _text(LIBRARY)
    assert text.count(_CACHE) == 2, "another version of the library: check its caches again"
    return text.replace(_CACHE, _SAFE_CACHE)


@cache
def _programs() -> str:
    parts = "\n".join(_text(f"page/{name}") for name in PROGRAMS)
    return f'"use strict";\n(async () => {{\n{parts}\n}})();'


@cache
def _text(name: str) -> str:
    return (resources.files("pipelines.dashboard") / name).read_text(encoding="utf-8")
