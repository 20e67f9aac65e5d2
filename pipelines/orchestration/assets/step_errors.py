"""How a step of a run fails: with one line that quotes nothing of a record."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from pipelines.errors import PipelineError
from pipelines.unexpected_errors import print_if_debugging, stack_trace, summary


@contextmanager
def step_errors(log: logging.Logger, prefix: str = "") -> Iterator[None]:
    """Turn errors of a block into ``dagster.Failure``, without retries.

    Dagster stores the message of every other exception, and messages of unexpected ones may contain records. Of these
    only the class and the place are stored, and the stack without messages is logged; FLORIDAY_DEBUG prints everything.
    """
    try:
        yield
    except dg.Failure:
        raise
    except PipelineError as error:
        raise dg.Failure(f"{prefix}{error}", allow_retries=False) from None
    except Exception as error:  # noqa: BLE001 - the message of an unexpected error must not be stored
        print_if_debugging(error)
        log.error("%s", stack_trace(error))  # noqa: TRY400 - the message must not be logged
        raise dg.Failure(f"{prefix}{summary(error)}", allow_retries=False) from None
