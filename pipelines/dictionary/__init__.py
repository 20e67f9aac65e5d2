"""The data dictionary, ``docs/dictionary``: every table and column of a warehouse, generated from the catalogue.

``make docs`` writes it; a test fails when it is out of date.
"""

from __future__ import annotations

from pipelines.dictionary.pages import api_pages, pages

__all__ = ["api_pages", "pages"]
