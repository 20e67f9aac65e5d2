"""The files around the package: pinned packages, settings of the tools, and links of the guides."""

from __future__ import annotations

import configparser
import plistlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.orchestration.serving.dagster_dev import LOCATION, LONGEST_STOP

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy" / "systemd"


def project() -> dict[str, Any]:
    """Return the content of pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins(lock: str = "requirements.lock") -> dict[str, str]:
    """Return the entry of each package in a lock, with its hashes."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z])", re.sub(r"(?m)^\s*#.*\n", "", text))
    return {re.split(r"[=\[ ]", entry)[0]: entry for entry in entries if entry}


def test_every_requirement_is_pinned_with_its_hash() -> None:
    """The locks have an exact version and a hash for each package that pyproject.toml requires, and its dependencies.

    The extra ``scale`` needs an older DuckDB than all else, and has a lock of its own.
    """
    content = project()
    optional = content["project"]["optional-dependencies"]
    scale = names_of(optional.pop("scale"))
    others = names_of(sum(optional.values(), content["project"]["dependencies"] + content["dependency-groups"]["dev"]))

    assert (others - pins().keys(), scale - pins(".ci/scale.lock").keys()) == (set(), set())
    entries = {**pins(), **pins(".ci/scale.lock")}
    assert [name for name, entry in entries.items() if "==" not in entry or "--hash=sha256:" not in entry] == []


def names_of(requirements: list[str]) -> set[str]:
    """Return the names of required packages."""
    return {re.split(r"[<>=\[ ]", requirement)[0] for requirement in requirements}


def test_dagster_and_its_web_server_match() -> None:
    """All packages of Dagster are pinned to one version, because they work only with each other."""
    names = ("dagster", "dagster-webserver", "dagster-graphql", "dagster-dg-cli", "dagster-dg-core")
    versions = {match[1] for name in names if (match := re.search(r"==([\d.]+)", pins()[name]))}

    assert len(versions) == 1


def test_pyproject_does_not_override_the_workspace() -> None:
    """No table of pyproject.toml makes ``dagster dev`` ignore workspace.yaml."""
    assert project()["tool"].keys() & {"dagster", "dg"} == set()


def test_dg_finds_the_same_code_location() -> None:
    """``dg`` and ``dagster dev`` load the same module under the same name."""
    workspace = dict(re.findall(r"(module_name|location_name): (.+)", (ROOT / "workspace.yaml").read_text("utf-8")))
    found = tomllib.loads((ROOT / "dg.toml").read_text(encoding="utf-8"))["project"]

    assert workspace == {"module_name": found["code_location_target_module"], "location_name": LOCATION}
    assert found["code_location_name"] == LOCATION
    assert (ROOT / found["root_module"]).is_dir()


def test_make_help_names_every_target() -> None:
    """``make help`` shows each target with a description."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"(?m)^\.PHONY: (.*)$", makefile)[0].split()

    output = subprocess.run(
        ("make", "--no-print-directory", "help"), cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout

    assert [line.split()[1] for line in output.splitlines()] == targets


def test_paths_stay_in_the_repository() -> None:
    """A path that starts at a file's own location ends within the repository."""
    upward = re.compile(r"__file__\)(?:\.resolve\(\))?((?:\.parents\[\d\]|\.parent\b)+)")
    outside = []
    for folder in ("pipelines", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            for steps in upward.findall(path.read_text("utf-8")):
                levels = sum(int(level) + 1 if level else 1 for level in re.findall(r"\.parent(?:s\[(\d)\])?", steps))
                if levels >= len(path.relative_to(ROOT.parent).parts):
                    outside.append(str(path.relative_to(ROOT)))

    assert outside == []


LINK = re.compile(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)")


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, which are made of their words, and those that it states itself."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text("utf-8"))
    headings = re.findall(r"(?m)^#+ (.+)$", text)
    stated = re.findall(r"<a (?:id|name)=\"([^\"]+)\"", text)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings} | {*stated}


def test_links_of_the_guides_lead_somewhere() -> None:
    """Each link of the guides to a file of the project leads to an existing file, and to a heading that it has."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    links = [(page, *link) for page in pages for link in LINK.findall(page.read_text("utf-8"))]
    targets = [(page.parent / file if file else page, anchor) for page, file, anchor in links]

    assert len(links) > len(pages)
    assert [str(target) for target, _ in targets if not target.exists()] == []
    of_pages = {target for target, anchor in targets if anchor and target.suffix == ".md"}
    known = {target: anchors(target) for target in of_pages}
    assert [
        (str(target), anchor) for target, anchor in targets if target in known and anchor not in {"", *known[target]}
    ] == []


def example(language: str) -> str:
    """Return the example in a language from docs/operations/service.md."""
    page = (ROOT / "docs" / "operations" / "service.md").read_text(encoding="utf-8")
    (text,) = re.findall(rf"(?s)```{language}\n(.*?)```", page)
    return str(text)


def unit(name: str) -> configparser.ConfigParser:
    """Return a unit file of deploy/systemd."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read_string((UNITS / name).read_text(encoding="utf-8"))
    return parser


def compose() -> dict[str, Any]:
    """Return the container's service of deploy/one-machine/compose.yaml."""
    text = (ROOT / "deploy" / "one-machine" / "compose.yaml").read_text(encoding="utf-8")
    [service] = yaml.safe_load(text)["services"].values()
    return dict(service)


def test_services_wait_for_the_end() -> None:
    """The services give `floriday up` enough time to stop, and keep its files private."""
    service = unit("floriday.service")["Service"]
    agent = plistlib.loads(example("xml").encode())

    assert int(service["TimeoutStopSec"]) > LONGEST_STOP
    assert agent["ExitTimeOut"] > LONGEST_STOP
    assert int(compose()["stop_grace_period"].removesuffix("s")) > LONGEST_STOP
    assert (int(service["UMask"], 8), agent["Umask"]) == (0o077, 0o077)


def test_the_container_has_no_rights() -> None:
    """The container's root is read-only, it has no capabilities, and only the loopback reaches its pages."""
    service = compose()

    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert re.search(r"(?m)^USER \d+:\d+$", (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8"))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """``systemd-analyze verify`` finds no fault in the units; the program's path is that of an existing one."""
    for path in UNITS.iterdir():
        text = path.read_text(encoding="utf-8").replace("/srv/floriday/.venv/bin/floriday", sys.executable)
        (tmp_path / path.name).write_text(text, encoding="utf-8")

    ended = subprocess.run(
        ("systemd-analyze", "verify", "--man=no", *sorted(tmp_path.iterdir())),
        capture_output=True,
        text=True,
        check=False,
    )

    assert [line for line in ended.stderr.splitlines() if str(tmp_path) in line or "floriday" in line] == []


def test_the_threat_model_names_existing_tests() -> None:
    """Every test file that SECURITY.md names exists, and it names every file of the security tests."""
    named = set(re.findall(r"`((?:tests/[\w/]+/)?test_\w+\.py)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8")))
    paths = {ROOT / (name if "/" in name else f"tests/security/{name}") for name in named}

    assert [path for path in paths if not path.is_file()] == []
    assert [path.name for path in (ROOT / "tests" / "security").glob("test_*.py") if path not in paths] == []


def test_the_page_for_assistants_is_short() -> None:
    """AGENTS.md has at most 60 lines, so that it is read completely."""
    assert len((ROOT / "AGENTS.md").read_text(encoding="utf-8").splitlines()) <= 60
