"""Reads and checks the parameters of a call, in its path and its query."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from starlette.requests import Request

from pipelines.catalogue.types import Feed
from pipelines.floriday.endpoints import Endpoint
from pipelines.sandbox.records.entries import View

WITHOUT_DEFAULT_SIZE = frozenset({"supply.trade_item_availabilities_per_week"})
"""The feeds with a required page size (specification)."""

FILTERS_ON_BY_DEFAULT = frozenset({"postFilterSelectedTradeItems", "postFilterSelectedTradeItemPackingConfigurations"})
"""The post filters that are on unless the call turns them off (specification)."""


class InvalidParameterError(Exception):
    """A parameter is missing or invalid.

    Args:
        parameter: name of the parameter in the call.
        message: description of what is wrong.
    """

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


def sequence_number(request: Request) -> int:
    """The number above which the page begins."""
    return _integer("sequenceNumber", request.path_params["sequenceNumber"])


def page_size(request: Request, feed: Feed) -> int:
    """The maximum number of records on the page; by default the feed's page maximum."""
    name, maximum = feed.endpoint.page_parameter, feed.endpoint.page_maximum
    if feed.name in WITHOUT_DEFAULT_SIZE:
        required(request, name)
    size = _integer(name, request.query_params.get(name, str(maximum)))
    if not 1 <= size <= maximum:
        raise InvalidParameterError(name, f"The page size must be between 1 and {maximum}.")
    return size


def view(request: Request, endpoint: Endpoint) -> View:
    """The sub-feed that is requested, and the post filters that are on."""
    part = required(request, endpoint.part_parameter).lower() if endpoint.part_parameter else None
    filters = {name for name, _ in (*endpoint.parameters, *endpoint.selected_only_parameters)}
    return View(part, frozenset(name for name in filters if _is_on(request.query_params, name)))


def required(request: Request, name: str) -> str:
    """The value of a required parameter."""
    value = request.query_params.get(name)
    if not value:
        raise InvalidParameterError(name, f"The {name} field is required.")
    return value


def integer(request: Request, name: str) -> int:
    """The value of a required integer parameter."""
    return _integer(name, required(request, name))


def moment(request: Request, name: str) -> dt.datetime:
    """The value of a required date-time parameter; without a time zone it is in UTC."""
    try:
        value = dt.datetime.fromisoformat(required(request, name))
    except ValueError:
        raise InvalidParameterError(name, f"The {name} must be a date with a time.") from None
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)


def _is_on(query: Mapping[str, str], name: str) -> bool:
    value = query.get(name, str(name in FILTERS_ON_BY_DEFAULT)).lower()
    if value not in ("true", "false"):
        raise InvalidParameterError(name, f"The value {value} is not valid.")
    return value == "true"


def _integer(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidParameterError(name, f"The {name} must be a whole number.") from None
