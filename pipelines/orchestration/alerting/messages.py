"""The alerts' words: short, plain, and with where to look next."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pipelines.alerts import Alert, bounded
from pipelines.orchestration.assets.freshness import Concern, Trouble
from pipelines.text_format import moment

UI_ADDRESS = "DAGSTER_WEBSERVER_URL"
"""The variable that tells where Dagster's UI is, for links; there may be none."""

_ADDRESS = re.compile(r"https?://[^\s@?#]+")
_NAMES = 4


def failed(reasons: Mapping[str, str], head: str, ended: dt.datetime, look: str) -> Alert:
    """A run failed.

    Args:
        reasons: why each feed, or other step, failed.
        head: which run failed.
        ended: when.
        look: where to look.
    """
    names: dict[str, list[str]] = {}
    for what, reason in reasons.items():
        names.setdefault(reason, []).append(what)
    lines = [f"{_listed(each)}: {reason}" for reason, each in names.items()]
    text = bounded([f"{head} at {moment(ended)}.", *lines], last=look)
    return Alert(f"Floriday: {_counted(list(reasons))} failed", text, "failure")


def recovered(since: Mapping[str, dt.datetime], look: str) -> Alert:
    """What failed before works again.

    Args:
        since: when each feed, or other step, began to fail.
        look: where to look.
    """
    verb = "works" if len(since) == 1 else "work"
    lines = [f"{what}, which failed since {moment(began)}" for what, began in since.items()]
    return Alert(f"Floriday: {_counted(list(since))} {verb} again", bounded(lines, last=look), "success")


def began(troubles: Sequence[Trouble]) -> Alert:
    """Feeds are no longer fresh, or may lose changes."""
    worst_first = sorted(troubles, key=lambda trouble: list(Concern).index(trouble.concern))
    counts = Counter(trouble.concern for trouble in worst_first)
    title = ", ".join(f"{count} {'feed' if count == 1 else 'feeds'} {concern}" for concern, count in counts.items())
    return Alert(
        f"Floriday: {title}",
        bounded((trouble.line for trouble in worst_first), last="`floriday status` shows all feeds."),
        "failure" if Concern.LOST in counts else "warning",
    )


def over(feeds: Iterable[tuple[str, str]]) -> Alert:
    """Feeds, by account and name, of which nothing is wrong any more."""
    names = [" ".join(each) for each in feeds]
    verb = "is" if len(names) == 1 else "are"
    return Alert(
        f"Floriday: {_counted(names)} {verb} current again",
        bounded(names, last="What Floriday stopped serving meanwhile, if anything, cannot be read any more."),
        "success",
    )


def where_to_look(environ: Mapping[str, str], run_id: str) -> str:
    """A sentence that leads to a run.

    Args:
        environ: may tell where the UI is.
        run_id: of the run.
    """
    address = environ.get(UI_ADDRESS, "").strip().rstrip("/")
    return f"Look at {address}/runs/{run_id}" if _ADDRESS.fullmatch(address) else "Look at the run in Dagster."


def _counted(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names):,} feeds"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES:,} more" if len(names) > _NAMES else ""
    return f"{', '.join(names[:_NAMES])}{more}"
