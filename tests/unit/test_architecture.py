"""The rules of docs/architecture.md and CONTRIBUTING.md that can be tested."""

from __future__ import annotations

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pipelines"

ORDER = (
    "errors",
    "extras",
    "unexpected_errors",
    "interruption",
    "text_format",
    "setting_hints",
    "paths",
    "lake_address",
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
    "api",
    "alerts",
    "orchestration",
    "definitions",
    "celery_app",
    "sandbox",
    "mcp_server",
    "cli",
)
"""Each part of the package may import only those before it."""

UNSPECIFIC_NAMES = {"util", "utils", "helper", "helpers", "manager", "managers", "common", "misc"}

UNCLEAR_WORDS = {
    *("belonging", "elsewhere", "furthest", "gone", "healing", "lingering", "patience", "said", "says"),
    *("standing", "tell", "teller", "tells", "there", "told", "turns", "whose", "widening"),
}
"""Words that a reader stops at, in names of modules and identifiers; prose may use them."""

LARGEST_FOLDER = 14
LARGE_FOLDERS = ("catalogue/suppliers", "catalogue/customers", "sandbox/world", "sandbox/world/market", "cli/commands")
"""One module for each topic, character of the world, or command."""

REGISTRIES = tuple(
    ".".join(labels)
    for labels in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("debian", "org"))
)
"""Joined here, so that this file does not contain the hosts either."""

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def modules(folder: Path) -> list[Path]:
    """Return every Python file below a folder."""
    return sorted(folder.rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def named(path: Path) -> str:
    """Return a file's path as failures show it."""
    return path.relative_to(ROOT).as_posix()


def part(path: Path) -> str:
    """Return the part of the package that a file belongs to: ``sync`` for both ``sync.py`` and ``sync/…``."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield line and part of every import from this package, also of imports within functions."""
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
    """Return the name under which a file of the package is imported."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported_modules(module: ast.Module, known: Collection[str]) -> set[str]:
    """Return the modules of this package that a module imports, also within functions and for type checks."""
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in names}
    return found & set(known)


def cycles(graph: Mapping[str, Collection[str]]) -> set[tuple[str, ...]]:
    """Return the strongly connected components of a graph that have several nodes, or one that leads to itself."""

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
    """Return every class and function of a module, also nested ones."""
    return (node for node in ast.walk(module) if isinstance(node, Definition))


def public_definitions(node: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    """Yield the public classes, functions and methods."""
    for child in node.body:
        if isinstance(child, Definition) and not child.name.startswith("_") and not inherits_docstring(child):
            yield child
            if isinstance(child, ast.ClassDef):
                yield from public_definitions(child)


def inherits_docstring(definition: Definition) -> bool:
    """Return whether the docstring is at an overridden method, an overloaded function or a property."""
    decorators = {ast.unparse(each).rpartition(".")[2] for each in definition.decorator_list}
    return bool(decorators & {"override", "overload", "setter"})


def defined_names(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node of a syntax tree defines."""
    if isinstance(node, Definition):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        yield node.attr


def words_of(name: str) -> list[str]:
    """Return the words of a name in snake case or camel case, in lower case."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_")


def attributes(definition: ast.ClassDef) -> set[str]:
    """Return the attributes that a class or its methods set."""
    fields = {
        node.target.id
        for node in definition.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    stores = (
        node for node in ast.walk(definition) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    )
    return fields | {node.attr for node in stores if ast.unparse(node.value) == "self"}


def tracked_files() -> list[Path]:
    """Return the files that git contains, or would contain after ``git add``."""
    command = ("git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def test_imports_point_upward() -> None:
    """A module imports only parts that come before its own in the list."""
    downward = []
    for path in modules(PACKAGE):
        own = part(path)
        allowed = {own, *ORDER[: ORDER.index(own)]} if own in ORDER else set()
        downward += [
            f"{named(path)}:{line}: {other}" for line, other in imported_parts(tree(path)) if other not in allowed
        ]

    assert downward == []


def test_no_import_cycle() -> None:
    """No module of the package imports itself through others, not even within a function."""
    trees = {dotted(path): tree(path) for path in modules(PACKAGE)}

    assert cycles({name: imported_modules(module, trees) for name, module in trees.items()}) == set()


def test_cycles_are_found() -> None:
    """The cycle check finds a cycle of three modules and a module that imports itself, and no chain."""
    assert cycles({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["d", "a"], "e": ["a"]}) == {("a", "b", "c"), ("d",)}


def test_every_part_is_in_the_order() -> None:
    """Every part of the package is in the list."""
    parts = {part(path) for path in modules(PACKAGE)} - {"__init__"}

    assert parts <= set(ORDER)


def test_modules_are_short() -> None:
    """A module has fewer than 300 lines."""
    sizes = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules(PACKAGE)}

    assert {name: lines for name, lines in sizes.items() if lines >= 300} == {}


def test_functions_are_short() -> None:
    """A function has at most 50 lines."""
    sizes = {
        f"{named(path)}: {each.name}": (each.end_lineno or each.lineno) - each.lineno + 1
        for path in modules(PACKAGE)
        for each in definitions(tree(path))
        if not isinstance(each, ast.ClassDef)
    }

    assert {name: lines for name, lines in sizes.items() if lines > 50} == {}


def test_folders_are_small() -> None:
    """A folder has at most 14 modules, apart from folders with one module for each thing of a kind."""
    folders = Counter(path.parent for path in modules(PACKAGE) if path.stem != "__init__")
    sizes = {folder.relative_to(PACKAGE).as_posix(): size for folder, size in folders.items()}

    assert {name: size for name, size in sizes.items() if size > LARGEST_FOLDER and name not in LARGE_FOLDERS} == {}


def test_classes_of_the_sync_are_small() -> None:
    """A class of the sync has at most seven attributes; the outcome, which only lists results, is exempt."""
    sizes = {
        f"{named(path)}: {each.name}": len(attributes(each))
        for path in modules(PACKAGE / "sync")
        for each in definitions(tree(path))
        if isinstance(each, ast.ClassDef) and each.name != "FeedOutcome"
    }

    assert {name: size for name, size in sizes.items() if size > 7} == {}


def test_names_are_plain() -> None:
    """No module, class, function, parameter or variable has one of the unclear words in its name."""
    unclear = []
    for path in [path for folder in ("pipelines", "tests", "benchmarks") for path in modules(ROOT / folder)]:
        names = {path.stem, *(name for node in ast.walk(tree(path)) for name in defined_names(node))}
        unclear += [f"{named(path)}: {name}" for name in sorted(names) if UNCLEAR_WORDS & set(words_of(name))]

    assert unclear == []


def test_arguments_are_explained() -> None:
    """A line about an argument has at least four words: its meaning, unit, allowed values or the meaning of None."""
    short = []
    for path in [path for folder in ("pipelines", "tests", "benchmarks") for path in modules(ROOT / folder)]:
        for node in [tree(path), *definitions(tree(path))]:
            section = re.search(r"^Args:\n((?:    .*\n?|\n)+)", ast.get_docstring(node) or "", re.MULTILINE)
            arguments = re.findall(r"^    (\*{0,2}\w+): (.*(?:\n {8}.*)*)", section[1] if section else "", re.MULTILINE)
            short += [f"{named(path)}: {name}: {text}" for name, text in arguments if len(text.split()) < 4]

    assert short == []


def test_everything_public_is_described() -> None:
    """A public module, class, function or method has a docstring."""
    undocumented = []
    for path in modules(PACKAGE):
        undocumented += [] if ast.get_docstring(tree(path)) else [named(path)]
        public = public_definitions(tree(path))
        undocumented += [f"{named(path)}: {each.name}" for each in public if not ast.get_docstring(each)]

    assert undocumented == []


def test_tests_have_docstrings() -> None:
    """Every test has a docstring that states the expected behaviour."""
    undocumented = [
        f"{named(path)}: {each.name}"
        for path in modules(ROOT / "tests")
        for each in definitions(tree(path))
        if each.name.startswith("test_") and not ast.get_docstring(each)
    ]

    assert undocumented == []


def test_module_names_are_specific() -> None:
    """No module or package has a name that fits any content, such as ``utils``."""
    unspecific = []
    for path in modules(PACKAGE):
        names = {each.removesuffix(".py").strip("_") for each in path.relative_to(PACKAGE).parts}
        unspecific += [named(path)] if names & UNSPECIFIC_NAMES else []

    assert unspecific == []


def test_private_parts_of_dagster_are_used_in_one_module() -> None:
    """Private parts of Dagster, which may change with each version, are used only in ``dagster_private``."""
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


def test_no_package_registry_is_named() -> None:
    """No file names the host of a package registry, because whoever installs chooses it."""
    hosts = [host.encode() for host in REGISTRIES]
    naming = [named(path) for path in tracked_files() if any(host in path.read_bytes() for host in hosts)]

    assert naming == []
