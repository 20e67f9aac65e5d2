"""Write the dictionary: ``python -m pipelines.dictionary docs/dictionary``."""

from __future__ import annotations

import sys
from pathlib import Path

from pipelines.dictionary.pages import pages


def write(folder: Path) -> None:
    """Write all pages to a folder, and remove the pages of schemas that no longer exist."""
    texts = {folder / name: text for name, text in pages().items()}
    for path in set(folder.rglob("*.md")) - set(texts):
        path.unlink()
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
