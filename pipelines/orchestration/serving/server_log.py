"""What Dagster's processes print: a file that they write themselves, kept short, and read back without colours."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

LONGEST = 5_000_000
"""Bytes; a longer file is put aside as ``….1``, and begun anew."""

_TAIL = 20_000
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class ServerLog:
    """The file, begun anew; that of the last time is put aside.

    Args:
        path: where it is made, for this user alone.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists():
            path.replace(self._aside)
        path.touch(mode=0o600)
        self._told = 0

    @property
    def _aside(self) -> Path:
        return self.path.with_name(f"{self.path.name}.1")

    def opened(self) -> int:
        """A descriptor to write to, at the end whatever became of the file meanwhile."""
        return os.open(self.path, os.O_WRONLY | os.O_APPEND)

    def new_lines(self) -> list[str]:
        """The lines that have come since the last call."""
        with self.path.open("rb") as file:
            file.seek(self._told)
            lines = file.read()
        whole = lines[: lines.rfind(b"\n") + 1]
        self._told += len(whole)
        return _plain(whole)

    def last_lines(self, count: int) -> list[str]:
        """The newest lines."""
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - _TAIL))
            return _plain(file.read())[-count:]

    def keep_short(self) -> None:
        """Put aside what it holds once that is too much; those who write to it need not know."""
        if self.path.stat().st_size > LONGEST:
            shutil.copyfile(self.path, self._aside)
            os.truncate(self.path, 0)
            self._told = 0


def _plain(text: bytes) -> list[str]:
    lines = _COLOURS.sub("", text.decode(errors="replace")).splitlines()
    return ["".join(letter if letter.isprintable() else " " for letter in line).rstrip() for line in lines]
