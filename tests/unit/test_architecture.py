"""The rules of docs/architecture.md and CONTRIBUTING.md that a machine can hold."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pipelines"

ORDER = (
    "errors",
    "interruption",
    "moments",
    "memory",
    "settings",
    "floriday",
    "catalogue",
    "choice",
    "normalize",
    "warehouse",
    "reports",
    "dashboard",
    "dictionary",
    "outcome",
    "alerts",
    "rebuilding",
    "healing",
    "batching",
    "sync",
    "snapshots",
    "widening",
    "side_by_side",
    "preparation",
    "pipeline",
    "orchestration",
    "definitions",
    "sandbox",
    "cli",
)
"""Each part of the package may import only those before it."""

NAMELESS = {"util", "utils", "helper", "helpers", "manager", "managers", "common", "misc"}

REGISTRIES = tuple(
    ".".join(labels)
    for labels in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("debian", "org"))
)
"""Put together here, so that this file does not hold them either."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def modules(folder: Path) -> list[Path]:
    """Every Python file below a folder."""
    return sorted(folder.rglob("*.py"))


def named(path: Path) -> str:
    """A file's path as a parameter's name."""
    return path.relative_to(ROOT).as_posix()


def part(path: Path) -> str:
    """The part of the package that a file belongs to: ``sync`` for both ``sync.py`` and ``sync/…``."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and part of every import from this package, also of those within functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "pipelines" and rest:
                yield node.lineno, rest.split(".")[0]


def definitions(tree: ast.Module) -> Iterator[Definition]:
    """Every class and function of a module, nested ones too."""
    return (node for node in ast.walk(tree) if isinstance(node, Definition))


def public_definitions(node: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    """The classes, functions and methods that others may use."""
    for child in node.body:
        if isinstance(child, Definition) and not child.name.startswith("_") and not inherits_its_meaning(child):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from public_definitions(child)


def inherits_its_meaning(definition: Definition) -> bool:
    """Whether the docstring stands elsewhere: at an overridden method, an overloaded function or a property."""
    decorators = {ast.unparse(each).rpartition(".")[2] for each in definition.decorator_list}
    return bool(decorators & {"override", "overload", "setter"})


def tracked_files() -> list[Path]:
    """What git holds, or would hold after ``git add``."""
    command = ("git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("path", modules(PACKAGE), ids=named)
def test_imports_point_upward(path: Path) -> None:
    """A module imports only parts that stand before its own in the list."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    own = part(path)
    allowed = {own, *ORDER[: ORDER.index(own)]} if own in ORDER else set()

    downward = [f"line {line}: {other}" for line, other in imported_parts(tree) if other not in allowed]

    assert downward == []


def test_every_part_has_its_place() -> None:
    """The package has no part that the list does not know."""
    parts = {part(path) for path in modules(PACKAGE)} - {"__init__"}

    assert parts <= set(ORDER)


@pytest.mark.parametrize("path", modules(PACKAGE), ids=named)
def test_modules_are_short(path: Path) -> None:
    """A module has fewer than 300 lines."""
    assert len(path.read_text(encoding="utf-8").splitlines()) < 300


@pytest.mark.parametrize("path", modules(PACKAGE), ids=named)
def test_functions_are_short(path: Path) -> None:
    """A function has at most 60 lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (each for each in definitions(tree) if not isinstance(each, ast.ClassDef))
    sizes = {each.name: (each.end_lineno or each.lineno) - each.lineno + 1 for each in functions}

    assert {name: lines for name, lines in sizes.items() if lines > 60} == {}


@pytest.mark.parametrize("path", modules(PACKAGE), ids=named)
def test_everything_public_is_described(path: Path) -> None:
    """A public module, class, function or method has a docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    undescribed = [each.name for each in public_definitions(tree) if not ast.get_docstring(each)]

    assert ast.get_docstring(tree), "the module itself"
    assert undescribed == []


@pytest.mark.parametrize("path", modules(ROOT / "tests"), ids=named)
def test_tests_state_what_is_expected(path: Path) -> None:
    """A test has a docstring that states the expected behaviour."""
    tests = (each for each in definitions(ast.parse(path.read_text(encoding="utf-8"))) if each.name.startswith("test_"))

    assert [each.name for each in tests if not ast.get_docstring(each)] == []


@pytest.mark.parametrize("path", modules(PACKAGE), ids=named)
def test_modules_are_named_for_what_they_do(path: Path) -> None:
    """No module or package is called after nothing in particular."""
    names = {each.removesuffix(".py").strip("_") for each in path.relative_to(PACKAGE).parts}

    assert names & NAMELESS == set()


def test_no_registry_is_named() -> None:
    """Where packages come from is the business of whoever installs: no file names a registry's host."""
    hosts = [host.encode() for host in REGISTRIES]
    naming = [named(path) for path in tracked_files() if any(host in path.read_bytes() for host in hosts)]

    assert naming == []
