"""Dagster's web server behind the web guard: ``python -m pipelines.orchestration.serving.guarded_webserver``.

It takes the options of ``dagster-webserver``, and ``--allow-host NAME`` for each host name, besides those of the
loopback, by which browsers reach it. ``--host`` allows its own address.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Sequence
from typing import Any

import uvicorn
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Scope

from pipelines.errors import UsageError
from pipelines.orchestration.dagster_private import run_webserver
from pipelines.web_guard import LOOPBACK_NAMES, WebGuard, host_name

ALLOW_HOST = "--allow-host"

GRAPHQL_BY_GET = "Refused: GraphQL is answered by POST only, with Content-Type: application/json."
NO_JSON = "Refused: a POST needs Content-Type: application/json."

_ALL_ADDRESSES = frozenset({"0.0.0.0", "[::]"})  # noqa: S104 - compared with, not listened on

_ALLOWED_TYPES = frozenset({"application/json", "application/graphql"})
"""Content types that a browser sends to another origin only after a CORS preflight request."""


def dagster_rule(scope: Scope) -> str | None:
    """The reason to refuse a request that the common rules allow; None if it is allowed. Dagster's pages post JSON.

    Dagster executes GraphQL by GET, also mutations, and takes a query from the address or the body of a form.
    """
    if scope["type"] == "websocket":
        return None
    if scope["method"] == "POST":
        # All of them: Dagster looks for "application/json" anywhere in the header, which a form can send.
        kinds = [each.partition(";")[0].strip().lower() for each in Headers(scope=scope).getlist("content-type")]
        return None if kinds and _ALLOWED_TYPES.issuperset(kinds) else NO_JSON
    # Starlette's routes also match a path that ends with a line break. Without a query this is the GraphiQL page.
    is_graphql = scope["path"].rstrip().endswith("/graphql")
    return GRAPHQL_BY_GET if is_graphql and scope["query_string"] else None


def guard_every_app(names: Collection[str]) -> None:
    """Put the guard in front of every application that uvicorn serves in this process; ``names`` are allowed too.

    Dagster calls ``uvicorn.run`` itself, and has no option for a middleware.
    """
    run = uvicorn.run

    def run_guarded(app: ASGIApp, *, host: str = "127.0.0.1", **options: Any) -> None:
        known = {*LOOPBACK_NAMES, *names, *_names_of_address(host)}
        run(WebGuard(app, known, dagster_rule), host=host, **options)

    uvicorn.run = run_guarded  # type: ignore[assignment]


def split_names(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The values of ``--allow-host``, and Dagster's arguments. Raises a UsageError for what is no host name."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument(ALLOW_HOST, action="append", default=[], type=str)
    parsed, others = parser.parse_known_args(arguments)
    return [host_name(name) for name in parsed.allow_host], others


def main() -> None:
    """Start ``dagster-webserver`` with the arguments of this process, guarded."""
    try:
        names, others = split_names(sys.argv[1:])
    except UsageError as error:
        sys.exit(f"guarded_webserver: {error}")
    guard_every_app(names)
    run_webserver(others)


def _names_of_address(host: str) -> set[str]:
    """The server's own address, unless it stands for all addresses of the machine, which no browser requests."""
    try:
        name = host_name(host)
    except UsageError:  # such as an address with a zone, which no browser requests
        return set()
    return {name} - _ALL_ADDRESSES


if __name__ == "__main__":
    main()
