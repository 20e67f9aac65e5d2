"""The drawing of a query plan on a terminal that is narrower: in parts, one below the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_TOP = re.compile(r"[┌╭]─[^┌╭┐╮]*[┐╮]")
_BOTTOM_LEFT = "└╰"


class _Box(NamedTuple):
    """A box of a drawing: its first and last line, and its first column and the one after its last."""

    top: int
    bottom: int
    left: int
    right: int


def parts_of(lines: Sequence[str], width: int) -> Iterator[list[str]]:
    """The drawing in parts of at most ``width`` columns, each box whole in one of them if it is narrow enough."""
    boxes, longest = _boxes(lines), max(map(len, lines), default=0)
    begin = 0
    while begin < longest:
        end = begin + width
        cut = [box for box in boxes if box.right - box.left > width]
        later = [box for box in boxes if box.left > begin and box.right > end]
        earlier = [box for box in boxes if box.left < begin and box not in cut]
        yield _part(lines, [*earlier, *later], begin, min(end, longest))
        follows = min((box.left for box in later), default=longest)
        begin = min(follows, end) if any(box.left <= begin and box.right > end for box in cut) else follows


def _boxes(lines: Sequence[str]) -> list[_Box]:
    return [
        _Box(top, _bottom(lines, top, found.start()), found.start(), found.end())
        for top, line in enumerate(lines)
        for found in _TOP.finditer(line)
    ]


def _bottom(lines: Sequence[str], top: int, left: int) -> int:
    """The last line of the box with this upper left corner."""
    below = range(top + 1, len(lines))
    return next((row for row in below if lines[row][left : left + 1] in {*_BOTTOM_LEFT}), len(lines) - 1)


def _part(lines: Sequence[str], left_out: Sequence[_Box], begin: int, end: int) -> list[str]:
    rows = [list(line) for line in lines]
    for box in left_out:
        for row in rows[box.top : box.bottom + 1]:
            row[box.left : box.right] = " " * len(row[box.left : box.right])
    part = ["".join(row[begin:end]).rstrip() for row in rows]
    while part and not part[-1]:
        part.pop()
    return part
