"""The texts of alerts: short, plain, and with a hint where to look."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pipelines.alerts import Alert, bounded
from pipelines.orchestration.assets.freshness import Concern, Trouble
from pipelines.text_format import moment

UI_ADDRESS = "DAGSTER_WEBSERVER_URL"  # the variable with the address of Dagster's UI, for links; it need not be set
_ADDRESS = re.compile(r"https?://[^\s@?#]+")
_NAMES = 4


def failed(reasons: Mapping[str, str], head: str, ended: dt.datetime, link: str) -> Alert:
    """A run failed, for the reason of each feed or other step; ``head`` begins a sentence about the run and its job."""
    names: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        names.setdefault(reason, []).append(name)
    lines = [f"{_listed(each)}: {reason}" for reason, each in names.items()]
    text = bounded([f"{head} at {moment(ended)}.", *lines], last=link)
    return Alert(f"Floriday: {_counted(list(reasons))} failed", text, "failure")


def recovered(since: Mapping[str, dt.datetime], link: str) -> Alert:
    """What failed before works again; ``since`` is the time of the first failure of each feed, or other step."""
    verb = "works" if len(since) == 1 else "work"
    lines = [f"{name}, which failed since {moment(began)}" for name, began in since.items()]
    return Alert(f"Floriday: {_counted(list(since))} {verb} again", bounded(lines, last=link), "success")


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
    """Feeds, by account and name, that have no problem any more."""
    names = [" ".join(each) for each in feeds]
    verb = "is" if len(names) == 1 else "are"
    return Alert(
        f"Floriday: {_counted(names)} {verb} current again",
        bounded(names, last="Changes that Floriday stopped serving meanwhile, if any, cannot be read any more."),
        "success",
    )


def where_to_look(environ: Mapping[str, str], run_id: str) -> str:
    """A sentence with the link to a run, if the environment contains the address of the UI."""
    address = environ.get(UI_ADDRESS, "").strip().rstrip("/")
    return f"Look at {address}/runs/{run_id}" if _ADDRESS.fullmatch(address) else "Look at the run in Dagster."


def _counted(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names):,} feeds"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES:,} more" if len(names) > _NAMES else ""
    return f"{', '.join(names[:_NAMES])}{more}"
