"""The file to which Dagster's processes write their output: limited in size, and read without colours."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

LONGEST = 5_000_000  # size in bytes at which the file is moved to ``….1`` and begun anew
_TAIL = 20_000
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class ServerLog:
    """The log file of one start, for this user only; the file of the previous start is moved aside."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.exists():
            path.replace(self._previous)
        path.touch(mode=0o600)
        self._position = 0

    @property
    def _previous(self) -> Path:
        return self.path.with_name(f"{self.path.name}.1")

    def opened(self) -> int:
        """A descriptor that appends, also after the file was truncated."""
        return os.open(self.path, os.O_WRONLY | os.O_APPEND)

    def new_lines(self) -> list[str]:
        """The complete lines since the last call."""
        with self.path.open("rb") as file:
            file.seek(self._position)
            lines = file.read()
        complete = lines[: lines.rfind(b"\n") + 1]
        self._position += len(complete)
        return _plain(complete)

    def last_lines(self, count: int) -> list[str]:
        """The newest lines."""
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - _TAIL))
            return _plain(file.read())[-count:]

    def keep_short(self) -> None:
        """Move the content aside if there is too much; processes that write to the file are not affected."""
        if self.path.stat().st_size > LONGEST:
            shutil.copyfile(self.path, self._previous)
            os.truncate(self.path, 0)
            self._position = 0


def _plain(text: bytes) -> list[str]:
    lines = _COLOURS.sub("", text.decode(errors="replace")).splitlines()
    return ["".join(letter if letter.isprintable() else " " for letter in line).rstrip() for line in lines]
