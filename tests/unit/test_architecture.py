"""The rules of docs/architecture.md and CONTRIBUTING.md that a machine can hold."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pipelines"

ORDER = (
    "errors",
    "unexpected_errors",
    "interruption",
    "text_format",
    "paths",
    "web_guard",
    "private_files",
    "settings",
    "json_scan",
    "floriday",
    "catalogue",
    "normalize",
    "warehouse",
    "reports",
    "dashboard",
    "dictionary",
    "sync",
    "alerts",
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


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def named(path: Path) -> str:
    """A file's path as failures show it."""
    return path.relative_to(ROOT).as_posix()


def part(path: Path) -> str:
    """The part of the package that a file belongs to: ``sync`` for both ``sync.py`` and ``sync/…``."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and part of every import from this package, also of those within functions."""
    for node in ast.walk(module):
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


def dotted(path: Path) -> str:
    """The name under which a file of the package is imported."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported_modules(module: ast.Module, known: Collection[str]) -> set[str]:
    """The modules of this package that a module imports, also within functions and for type checks."""
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in names}
    return found & set(known)


def circles(graph: Mapping[str, Collection[str]]) -> set[tuple[str, ...]]:
    """The strongly connected components of a graph that have more than one node, or a node that leads to itself."""

    def reachable(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(graph[start])
        while waiting:
            node = waiting.pop()
            if node not in seen:
                seen.add(node)
                waiting.extend(graph[node])
        return seen

    reached = {node: reachable(node) for node in graph}
    return {tuple(sorted(each for each in reached[node] if node in reached[each])) for node in graph} - {()}


def definitions(module: ast.Module) -> Iterator[Definition]:
    """Every class and function of a module, nested ones too."""
    return (node for node in ast.walk(module) if isinstance(node, Definition))


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


def test_imports_point_upward() -> None:
    """A module imports only parts that stand before its own in the list."""
    downward = []
    for path in modules(PACKAGE):
        own = part(path)
        allowed = {own, *ORDER[: ORDER.index(own)]} if own in ORDER else set()
        downward += [
            f"{named(path)}:{line}: {other}" for line, other in imported_parts(tree(path)) if other not in allowed
        ]

    assert downward == []


def test_no_import_circle() -> None:
    """No module of the package imports itself by way of others, not even within a function."""
    trees = {dotted(path): tree(path) for path in modules(PACKAGE)}

    assert circles({name: imported_modules(module, trees) for name, module in trees.items()}) == set()


def test_circles_are_found() -> None:
    """The check above finds a circle of three, and a module that imports itself, but no chain."""
    assert circles({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["d", "a"], "e": ["a"]}) == {("a", "b", "c"), ("d",)}


def test_every_part_has_its_place() -> None:
    """The package has no part that the list does not know."""
    parts = {part(path) for path in modules(PACKAGE)} - {"__init__"}

    assert parts <= set(ORDER)


def test_modules_are_short() -> None:
    """A module has fewer than 300 lines."""
    sizes = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules(PACKAGE)}

    assert {name: lines for name, lines in sizes.items() if lines >= 300} == {}


def test_functions_are_short() -> None:
    """A function has at most 60 lines."""
    sizes = {
        f"{named(path)}: {each.name}": (each.end_lineno or each.lineno) - each.lineno + 1
        for path in modules(PACKAGE)
        for each in definitions(tree(path))
        if not isinstance(each, ast.ClassDef)
    }

    assert {name: lines for name, lines in sizes.items() if lines > 60} == {}


def test_everything_public_is_described() -> None:
    """A public module, class, function or method has a docstring."""
    undescribed = []
    for path in modules(PACKAGE):
        undescribed += [] if ast.get_docstring(tree(path)) else [named(path)]
        public = public_definitions(tree(path))
        undescribed += [f"{named(path)}: {each.name}" for each in public if not ast.get_docstring(each)]

    assert undescribed == []


def test_tests_state_what_is_expected() -> None:
    """A test has a docstring that states the expected behaviour."""
    silent = [
        f"{named(path)}: {each.name}"
        for path in modules(ROOT / "tests")
        for each in definitions(tree(path))
        if each.name.startswith("test_") and not ast.get_docstring(each)
    ]

    assert silent == []


def test_modules_are_named_for_what_they_do() -> None:
    """No module or package is called after nothing in particular."""
    nameless = []
    for path in modules(PACKAGE):
        names = {each.removesuffix(".py").strip("_") for each in path.relative_to(PACKAGE).parts}
        nameless += [named(path)] if names & NAMELESS else []

    assert nameless == []


def test_dagsters_private_parts_are_used_in_one_module() -> None:
    """Whatever may change with each version of Dagster is in ``dagster_private``, and checked by its test."""
    private = re.compile(r"\bdagster\._|\bdagster_(?:webserver|shared|graphql|daemon)\b")
    home = PACKAGE / "orchestration" / "dagster_private.py"
    using = [
        f"{named(path)}:{number}"
        for path in modules(PACKAGE)
        if path != home
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if private.search(line)
    ]

    assert using == []


def test_no_registry_is_named() -> None:
    """Where packages come from is the business of whoever installs: no file names a registry's host."""
    hosts = [host.encode() for host in REGISTRIES]
    naming = [named(path) for path in tracked_files() if any(host in path.read_bytes() for host in hosts)]

    assert naming == []
