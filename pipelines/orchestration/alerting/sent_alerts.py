"""What the sensors share: telling, and reading back what was told."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from pydantic import SecretStr

from pipelines.alerts import Alert, send

_Cursor = TypeVar("_Cursor")


@dataclass
class Teller:
    """Sends what there is to tell.

    Args:
        addresses: of FLORIDAY_ALERTS.
        log: of the tick.
        said: what the tick came to, in words.
    """

    addresses: Sequence[SecretStr]
    log: logging.Logger
    said: list[str] = field(default_factory=list)

    def tell(self, alert: Alert) -> bool:
        """Whether somebody was told; who was not is named in the tick and its log."""
        failures = [f"{failure} (FLORIDAY_ALERTS)" for failure in send(self.addresses, alert)]
        told = len(failures) < len(self.addresses)
        self.said += [f"{'told' if told else 'not told, tried again by the next tick'}: {alert.title}", *failures]
        for failure in failures:
            self.log.warning(failure)
        return told


def read_cursor(text: str | None, kind: type[_Cursor]) -> _Cursor | None:
    """What a sensor wrote into its cursor; None before its first tick, and for what somebody else wrote there."""
    try:
        return msgspec.json.decode(text or "", type=kind)
    except msgspec.DecodeError:
        return None


def written(cursor: msgspec.Struct) -> str:
    """A cursor as Dagster keeps it."""
    return msgspec.json.encode(cursor).decode()
