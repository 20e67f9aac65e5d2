"""Write the dictionary anew: ``python -m pipelines.dictionary docs/dictionary``."""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.dictionary.pages import pages


def write(folder: Path) -> None:
    """Write all pages below a folder, and remove pages of schemas that are no more."""
    made = {folder / name: text for name, text in pages().items()}
    for path in set(folder.rglob("*.md")) - set(made):
        path.unlink()
    for path, text in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
