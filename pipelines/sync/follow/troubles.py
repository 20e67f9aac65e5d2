"""What fails for several rounds is reported once, and once more when it works again."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from pipelines.sync.follow.poller import Key
from pipelines.text_format import counted, span

_PARTICULARS = re.compile(r"/\S+|\d+")  # paths and numbers, which differ between feeds that fail for one reason


@dataclass
class Troubles:
    """What fails now: for each account and feed, why and since when."""

    _known: dict[Key, tuple[str, float]] = field(default_factory=dict)

    def began(self, failures: Mapping[Key, str], now: float) -> Iterator[str]:
        """One line for each new reason, with the first feed that fails for it and the number of others."""
        new: dict[tuple[str, str], list[Key]] = {}
        for key, message in failures.items():
            reason = _PARTICULARS.sub("", message)
            before, since = self._known.get(key, (None, now))
            if before != reason:
                new.setdefault((key[0], reason), []).append(key)
            self._known[key] = (reason, since)
        for keys in new.values():
            yield ": ".join(filter(None, (_subject(keys), failures[keys[0]])))

    def ended(self, well: Collection[Key], now: float) -> Iterator[str]:
        """One line for each account whose feeds work again, with the time that they failed."""
        ended: dict[str, list[tuple[Key, float]]] = {}
        for key in sorted(self._known.keys() & set(well)):
            ended.setdefault(key[0], []).append((key, self._known.pop(key)[1]))
        for found in ended.values():
            length = timedelta(seconds=now - min(since for _, since in found))
            subject = _subject([key for key, _ in found])
            yield f"{f'{subject}: w' if subject else 'W'}orks again, after {span(length)}"

    @property
    def summary(self) -> str | None:
        """What fails, in a few words; None for nothing."""
        return f"{counted(len(self._known), 'failure')}" if self._known else None


def _subject(keys: list[Key]) -> str:
    """The first account and feed, and the number of other feeds."""
    others = f" and {counted(len(keys) - 1, 'other feed')}" if len(keys) > 1 else ""
    return " · ".join(filter(None, keys[0])) + others
