"""Whose keys there are: all accounts asked at once, for each of them is one call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipelines.errors import PipelineError
from pipelines.floriday.client import FloridayClient, Identity
from pipelines.floriday.http.retry import StoppedError, threads
from pipelines.unexpected_errors import print_if_debugging, summary

AT_ONCE = 8


def told_at_once(clients: Mapping[str, FloridayClient]) -> Iterator[tuple[str, Identity | PipelineError]]:
    """What Floriday says of each account, in their order: whose key it is, or why it is refused."""

    def ask(client: FloridayClient) -> Identity | PipelineError:
        try:
            return client.identity()
        except PipelineError as error:
            return error
        except StoppedError:
            raise
        except Exception as defect:  # noqa: BLE001 - one account's defect must leave the others known
            print_if_debugging(defect)
            return PipelineError(summary(defect))

    with threads(AT_ONCE, "floriday identity") as asking:
        yield from zip(clients, asking.map(ask, clients.values()), strict=True)
