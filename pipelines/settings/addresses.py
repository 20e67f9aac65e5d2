"""Web addresses to which secrets may be sent: https, or plain http to the loopback."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from pipelines.errors import SettingError

_ALLOWED = re.compile(r"[!-\[\]-~]+")
_HOST_AND_PORT = re.compile(r"([a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:[0-9]*)?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """Whether ``host`` (without port and brackets) is the loopback."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_address(text: str) -> str:
    """The address with scheme and host in lower case, without slashes at its end.

    Raises:
        ValueError: the text is no address, or no secret may be sent to it. The message is a phrase that follows a
            variable's name, and never quotes the address.
    """
    parts = _split(text)
    _check_parts(parts)
    if not _HOST_AND_PORT.fullmatch(parts.netloc.lower()):  # `hostname` ignores text after brackets
        raise ValueError("names no host")
    if parts.scheme == "http" and not is_loopback(host_of(text)):
        raise ValueError("uses plain http, which is for the loopback only: use https")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def set_address(variable: str, text: str) -> str:
    """The same as ``checked_address``, for an address that comes from ``variable``.

    Raises:
        SettingError: as ValueError there, after the variable's name.
    """
    try:
        return checked_address(text)
    except ValueError as problem:
        raise SettingError(f"{variable} {problem}") from None


def host_of(address: str) -> str:
    """Host name of an address in lower case, without port."""
    return urlsplit(address).hostname or ""


def origin_of(address: str) -> tuple[str, str, int]:
    """Scheme, host and port, which are equal for two addresses of one server."""
    parts = urlsplit(address)
    return parts.scheme, parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]


def _split(text: str) -> SplitResult:
    if not _ALLOWED.fullmatch(text):
        raise ValueError("holds characters that no address has")
    if "?" in text or "#" in text:
        raise ValueError("carries a query or a fragment")
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises when it is no number
    except ValueError:
        raise ValueError("is not an address") from None
    return parts


def _check_parts(parts: SplitResult) -> None:
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError("does not start with https://")
    if "@" in parts.netloc:
        raise ValueError("carries a user name or password")
