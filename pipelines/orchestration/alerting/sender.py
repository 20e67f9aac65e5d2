"""What both sensors use: sending an alert, and the cursor that stores what was sent."""

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
class AlertSender:
    """Sends the alerts of one tick; ``report`` contains what was sent and what failed, for the tick to show."""

    addresses: Sequence[SecretStr]
    log: logging.Logger
    report: list[str] = field(default_factory=list)

    def send(self, alert: Alert) -> bool:
        """Send an alert to all addresses; returns whether at least one accepted it."""
        failures = [f"{failure} (FLORIDAY_ALERTS)" for failure in send(self.addresses, alert)]
        is_sent = len(failures) < len(self.addresses)
        self.report += [f"{'sent' if is_sent else 'not sent, the next tick tries again'}: {alert.title}", *failures]
        for failure in failures:
            self.log.warning(failure)
        return is_sent


def read_cursor(text: str | None, kind: type[_Cursor]) -> _Cursor | None:
    """The content of a sensor's cursor; None before the first tick, and if the cursor was edited to something else."""
    try:
        return msgspec.json.decode(text or "", type=kind)
    except msgspec.DecodeError:
        return None


def cursor_text(cursor: msgspec.Struct) -> str:
    """A cursor as the text that Dagster stores."""
    return msgspec.json.encode(cursor).decode()
