"""Generate ``docs/python-api.md`` from the docstrings: ``python -m pipelines.cli.docs.python_reference``."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

from pipelines import api
from pipelines.dictionary.markdown import bullets, page

_TOP = """\
# The Python API

The public names of `floriday_warehouse`, generated from their docstrings by `make docs`. [Python](python.md) shows
how to use them; all other modules may change with any version."""

_SECTION = re.compile(r"(?m)^(Args|Raises):$")
_ITEM = re.compile(r"(?m)^    (\w+): (.*(?:\n      +.*)*)")
_WIDTH = 100
_ROLE = re.compile(r":\w+:`([^`]+)`")


def reference() -> str:
    """The whole page: functions first, then classes, then errors."""
    named = sorted(((name, getattr(api, name)) for name in api.__all__), key=_order)
    return page(_TOP, *(_section(name, each) for name, each in named))


def _order(named: tuple[str, Any]) -> tuple[int, str]:
    name, each = named
    kinds = ("open_warehouse", "Warehouse", "Relations")
    place = kinds.index(name) if name in kinds else len(kinds) + issubclass(each, Exception)
    return place, name


def _section(name: str, each: Any) -> str:
    if not inspect.isclass(each):
        return page(f"## {name}", _signature(name, each), _described(each))
    if issubclass(each, Exception):
        base = each.__bases__[0].__name__ if each is not api.PipelineError else "Exception"
        kind = "" if base not in api.__all__ else f" It is a `{base}`."
        return page(f"## {name}", f"{_described(each).strip()}{kind}")
    fields = ", ".join(f"`{field}`" for field in _annotations(each) if not field.startswith("_"))
    methods = (_method(name, member, value) for member, value in vars(each).items() if not member.startswith("_"))
    return page(f"## {name}", _described(each), f"Fields: {fields}." if fields else "", *methods)


def _annotations(each: type) -> dict[str, object]:
    return dict(vars(each).get("__annotations__", {}))


def _method(owner: str, name: str, value: Any) -> str:
    if isinstance(value, property):
        return page(f"### {owner}.{name}", _described(value))
    if not inspect.isroutine(value):
        return ""
    return page(f"### {owner}.{name}", _signature(name, value), _described(value))


def _signature(name: str, function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    own = [each for each in signature.parameters.values() if each.name != "self"]
    lines = str(signature.replace(parameters=own)).replace("'", "")
    text = f"{name}{lines}"
    if len(text) > _WIDTH:
        inside, _, result = lines[1:].rpartition(") -> ")
        text = "\n".join((f"{name}(", *(f"    {each}," for each in _parameters(inside)), f") -> {result}"))
    return f"```py\n{text}\n```"


def _parameters(text: str) -> list[str]:
    return re.split(r", (?![^\[]*\])", text)


def _described(each: Any) -> str:
    parts = _SECTION.split(inspect.cleandoc(each.__doc__ or ""))
    lists = zip(parts[1::2], parts[2::2], strict=True)
    return page(_prose(parts[0]), *(page(f"{title}:", bullets(_items(text))) for title, text in lists))


def _items(text: str) -> Iterator[str]:
    for name, meaning in _ITEM.findall(text):
        yield f"`{name}`: {_prose(' '.join(meaning.split()))}"


def _prose(text: str) -> str:
    return _ROLE.sub(r"`\1`", text).replace("``", "`").strip()


if __name__ == "__main__":
    sys.stdout.write(reference())
