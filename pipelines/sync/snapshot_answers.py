"""Requests for a snapshot, and what their answers prove; reading and storing them belongs to ``snapshot``."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

from pipelines.catalogue.tables import Table
from pipelines.catalogue.types import Snapshot
from pipelines.errors import ContradictingAnswersError
from pipelines.normalize.content import content_hash
from pipelines.normalize.rejected import key_of, readable_key
from pipelines.settings.values import AMSTERDAM
from pipelines.warehouse.load.rejected_records import OpenRecord


@dataclass(frozen=True)
class SnapshotRequest:
    """One request for a snapshot."""

    parameters: dict[str, str | int]
    within: dict[str, int] = field(default_factory=dict)  # values of key columns, within which the answer is complete

    def check(self, table: Table, records: Sequence[bytes]) -> None:
        """Check that no record has other values in the key columns than were requested; unreadable ones may be right.

        Raises:
            ContradictingAnswersError: a record has others, so the answer is that to another request.
        """
        expected = tuple(self.within.values())
        plain = _decoder(table, self.within)
        for raw in records if expected else ():
            if _plain_values(plain, raw) != expected and (found := self.contradiction(table, raw)):
                raise ContradictingAnswersError(
                    f"Floriday was asked for {_shown(self.within)}, and served a record of {_shown(found)}: nothing of"
                    " this answer was stored. Sync again; if that does not help, report it to Floriday"
                )

    def contradiction(self, table: Table, raw: bytes) -> dict[str, object]:
        """The record's values of the requested key columns, if one of them differs from the request; else empty."""
        values = readable_key(table, raw)
        found = {name: values[name] for name in self.within if name in values}
        return found if any(self.within[name] != value for name, value in found.items()) else {}


@dataclass(frozen=True, eq=False)
class SnapshotAnswer:
    """The answer to a request."""

    request: SnapshotRequest
    records: list[bytes]  # the list as received, each identical record once
    seconds: float

    @property
    def contents(self) -> Counter[bytes]:
        """The content hashes of its records."""
        return Counter(map(content_hash, self.records))


@dataclass(frozen=True)
class CompleteSnapshot:
    """The answers to all requests of a snapshot."""

    table: Table
    answers: Sequence[SnapshotAnswer]
    rejected: Collection[str | None]  # the keys of the rejected records; None for one without readable key

    def resolves(self, record: OpenRecord) -> bool:
        """Whether the answers prove that a record, which was rejected, is stored now or no longer exists.

        A record that is rejected without readable key may be any record that is not listed. Of other weeks than those
        that were requested the answers prove nothing.
        """
        if record.key is not None and record.key not in self.rejected and record.key in self._listed:
            return True
        raw = record.payload.encode()
        is_requested = any(not answer.request.contradiction(self.table, raw) for answer in self.answers)
        return is_requested and None not in self.rejected and record.key not in self.rejected

    @cached_property
    def _listed(self) -> set[str | None]:
        """The keys of all listed records."""
        return {key_of(self.table, raw) for answer in self.answers for raw in answer.records}


def snapshot_requests(snapshot: Snapshot, weeks: tuple[int, int], now: dt.datetime) -> list[SnapshotRequest]:
    """The requests that make up a snapshot; ``weeks``, first and last, are counted from this one."""
    if snapshot.asked_by == "moment":
        moment = now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return [SnapshotRequest({snapshot.parameters[0]: moment})]
    today = now.astimezone(AMSTERDAM).date()
    year, week = snapshot.parameters
    requests = []
    for offset in range(weeks[0], weeks[1] + 1):
        iso = (today + dt.timedelta(weeks=offset)).isocalendar()
        requests.append(SnapshotRequest({year: iso.year, week: iso.week}, {"year": iso.year, "week": iso.week}))
    return requests


def _decoder(table: Table, within: Mapping[str, int]) -> msgspec.json.Decoder[Any]:
    """A decoder for the requested key columns alone, many times as fast as the exact reading of a key."""
    paths = {column.name: (column.path or ("",))[0] for column in table.own_columns if column.name in within}
    return msgspec.json.Decoder(msgspec.defstruct("Within", [(name, Any, None) for name in within], rename=paths))


def _plain_values(decoder: msgspec.json.Decoder[Any], raw: bytes) -> tuple[int | None, ...]:
    """The whole numbers of the requested key columns; None for each that is written in another way."""
    try:
        values = msgspec.structs.astuple(decoder.decode(raw))
    except (ValueError, RecursionError):
        return ()
    return tuple(value if type(value) is int else None for value in values)


def _shown(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
