"""What a call asks for, read from its path and its query."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from starlette.requests import Request

from pipelines.catalogue.types import Feed
from pipelines.floriday.endpoints import Endpoint
from pipelines.sandbox.records.entries import View

WITHOUT_DEFAULT_SIZE = frozenset({"supply.trade_item_availabilities_per_week"})
"""The feeds of which the page size has to be told (specification)."""

FILTERS_ON_BY_DEFAULT = frozenset({"postFilterSelectedTradeItems", "postFilterSelectedTradeItemPackingConfigurations"})
"""The post filters that are on unless the call turns them off (the specification)."""


class InvalidParameterError(Exception):
    """A parameter that is missing or cannot be used.

    Args:
        parameter: its name.
        message: what is wrong with it.
    """

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


def sequence_number(request: Request) -> int:
    """The number above which a page begins."""
    return _integer("sequenceNumber", request.path_params["sequenceNumber"])


def page_size(request: Request, feed: Feed) -> int:
    """How many records a page may hold; as many as possible where the call does not say."""
    name, maximum = feed.endpoint.page_parameter, feed.endpoint.page_maximum
    if feed.name in WITHOUT_DEFAULT_SIZE:
        required(request, name)
    size = _integer(name, request.query_params.get(name, str(maximum)))
    if not 1 <= size <= maximum:
        raise InvalidParameterError(name, f"The page size must be between 1 and {maximum}.")
    return size


def view(request: Request, endpoint: Endpoint) -> View:
    """The part of a feed that is asked for, and the post filters that are on."""
    part = required(request, endpoint.part_parameter).lower() if endpoint.part_parameter else None
    filters = {name for name, _ in (*endpoint.parameters, *endpoint.selected_only_parameters)}
    return View(part, frozenset(name for name in filters if _is_on(request.query_params, name)))


def required(request: Request, name: str) -> str:
    """A parameter that a call has to bring."""
    value = request.query_params.get(name)
    if not value:
        raise InvalidParameterError(name, f"The {name} field is required.")
    return value


def integer(request: Request, name: str) -> int:
    """A whole number that a call has to bring."""
    return _integer(name, required(request, name))


def moment(request: Request, name: str) -> dt.datetime:
    """A moment that a call has to bring; one without a time zone is in UTC."""
    try:
        told = dt.datetime.fromisoformat(required(request, name))
    except ValueError:
        raise InvalidParameterError(name, f"The {name} must be a date with a time.") from None
    return told if told.tzinfo else told.replace(tzinfo=dt.UTC)


def _is_on(query: Mapping[str, str], name: str) -> bool:
    told = query.get(name, str(name in FILTERS_ON_BY_DEFAULT)).lower()
    if told not in ("true", "false"):
        raise InvalidParameterError(name, f"The value {told} is not valid.")
    return told == "true"


def _integer(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InvalidParameterError(name, f"The {name} must be a whole number.") from None
