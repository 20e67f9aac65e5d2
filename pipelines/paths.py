"""Paths of DuckDB files: the real path behind links, and whether DuckDB can use it.

DuckDB keeps its write-ahead log beside the path that it was given, and this program its lock file. So two names of one
file would have two logs and two locks.
"""

from __future__ import annotations

import os
import unicodedata
from contextlib import suppress
from pathlib import Path

LONGEST_NAME = 200  # bytes of a file name: file systems allow 255, and companion files have longer names
_FORBIDDEN_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}  # Unicode categories of control characters, surrogates and line breaks

_COMPANION_SUFFIXES = ("wal", "lock", "holder", "turn", "read", "tmp", "part", "compact", "redact")
"""Suffixes of the files that DuckDB and this program keep beside a database, some of them temporarily."""


def real_path(path: Path) -> Path:
    """The absolute path without links and ``..``; the file need not exist."""
    try:
        return Path(os.path.realpath(path))
    except ValueError:  # a name that the system does not allow, which `path_problem` reports
        return path.absolute()


def path_problem(path: Path, *, allows_hard_links: bool = False) -> str | None:
    """Why the real path of a database file cannot be used, as a phrase "expects …"; None where it can.

    ``allows_hard_links`` is for files that may have several names.
    """
    return _name_problem(path) or _file_problem(path, allows_hard_links=allows_hard_links)


def _name_problem(path: Path) -> str | None:
    text = str(path)
    if "?" in text:
        return "expects a path without a question mark: DuckDB would put its write-ahead log elsewhere"
    if any(unicodedata.category(character) in _FORBIDDEN_CATEGORIES for character in text):
        return "expects a path in UTF-8 without control characters and line breaks"
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        return f"expects a file name of {LONGEST_NAME} bytes or less: other files beside it have longer names"
    return None


def _file_problem(path: Path, *, allows_hard_links: bool) -> str | None:
    if path.is_symlink():
        return "expects a path that leads to a file: its links lead in a circle"
    if path.exists() and not path.is_file():
        return "expects the path of a file"
    with suppress(OSError):
        if not allows_hard_links and path.stat().st_nlink > 1:
            return (
                "expects a file with one name: this one has several (hard links), and each would have a log and a lock"
            )
    return None


def default_published_path(warehouse: Path) -> Path:
    """The path of the published copy of a warehouse, given by its real path, unless the settings name another one."""
    return warehouse.with_name(f"{warehouse.name.removesuffix('.duckdb')}.published.duckdb")


def is_database_or_companion(path: Path, database: Path) -> bool:
    """Whether a path is that of a database file or of one of its companion files; both are real paths."""
    if path.parent != database.parent:
        return False
    suffix = path.name.removeprefix(f"{database.name}.").split(".")[0]
    return path == database or (path.name.startswith(f"{database.name}.") and suffix in _COMPANION_SUFFIXES)


def has_name_of(path: Path, database: Path) -> bool:
    """Whether a path leads to a file beside the database file whose name begins with the name of the database.

    Links in ``path`` are followed; ``database`` is a real path.
    """
    real = real_path(path)
    return real.parent == database.parent and real.name.startswith(database.name)
