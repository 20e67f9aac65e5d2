"""Whose keys there are: all accounts asked at once, for each of them is one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from pipelines.errors import PipelineError
from pipelines.floriday.client import FloridayClient, Identity
from pipelines.floriday.patience import pauses_until

AT_ONCE = 8


def told_at_once(clients: Mapping[str, FloridayClient]) -> Iterator[tuple[str, Identity | PipelineError]]:
    """What Floriday says of each account, in their order: whose key it is, or why it is refused."""
    stop = Event()

    def ask(client: FloridayClient) -> Identity | PipelineError:
        try:
            with pauses_until(stop):
                return client.identity()
        except PipelineError as error:
            return error

    threads = ThreadPoolExecutor(AT_ONCE, "floriday identity")
    try:
        yield from zip(clients, threads.map(ask, clients.values()), strict=True)
    finally:
        stop.set()
        threads.shutdown(cancel_futures=True)
