"""How much a test tries: few examples of a property by default, and some cases of a long parametrization."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import pytest

_Case = type(pytest.param())


def examples(number: int) -> int:
    """Return the number of examples, multiplied by the environment variable ``EXAMPLES`` if it is set.

    Lakes try a fifth, because a transaction takes longer there, and files have tried all statements.
    """
    if os.environ.get("WAREHOUSES") == "lake":
        number = max(1, number // 5)
    return number * int(os.environ.get("EXAMPLES") or 1)


def cases(names: str | tuple[str, ...], values: Sequence[Any], *, quick: int, **options: Any) -> pytest.MarkDecorator:
    """Return ``pytest.mark.parametrize(names, values)`` in which all cases after the first ``quick`` ones are slow.

    So the quick tests try some cases of each statement, and `make slow` tries the others.
    """
    is_single = isinstance(names, str) and "," not in names
    others = [case if isinstance(case, _Case) else pytest.param(*((case,) if is_single else case)) for case in values]
    slow = [pytest.param(*case.values, id=case.id, marks=(*case.marks, pytest.mark.slow)) for case in others[quick:]]
    return pytest.mark.parametrize(names, [*others[:quick], *slow], **options)
