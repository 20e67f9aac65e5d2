"""Receivers of alerts: addresses of the notification library, which are secrets. Sending does not belong here."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from functools import cache
from typing import TYPE_CHECKING

from pydantic import SecretStr

from pipelines import extras
from pipelines.settings.addresses import is_loopback

if TYPE_CHECKING:
    from apprise import NotifyBase

_SEPARATOR = re.compile(r"[\s,]+(?=[a-z0-9]+://)", re.IGNORECASE)
"""A comma or white space separates addresses only if another address follows, because addresses may contain commas."""


def alerts(text: str) -> tuple[SecretStr, ...]:
    """Addresses of the notification library, separated by commas.

    Raises:
        ValueError: an address cannot be read, or messages to it could reach strangers. The phrase follows the
            variable's name, and identifies the address by its position.
    """
    if not extras.is_installed(extras.DAGSTER):
        raise ValueError(f"needs the extra {extras.DAGSTER}: {extras.how_to_install(extras.DAGSTER)}")
    addresses = _SEPARATOR.split(text.strip(", \t\r\n"))
    for position, address in enumerate(addresses, start=1):
        which = f"address {position} of {len(addresses)}"
        service = None if any(map(str.isspace, address)) else _service(address)
        if service is None or not len(service):
            raise ValueError(
                f"expects addresses such as jsons://host/path or mailtos://user:password@host, comma separated: {which}"
                " is not one, or it names nobody who receives the message"
            )
        if _is_without_tls(service):
            raise ValueError(
                "expects addresses with TLS, such as jsons://… or mailtos://…, but for the loopback:"
                f" {which} ({service.service_name}) has none"
            )
        if _is_unverified(service):
            raise ValueError(
                "expects addresses whose certificate is verified and that follow no redirect:"
                f" {which} ({service.service_name}) sets verify=no or redirect=yes"
            )
    return tuple(map(SecretStr, addresses))


def receiver(address: str) -> NotifyBase | None:
    """The service of an address; None if the address cannot be read, or a stranger could receive the alerts."""
    service = _service(address)
    return None if service is None or _is_unverified(service) else service


def _service(address: str) -> NotifyBase | None:
    _load()
    from apprise import Apprise, AppriseAsset, PersistentStoreMode  # noqa: PLC0415 - the import takes long

    asset = AppriseAsset(
        app_id="floriday-warehouse",
        async_mode=False,
        http_redirects=False,  # a redirect would forward headers with tokens, and turn POST into GET
        interpret_emojis=False,
        pem_autogen=False,
        pgp_autogen=False,
        storage_mode=PersistentStoreMode.MEMORY,
    )
    try:
        return Apprise.instantiate(address, asset=asset)
    except Exception:  # noqa: BLE001 - some services raise errors that quote the address
        return None


@cache
def _load() -> None:
    """Import the library with all services, which takes a third of a second, and suppress its log."""
    logging.getLogger("apprise").addFilter(_LastWarning())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it imports a module that Python has deprecated
        from apprise import Apprise  # noqa: PLC0415 - as above

        Apprise.instantiate("json://localhost")  # the first address loads all services


class _LastWarning(logging.Filter):
    """Suppresses all records, because they quote addresses, and keeps the last warning of each thread."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.WARNING:
            _this_thread.warning = record.getMessage()
        return False


class _ThreadState(threading.local):
    warning = ""


_this_thread = _ThreadState()


def last_warning() -> str:
    """The last warning of the library in this thread. It may contain parts of an address and must not be shown."""
    return _this_thread.warning


def _is_unverified(service: NotifyBase) -> bool:
    """Whether an address asks its service to accept any certificate or to follow redirects."""
    return not service.verify_certificate or service.redirects


def _is_without_tls(service: NotifyBase) -> bool:
    """Whether TLS is not used although the service supports it; a mail without a password may go to a plain relay."""
    from apprise.plugins.email import NotifyEmail  # noqa: PLC0415 - as above

    if isinstance(service, NotifyEmail):
        return service.secure_mode == "insecure" and bool(service.password) and not is_loopback(service.smtp_host)
    offers_both = bool(service.protocol) and bool(service.secure_protocol)
    return offers_both and not service.secure and not is_loopback((service.host or "").strip("[]"))
