"""The glossary: ``glossary.md`` of this package, of which ``make docs`` writes ``docs/glossary.md``."""

from __future__ import annotations

import sys
from importlib import resources


def glossary_page() -> str:
    """The whole page."""
    return (resources.files(__package__) / "glossary.md").read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.stdout.write(glossary_page())
