"""Telling whom it concerns: one short message to every address of FLORIDAY_ALERTS, in bounded time.

What is worth telling, and how often, is not known here.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from threading import Thread, current_thread
from typing import TYPE_CHECKING, Literal

from pydantic import SecretStr

from pipelines.settings.receivers import last_warning, receiver

if TYPE_CHECKING:
    from apprise import NotifyBase

PATIENCE = 15.0
"""Seconds that all addresses together may take."""

LONGEST = 950
"""Characters of a text; the most sparing of the usual services takes a thousand."""

_TRANSPORTS = ("urllib3.connectionpool", "urllib3.util.retry")
_STATUS = re.compile(r"error=(\d{3})\b")


@dataclass(frozen=True)
class Alert:
    """One message.

    Args:
        title: what happened, in one line.
        text: plain text, the same for every service; :func:`bounded` keeps it short.
        kind: what it is about, which many services show as a colour.
    """

    title: str
    text: str
    kind: Literal["info", "success", "warning", "failure"] = "info"


def bounded(lines: Iterable[str], *, last: str = "") -> str:
    """The lines as one text of at most ``LONGEST`` characters: whole lines, and how many are left out.

    Args:
        lines: in the order of their worth; none is longer than half of ``LONGEST``.
        last: a line that is never left out.
    """
    waiting, taken, room = list(lines), list[str](), LONGEST - len(last) - len("\n… and 1,000,000 more\n")
    while waiting and len(waiting[0]) < room:
        room -= len(waiting[0]) + 1
        taken.append(waiting.pop(0))
    more = [f"… and {len(waiting):,} more"] if waiting else []
    return "\n".join([*taken, *more, *filter(None, [last])])


def send(addresses: Sequence[SecretStr], alert: Alert, *, patience: float = PATIENCE) -> list[str]:
    """Send an alert to every address at once.

    Args:
        addresses: as the settings give them.
        alert: the message.
        patience: seconds after which nobody is waited for any more.

    Returns:
        One line for each address that did not take it; of the address it tells its place and the service alone.
    """
    for name in _TRANSPORTS:
        logging.getLogger(name).addFilter(_of_others)
    deliveries = [_Delivery(f"address {place}", address, alert) for place, address in enumerate(addresses, start=1)]
    ends = time.monotonic() + patience
    for delivery in deliveries:
        delivery.start()
    for delivery in deliveries:
        delivery.join(max(0.0, ends - time.monotonic()))
    return [f"{delivery.name} {delivery.failure}" for delivery in deliveries if delivery.failure is not None]


class _Delivery(Thread):
    """One alert on its way to one address; a receiver that never answers is left behind with its thread."""

    def __init__(self, name: str, address: SecretStr, alert: Alert) -> None:
        found = receiver(address.get_secret_value())
        super().__init__(name=f"{name} ({found.service_name if found else 'unreadable'})", daemon=True)
        self.failure: str | None = "did not take the alert in time"
        self._receiver = found
        self._alert = alert

    def run(self) -> None:
        """Deliver, and note what became of it."""
        taken = self._receiver is not None and _notify(self._receiver, self._alert)
        self.failure = None if taken else _reason(last_warning())


def _of_others(_: logging.LogRecord) -> bool:
    """Whether a line of the transport is not a delivery's: at level DEBUG those tell paths, which hold tokens."""
    return not isinstance(current_thread(), _Delivery)


def _notify(found: NotifyBase, alert: Alert) -> bool:
    from apprise import Apprise, NotifyFormat, NotifyType  # noqa: PLC0415 - only who has alerts waits for it

    kind = NotifyType(alert.kind)
    return bool(Apprise(found).notify(alert.text, alert.title, notify_type=kind, body_format=NotifyFormat.TEXT))


def _reason(warning: str) -> str:
    """Why a receiver did not take an alert, without anything of its address."""
    status = _STATUS.search(warning)
    if status is not None:
        return f"answered {status[1]}"
    return "cannot be connected to" if "onnection error" in warning else "did not take the alert"
