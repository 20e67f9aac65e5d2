"""Access to a bucket of S3, or of a server that answers as S3 does, by the variables and files of AWS's tools."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipelines.errors import WarehouseError
from pipelines.warehouse.sql import literal

ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
"""The variables with the address of another server than Amazon's; the first one that is set counts."""
_SERVER = re.compile(r"(https?)://((?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d+)?)/?")


FORGOTTEN = tuple(
    f"SET GLOBAL {name} = ''" for name in ("s3_access_key_id", "s3_secret_access_key", "s3_session_token")
)
"""DuckDB's extension copies the keys of the environment into settings, which every query can read. They are not needed
there, because the secret has them."""


def create_secret(environ: Mapping[str, str]) -> str:
    """The statement that lets a connection use S3; it contains no key.

    DuckDB looks for the keys, and looks again when they have expired.

    Raises:
        WarehouseError: a variable is no address of a server.
    """
    options = ["TYPE s3", "PROVIDER credential_chain", "REFRESH auto"]
    for name in ENDPOINTS:
        if address := environ.get(name):
            return f"CREATE SECRET s3 ({', '.join([*options, *_of_server(name, address)])})"
    return f"CREATE SECRET s3 ({', '.join(options)})"


def _of_server(name: str, address: str) -> tuple[str, ...]:
    found = _SERVER.fullmatch(address)
    if found is None:
        raise WarehouseError(f"{name} expects https://host or http://host:port: the address of a server like S3")
    return f"ENDPOINT {literal(found[2])}", "URL_STYLE 'path'", f"USE_SSL {str(found[1] == 'https').lower()}"
