"""The contents of the files in a folder, read while other processes write to it."""

from __future__ import annotations

from pathlib import Path


def written_below(folder: Path) -> dict[Path, bytes]:
    """Return the content of each file; files that disappear meanwhile, such as a database's log, are left out."""
    contents = {}
    for path in folder.rglob("*"):
        try:
            contents[path] = path.read_bytes()
        except (FileNotFoundError, IsADirectoryError):
            continue
    return contents


def settings_apart(files: dict[Path, bytes]) -> dict[Path, bytes]:
    """Return the files without `.env`, the only file that may contain secrets."""
    return {path: content for path, content in files.items() if path.name != ".env"}
