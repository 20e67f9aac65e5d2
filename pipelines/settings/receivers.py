"""Who takes alerts: addresses as the notification library reads them. They are secrets from end to end.

Sending something does not belong here.
"""

from __future__ import annotations

import logging
import re
import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING

from pydantic import SecretStr

from pipelines.settings.addresses import is_loopback

if TYPE_CHECKING:
    from apprise import NotifyBase

_BETWEEN = re.compile(r"[\s,]+(?=[a-z0-9]+://)", re.IGNORECASE)
"""A comma, or a line break in a file, ends an address only where another one begins behind it."""


def alerts(text: str) -> tuple[SecretStr, ...]:
    """Addresses of the notification library, comma separated; others' commas may stand inside them.

    Raises:
        ValueError: one cannot be read, or what is sent to it could reach others. The phrase reads on from the
            variable's name, and tells which one by its place.
    """
    addresses = _BETWEEN.split(text.strip(", \t\r\n"))
    for place, address in enumerate(addresses, start=1):
        which = f"address {place} of {len(addresses)}"
        found = None if any(map(str.isspace, address)) else _instance(address)
        if found is None or not len(found):
            raise ValueError(
                f"expects addresses such as jsons://host/path or mailtos://user:password@host, comma separated: {which}"
                " is none, or reaches nobody"
            )
        if _is_in_the_clear(found):
            raise ValueError(
                "expects addresses with TLS, such as jsons://… or mailtos://…, but for the loopback:"
                f" {which} ({found.service_name}) has none"
            )
        if _is_misled(found):
            raise ValueError(
                "expects addresses whose certificate is verified and that follow no redirect:"
                f" {which} ({found.service_name}) sets verify=no or redirect=yes"
            )
    return tuple(map(SecretStr, addresses))


def receiver(address: str) -> NotifyBase | None:
    """Who takes alerts at ``address``; None where the library cannot tell, or where a stranger could be handed them."""
    found = _instance(address)
    return None if found is None or _is_misled(found) else found


def _instance(address: str) -> NotifyBase | None:
    _load()
    from apprise import Apprise, AppriseAsset, PersistentStoreMode  # noqa: PLC0415 - only who has alerts waits for it

    asset = AppriseAsset(
        app_id="floriday-warehouse",
        async_mode=False,
        http_redirects=False,  # they would take the headers along, which hold tokens, and turn POST into GET
        interpret_emojis=False,
        pem_autogen=False,
        pgp_autogen=False,
        storage_mode=PersistentStoreMode.MEMORY,
    )
    try:
        return Apprise.instantiate(address, asset=asset)
    except Exception:  # noqa: BLE001 - some of its services fail over an odd address, and would quote it
        return None


@cache
def _load() -> None:
    """Import the library and all its services, which takes a third of a second, and keep it out of every log."""
    logging.getLogger("apprise").addFilter(_Withheld())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it looks for a module that Python has deprecated
        from apprise import Apprise  # noqa: PLC0415 - as above

        Apprise.instantiate("json://localhost")  # the first address, whichever it is, loads all services


class _Withheld(logging.Filter):
    """Lets nothing through, for the library quotes addresses; the last warning of each thread is remembered."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            _heard.warning = record.getMessage()
        return False


class _Heard(threading.local):
    warning = ""


_heard = _Heard()


def last_warning() -> str:
    """What the library last complained of in this thread. It may hold parts of an address: judge it, never show it."""
    return _heard.warning


def _is_misled(found: NotifyBase) -> bool:
    """Whether an address asks its service, in whatever spelling, to trust any certificate or to follow redirects."""
    return not found.verify_certificate or found.redirects


def _is_in_the_clear(found: NotifyBase) -> bool:
    """Whether TLS is left out where there could be some; a mail without a password may go to a relay like that."""
    from apprise.plugins.email import NotifyEmail  # noqa: PLC0415 - as above

    if isinstance(found, NotifyEmail):
        return found.secure_mode == "insecure" and bool(found.password) and not is_loopback(found.smtp_host)
    offers_both = bool(found.protocol) and bool(found.secure_protocol)
    return offers_both and not found.secure and not is_loopback((found.host or "").strip("[]"))
