"""How a step of a run fails: in one line, without what its error may quote of a record."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from pipelines.errors import PipelineError
from pipelines.unexpected_errors import print_if_debugging, stack_trace, summary


@contextmanager
def step_errors(log: logging.Logger, prefix: str = "") -> Iterator[None]:
    """Turn errors of a block into Dagster's ``Failure``, which no retry can help.

    Dagster stores the message of every other exception, and the messages of unexpected ones may hold records. Of those
    the kind and the place are kept, and the stack without messages in the log; FLORIDAY_DEBUG prints all of it.

    Args:
        log: of the step.
        prefix: what every message begins with.

    Raises:
        dagster.Failure: the block raised an error.
    """
    try:
        yield
    except dg.Failure:
        raise
    except PipelineError as error:
        raise dg.Failure(f"{prefix}{error}", allow_retries=False) from None
    except Exception as error:  # noqa: BLE001 - whatever it is, its message must not be stored
        print_if_debugging(error)
        log.error("%s", stack_trace(error))  # noqa: TRY400 - the message must not be logged
        raise dg.Failure(f"{prefix}{summary(error)}", allow_retries=False) from None
