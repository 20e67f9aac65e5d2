"""The Markdown elements of the pages, as GitHub renders them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

NOTHING = "–"


def code(text: str) -> str:
    """Text as code; an empty text as a dash."""
    return f"`{text}`" if text else NOTHING


def codes(texts: Iterable[str]) -> str:
    """Several texts as code, separated by commas."""
    return ", ".join(code(text) for text in texts) or NOTHING


def prose(text: str) -> str:
    """Text with escaped Markdown characters, also for the cell of a table."""
    escaped = "".join(f"\\{letter}" if letter in "\\|*<`[" else letter for letter in text)
    return " ".join(escaped.split())


def grid(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def bullets(items: Iterable[str]) -> str:
    """A list."""
    return "".join(f"- {item}\n" for item in items)


def page(*blocks: str) -> str:
    """A page of blocks, separated by empty lines; empty blocks are left out."""
    return "\n\n".join(block.strip("\n") for block in blocks if block) + "\n"
