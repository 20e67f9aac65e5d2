"""What stands in the files of a folder, although others are at work in it."""

from __future__ import annotations

from pathlib import Path


def written_below(folder: Path) -> dict[Path, bytes]:
    """Each file's content; one that goes away while it is looked for, such as a database's log, is left out."""
    found = {}
    for path in folder.rglob("*"):
        try:
            found[path] = path.read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            continue
    return found


def settings_apart(files: dict[Path, bytes]) -> dict[Path, bytes]:
    """The files without the one that holds the secrets, and may."""
    return {path: content for path, content in files.items() if path.name != ".env"}
