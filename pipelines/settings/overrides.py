"""The options ``--env-file``, ``--warehouse`` and ``--cell`` of the command line, which override the variables."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Overrides:
    """What the options of a command name; None for what they do not.

    Args:
        env_file: file to read instead of the `.env` file that is looked for.
        warehouse: path of the DuckDB file, absolute.
        cell: name of the cell that the command works on.
    """

    env_file: Path | None = None
    warehouse: Path | None = None
    cell: str | None = None


_current = Overrides()


def current() -> Overrides:
    """The overrides of the running command."""
    return _current


@contextmanager
def overriding(env_file: Path | None, warehouse: Path | None, cell: str | None = None) -> Iterator[None]:
    """Apply the options to all settings that are loaded within the block; relative paths start here."""
    global _current  # noqa: PLW0603 - a process runs one command at a time
    before = _current
    _current = Overrides(env_file and env_file.absolute(), warehouse and warehouse.absolute(), cell)
    try:
        yield
    finally:
        _current = before
