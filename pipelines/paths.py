"""The path of a DuckDB file: the one file that every name of it leads to, and whether DuckDB can work there.

DuckDB keeps its write-ahead log beside the name that it was given, and we keep the lock file there. So two names for
one file would mean two logs and two locks.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

LONGEST_NAME = 200
"""Bytes of a file's name: file systems allow 255, and the files beside it have longer names."""

_BREAKS_LINES = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode's categories of control characters, half characters and line breaks."""

_BESIDE = ("wal", "lock", "holder", "turn", "read", "tmp", "part", "compact", "redact")
"""Suffixes of the files that DuckDB and we keep beside a database, for a time at least."""


def real_path(path: Path) -> Path:
    """The absolute path of the file that a path leads to, without links and ``..``; the file need not be there."""
    try:
        return Path(os.path.realpath(path))
    except ValueError:  # the system cannot have such a name, as `unfit_name` tells
        return path.absolute()


def unfit_name(path: Path) -> str | None:
    """What a path of a database file is expected to be instead, in a phrase; None where DuckDB can work with it.

    Args:
        path: as :func:`real_path` gives it.
    """
    text = str(path)
    if "?" in text:
        return "expects a path without a question mark: DuckDB would put its write-ahead log elsewhere"
    if any(unicodedata.category(character) in _BREAKS_LINES for character in text):
        return "expects a path in UTF-8 without control characters and line breaks"
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        return f"expects a file name of {LONGEST_NAME} bytes or less: other files beside it have longer names"
    if path.is_symlink():
        return "expects a path that leads to a file: its links lead in a circle"
    if path.exists() and not path.is_file():
        return "expects the path of a file"
    return None


def has_other_names(path: Path) -> bool:
    """Whether a file is there under several names (hard links); which one is the file's own, nobody can tell."""
    try:
        return path.stat().st_nlink > 1
    except OSError:
        return False


OTHER_NAMES = "expects a file with one name: this one has several (hard links), and each would have a log and a lock"
"""What is wrong where :func:`has_other_names`."""


def stands_beside(path: Path, database: Path) -> bool:
    """Whether a path is that of a database file, or of one that DuckDB or we keep beside it; both real paths."""
    if path.parent != database.parent:
        return False
    rest = path.name.removeprefix(f"{database.name}.").split(".")[0]
    return path == database or (path.name.startswith(f"{database.name}.") and rest in _BESIDE)


def bears_name_of(path: Path, database: Path) -> bool:
    """Whether a path leads to a database file, or into its folder to a name that begins with the file's.

    Args:
        path: as a user gave it; links are followed.
        database: the file, as :func:`real_path` gives it.
    """
    real = real_path(path)
    return real.parent == database.parent and real.name.startswith(database.name)
