"""Compares a specification of Floriday with the catalogue: what to change for another version of the API.

Operations and feeds are compared here, fields in ``record_comparison``. A person decides which changes to make.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pipelines.catalogue import Catalogue
from pipelines.catalogue.types import Feed, Snapshot, Source
from pipelines.catalogue.version_comparison.differences import ABSENT, Difference, Topic
from pipelines.catalogue.version_comparison.record_comparison import RecordComparison
from pipelines.catalogue.version_comparison.swagger import Operation, Specification, referred, unnamed
from pipelines.catalogue.versions import CALENDAR
from pipelines.errors import UsageError
from pipelines.floriday.endpoints import RateLimit

_NUMBER = "{sequenceNumber}"
_ANNOUNCED = re.compile(r"will be (main|deprecated|removed) after (\w+ \d{4})", re.IGNORECASE)


def compare(specification: Specification, catalogue: Catalogue) -> tuple[Difference, ...]:
    """All differences, sorted by topic; an empty tuple if the catalogue needs no change.

    Raises:
        UsageError: specification and catalogue are of different APIs.
    """
    if specification.api != catalogue.api:
        raise UsageError(f"the specification is of the {specification.api} API, not of the {catalogue.api} API")
    comparison = _Comparison(specification, catalogue)
    found = dict.fromkeys((*_version(specification, catalogue), *comparison.operations(), *comparison.records()))
    return tuple(sorted(found, key=lambda difference: list(Topic).index(difference.topic)))


def _version(specification: Specification, catalogue: Catalogue) -> Iterator[Difference]:
    if specification.version != catalogue.version:
        yield Difference(Topic.VERSION, "changed", "version", catalogue.version, specification.version)
    known = CALENDAR.get(specification.version)
    announced = _announced(specification.description)
    for state, stated in announced.items():
        day = getattr(known, f"{state}_from") if known else None
        if day != stated:
            yield Difference(Topic.VERSION, "calendar", f"{state}_from", str(day) if day else ABSENT, str(stated))


def _announced(description: str) -> dict[str, dt.date]:
    """The first day on which the version is main, deprecated and removed, from the text of its specification."""
    days: dict[str, dt.date] = {}
    for state, month in _ANNOUNCED.findall(description):
        try:
            begin = dt.datetime.strptime(month, "%B %Y").replace(tzinfo=dt.UTC).date()
        except ValueError:
            continue
        days[state.lower()] = (begin + dt.timedelta(days=31)).replace(day=1)
    return days


@dataclass(frozen=True)
class _Comparison:
    specification: Specification
    catalogue: Catalogue

    def operations(self) -> Iterator[Difference]:
        """Differences of feeds and snapshots: new, gone or moved ones, and their operations."""
        places = {feed: self._place(feed) for feed in self.catalogue.feeds}
        for new in sorted(self._feeds().keys() - set(places.values())):
            yield self._new_feed(new)
        for feed, path in places.items():
            if path is None:
                yield Difference(Topic.FEEDS, "gone", feed.name, feed.endpoint.sync, ABSENT)
                continue
            if path != feed.endpoint.sync:
                yield Difference(Topic.FEEDS, "moved", feed.name, feed.endpoint.sync, path)
            yield from self._feed(feed, path)
        for snapshot in self.catalogue.snapshots:
            yield from self._snapshot(snapshot)

    def records(self) -> Iterator[Difference]:
        """Differences of the fields and values of all records that the specification still has."""
        records = RecordComparison(self.specification)
        for source in self.catalogue.sources:
            if name := self._served(source):
                yield from records.compare(source.record, name)
        yield from records.values()

    def _feeds(self) -> dict[str, str]:
        """The record's name of each change feed in the specification, by path."""
        found = {path: self.specification.record_of(each) for path, each in self.specification.operations.items()}
        return {path: record for path, record in found.items() if record}

    def _place(self, feed: Feed) -> str | None:
        """The path of a feed in the specification: its own, else a new path that serves the same record."""
        feeds = self._feeds()
        if feed.endpoint.sync in feeds:
            return feed.endpoint.sync
        known = {each.endpoint.sync for each in self.catalogue.feeds}
        return next((path for path, name in feeds.items() if path not in known and name == feed.record.__name__), None)

    def _served(self, source: Source) -> str | None:
        """The name of a source's record in the specification."""
        if isinstance(source, Feed):
            return self._feeds().get(self._place(source) or "")
        assert isinstance(source, Snapshot)
        operation = self.specification.operations.get(source.path)
        return referred(operation.answer.items) if operation and operation.answer.items else None

    def _new_feed(self, path: str) -> Difference:
        operation = self.specification.operations[path]
        known = _page_parameter(operation)
        facts = (
            f"record {self._feeds()[path]}",
            f"scope {operation.scope or 'none'}",
            _rate(operation.rate),
            f"page parameter {known[0]}, at most {known[1] or 'the maximum in the summary'}"
            if known
            else "no page parameter",
            f"maximum {self._maximum(path) or 'none'}",
        )
        return Difference(Topic.FEEDS, "new", path, ABSENT, "; ".join(facts))

    def _feed(self, feed: Feed, path: str) -> Iterator[Difference]:
        endpoint, operation = feed.endpoint, self.specification.operations[path]
        name, maximum = _page_parameter(operation) or (ABSENT, None)
        # A few feeds have their maximum in the summary only.
        limit = str(maximum or endpoint.page_maximum)
        required = [each for each, parameter in operation.query.items() if parameter.required and each != name]
        filters = sorted(each for each in operation.query if each.startswith("postFilter"))
        facts = (
            ("record", feed.record.__name__, self._feeds()[path]),
            ("scope", feed.scope, operation.scope),
            ("rate", _rate(endpoint.rate), _rate(operation.rate)),
            ("page parameter", endpoint.page_parameter, name),
            ("page maximum", str(endpoint.page_maximum), limit),
            ("required parameters", endpoint.part_parameter or ABSENT, _listed(required)),
            ("filters", _listed(sorted(dict(endpoint.parameters))), _listed(filters)),
            ("by id", endpoint.by_id or ABSENT, self._by_id(feed, path)),
        )
        yield from _changes(feed.name, facts)
        yield from self._maximum_changes(feed, path)

    def _maximum_changes(self, feed: Feed, path: str) -> Iterator[Difference]:
        endpoint, found = feed.endpoint, self._maximum(path)
        yield from _changes(feed.name, [("max-sequence", endpoint.max_sequence or ABSENT, found or ABSENT)])
        if found and endpoint.max_sequence:
            operation = self.specification.operations[found]
            scope = endpoint.max_sequence_scope or feed.scope
            rates = _rate(endpoint.max_sequence_rate), _rate(operation.rate)
            yield from _changes(
                feed.name, [("max-sequence scope", scope, operation.scope), ("max-sequence rate", *rates)]
            )

    def _maximum(self, path: str) -> str | None:
        """The max-sequence operation of the feed at a path."""
        operations = self.specification.operations
        numbers = (each for each in operations if "max-sequence" in each and operations[each].answer.type == "integer")
        return next((each for each in numbers if self._owner(each) == path), None)

    def _owner(self, maximum: str) -> str | None:
        """The feed of a max-sequence operation: the one with the longest common path."""
        stems = {path: path.removesuffix(f"/{_NUMBER}").removesuffix("/sync") for path in self._feeds()}
        fitting = [path for path, stem in stems.items() if maximum.startswith(f"{stem}/")]
        return max(fitting, key=lambda path: len(stems[path]), default=None)

    def _by_id(self, feed: Feed, path: str) -> str:
        """The operation that reads one record of a feed: that of the catalogue if the specification has it."""
        name, operations = self._feeds()[path], self.specification.operations
        single = [
            each
            for each, operation in operations.items()
            if each.count("{") == 1 and each != path and referred(operation.answer) == name
        ]
        same = feed.endpoint.by_id and unnamed(feed.endpoint.by_id) in map(unnamed, single)
        return feed.endpoint.by_id if same and feed.endpoint.by_id else next(iter(single), ABSENT)

    def _snapshot(self, snapshot: Snapshot) -> Iterator[Difference]:
        operation = self.specification.operations.get(snapshot.path)
        if operation is None:
            yield Difference(Topic.FEEDS, "gone", snapshot.name, snapshot.path, ABSENT)
            return
        required = [name for name, parameter in operation.query.items() if parameter.required]
        facts = (
            ("record", snapshot.record.__name__, self._served(snapshot) or ABSENT),
            ("scope", snapshot.scope, operation.scope),
            ("rate", _rate(snapshot.rate), _rate(operation.rate)),
            ("required parameters", _listed(snapshot.parameters), _listed(required)),
        )
        yield from _changes(snapshot.name, facts)


def _page_parameter(operation: Operation) -> tuple[str, int | None] | None:
    """The name of the page size parameter, and its maximum."""
    for name, parameter in operation.query.items():
        if name.startswith("limit"):
            return name, int(parameter.maximum) if parameter.maximum else None
    return None


def _changes(where: str, facts: Sequence[tuple[str, str, str]]) -> Iterator[Difference]:
    """A difference for each fact (its name, the catalogue's value, the specification's value) with two values."""
    for what, ours, theirs in facts:
        if ours != theirs:
            yield Difference(Topic.OPERATIONS, what, where, ours, theirs or ABSENT)


def _rate(rate: RateLimit) -> str:
    return f"{rate.per_second:g} a second, burst {rate.burst}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or ABSENT
