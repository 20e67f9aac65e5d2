"""Short texts for people: times, durations, sizes, counts, and text of others in one line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

_SIMILAR_NAME, _SIMILAR_WORD = 0.6, 0.8  # parts of the letters that are the same, for a name and for a word of it


def moment(when: datetime) -> str:
    """``2026-07-30 12:00:00 UTC``."""
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def time_of_day(when: datetime) -> str:
    """``12:00:00 UTC``."""
    return f"{when.astimezone(UTC):%H:%M:%S} UTC"


def span(length: timedelta) -> str:
    """A duration in its largest unit of which there are two: ``12 days``, ``5 h``, ``59 min``, ``30 s``."""
    seconds = int(length.total_seconds())
    for unit, size, from_size in (("days", 86400, 2 * 86400), ("h", 3600, 2 * 3600), ("min", 60, 2 * 60)):
        if seconds >= from_size:
            return f"{seconds // size:,} {unit}"
    return f"{seconds} s"


def file_size(count: int) -> str:
    """Bytes in MB or GB with one decimal: ``812.3 MB``, ``1.4 GB``."""
    unit, name = (1e9, "GB") if count >= 1e9 else (1e6, "MB")
    return f"{count / unit:,.1f} {name}"


def counted(number: int, thing: str) -> str:
    """A number with its noun: ``1 page``, ``2,000 records``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def one_line(text: str, longest: int | None = None) -> str:
    """Text in one line of at most ``longest`` characters, without control, format and direction characters."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return line if longest is None or len(line) <= longest else f"{line[: longest - 1]}…"


def nearest(name: str, names: Iterable[str], count: int = 3) -> list[str]:
    """The names that are similar to ``name``, at most ``count``, the most similar one first; none if nothing is near.

    A name is similar if ``name`` is a part of it, or if it, its last part or one of its words has almost the same
    letters.
    """
    from difflib import SequenceMatcher  # noqa: PLC0415 - names are seldom misspelt, and every command starts with this module

    wanted = name.casefold()
    own_last = wanted.rpartition(".")[2]
    found: dict[str, tuple[bool, float]] = {}
    for other in names if wanted else ():
        known = other.casefold()
        last = known.rpartition(".")[2]
        whole = max(
            SequenceMatcher(None, *each).ratio() for each in {(wanted, known), (wanted, last), (own_last, last)}
        )
        word = max(SequenceMatcher(None, wanted, part).ratio() for part in re.split(r"[._ ]", known))
        is_part = wanted in known
        if is_part or whole >= _SIMILAR_NAME or word >= _SIMILAR_WORD:
            found[other] = (is_part, whole)
    return sorted(found, key=found.__getitem__, reverse=True)[:count]


def did_you_mean(name: str, names: Iterable[str], otherwise: str) -> str:
    """A question with the nearest names: ``did you mean a, b or c?``; ``otherwise`` if none is near."""
    *others, last = nearest(name, names) or [""]
    if not last:
        return otherwise
    return f"did you mean {', '.join(others)} or {last}?" if others else f"did you mean {last}?"
