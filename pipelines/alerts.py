"""Send an alert: one short message to every configured address, within a time limit.

What is worth an alert, and how often, is decided in ``orchestration.alerting``.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Thread, current_thread
from typing import TYPE_CHECKING, Literal

from pydantic import SecretStr

from pipelines.settings.receivers import last_warning, receiver

if TYPE_CHECKING:
    from apprise import NotifyBase

SEND_SECONDS = 15.0  # time limit for all addresses together
MAX_CHARACTERS = 950  # maximum length of a text; among the usual services, the lowest limit is a thousand
_TRANSPORT_LOGGERS = ("urllib3.connectionpool", "urllib3.util.retry")
_STATUS = re.compile(r"error=(\d{3})\b")


@dataclass(frozen=True)
class Alert:
    """One message."""

    title: str  # what happened, in one line
    text: str  # plain text, the same for every service; ``bounded`` limits its length
    kind: Literal["info", "success", "warning", "failure"] = "info"  # many services show it as a colour
    attachment: Path | None = None  # a file, for the services that take one; mail does


def bounded(lines: Iterable[str], *, last: str = "") -> str:
    """The lines as one text of at most ``MAX_CHARACTERS``: as many as fit, the number of omitted ones, and ``last``.

    The most important line comes first, and none is longer than half of ``MAX_CHARACTERS``.
    """
    waiting, taken, room = list(lines), list[str](), MAX_CHARACTERS - len(last) - len("\n… and 1,000,000 more\n")
    while waiting and len(waiting[0]) < room:
        room -= len(waiting[0]) + 1
        taken.append(waiting.pop(0))
    more = [f"… and {len(waiting):,} more"] if waiting else []
    return "\n".join([*taken, *more, *filter(None, [last])])


def send(addresses: Sequence[SecretStr], alert: Alert, *, seconds: float = SEND_SECONDS) -> list[str]:
    """Send an alert to all addresses concurrently, within so many seconds for all of them together.

    Returns:
        One line for each failure, which names the position and the service of the address, and nothing else of it.
    """
    for name in _TRANSPORT_LOGGERS:
        logging.getLogger(name).addFilter(_is_not_of_delivery)
    deliveries = [_Delivery(f"address {index}", address, alert) for index, address in enumerate(addresses, start=1)]
    ends = time.monotonic() + seconds
    for delivery in deliveries:
        delivery.start()
    for delivery in deliveries:
        delivery.join(max(0.0, ends - time.monotonic()))
    return [f"{delivery.name} {delivery.failure}" for delivery in deliveries if delivery.failure is not None]


class _Delivery(Thread):
    """The thread that sends an alert to one address; it is abandoned if the receiver does not answer in time."""

    def __init__(self, name: str, address: SecretStr, alert: Alert) -> None:
        self._receiver = receiver(address.get_secret_value())
        service = self._receiver.service_name if self._receiver else "unreadable"
        super().__init__(name=f"{name} ({service})", daemon=True)
        self.failure: str | None = "did not take the alert in time"
        self._alert = alert

    def run(self) -> None:
        """Send the alert, and keep the reason of a failure."""
        is_sent = self._receiver is not None and _notify(self._receiver, self._alert)
        self.failure = None if is_sent else _reason(last_warning())


def _is_not_of_delivery(_: logging.LogRecord) -> bool:
    """Whether a log record is not of a delivery: at level DEBUG, those contain paths with tokens."""
    return not isinstance(current_thread(), _Delivery)


def _notify(service: NotifyBase, alert: Alert) -> bool:
    from apprise import Apprise, NotifyFormat, NotifyType  # noqa: PLC0415 - the import takes long, and few need it

    kind = NotifyType(alert.kind)
    attachment = None if alert.attachment is None else str(alert.attachment)
    return bool(
        Apprise(service).notify(
            alert.text, alert.title, notify_type=kind, body_format=NotifyFormat.TEXT, attach=attachment
        )
    )


def _reason(warning: str) -> str:
    """Why a receiver did not accept an alert, without any part of its address."""
    status = _STATUS.search(warning)
    if status is not None:
        return f"answered {status[1]}"
    return "cannot be connected to" if "onnection error" in warning else "did not take the alert"
