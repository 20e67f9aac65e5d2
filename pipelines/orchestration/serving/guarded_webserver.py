"""Dagster's web server behind the web guard: ``python -m pipelines.orchestration.serving.guarded_webserver``.

It takes the options of ``dagster-webserver``, and ``--allow-host NAME`` for each host name under which browsers reach
it beside those of the loopback. ``--host`` allows the address that it names.
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
from pipelines.web_guard import LOOPBACK_NAMES, WebGuard, host_name

ALLOW_HOST = "--allow-host"

GRAPHQL_BY_GET = "Refused: GraphQL is answered by POST only, with Content-Type: application/json."
NO_JSON = "Refused: a POST needs Content-Type: application/json."

_EVERYWHERE = frozenset({"0.0.0.0", "[::]"})  # noqa: S104 - they are left out

_POSTED = frozenset({"application/json", "application/graphql"})
"""Types of a body that a browser does not send to another origin without asking that one first (a CORS preflight)."""


def dagster_rule(scope: Scope) -> str | None:
    """Why Dagster's web server does not get a request that the common rules let pass.

    Dagster executes GraphQL by GET, mutations too, and takes a query from the address or the body of a form. Its own
    pages post JSON.
    """
    if scope["type"] == "websocket":
        return None
    if scope["method"] == "POST":
        # All of them: Dagster looks for "application/json" anywhere in the header, which a form can send.
        kinds = [each.partition(";")[0].strip().lower() for each in Headers(scope=scope).getlist("content-type")]
        return None if kinds and _POSTED.issuperset(kinds) else NO_JSON
    # Starlette's routes match a path with a line break at its end as well. Without a query this is the page GraphiQL.
    is_graphql = scope["path"].rstrip().endswith("/graphql")
    return GRAPHQL_BY_GET if is_graphql and scope["query_string"] else None


def guard_every_app(names: Collection[str]) -> None:
    """Have uvicorn serve whatever it is given in this process behind the guard.

    Dagster hands its application to ``uvicorn.run`` itself, and has no option for a middleware.

    Args:
        names: host names that are allowed beside those of the loopback and the address that is listened on.
    """
    run = uvicorn.run

    def run_guarded(app: ASGIApp, *, host: str = "127.0.0.1", **options: Any) -> None:
        known = {*LOOPBACK_NAMES, *names, *_named(host)}
        run(WebGuard(app, known, dagster_rule), host=host, **options)

    uvicorn.run = run_guarded  # type: ignore[assignment]


def split_names(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The values of ``--allow-host``, and the arguments that are left for Dagster.

    Raises:
        UsageError: one of them is no host name.
    """
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
    # Imported late, for it takes seconds; it is what the command `dagster-webserver` calls.
    from dagster_webserver.cli import main as dagster_webserver  # noqa: PLC0415

    guard_every_app(names)
    sys.argv[1:] = others
    dagster_webserver()  # type: ignore[no-untyped-call]


def _named(host: str) -> set[str]:
    """The address that is listened on, unless it stands for all of the machine's, which no browser writes."""
    try:
        name = host_name(host)
    except UsageError:  # such as an address with a zone: no browser reaches it by that name
        return set()
    return {name} - _EVERYWHERE


if __name__ == "__main__":
    main()
