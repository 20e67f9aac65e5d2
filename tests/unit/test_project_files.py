"""The files around the package: what is pinned, and what the tools are told."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def project() -> dict[str, Any]:
    """What pyproject.toml says."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins() -> dict[str, str]:
    """The entry of each package in requirements.lock, with its hashes."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[a-z])", re.sub(r"(?m)^\s*#.*\n", "", text))
    return {re.split(r"[=\[ ]", entry)[0]: entry for entry in entries if entry}


def test_every_requirement_is_pinned_with_its_hash() -> None:
    """The lock has an exact version and a hash for each package that pyproject.toml asks for, and for all they need."""
    described = project()
    asked = described["project"]["dependencies"] + described["dependency-groups"]["dev"]
    names = {re.split(r"[<>=\[ ]", requirement)[0] for requirement in asked}

    assert names - pins().keys() == set()
    assert [name for name, entry in pins().items() if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_dagster_and_its_web_server_match() -> None:
    """Dagster's packages are pinned to one version, since they work only with their own kind."""
    versions = {re.search(r"==([\d.]+)", pins()[name]) for name in ("dagster", "dagster-webserver", "dagster-graphql")}

    assert len({match and match[1] for match in versions}) == 1


def test_nothing_overrules_the_workspace() -> None:
    """No table of pyproject.toml makes ``dagster dev`` ignore workspace.yaml."""
    assert project()["tool"].keys() & {"dagster", "dg"} == set()


def test_make_help_names_every_target() -> None:
    """``make help`` shows each target with what it does."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"(?m)^\.PHONY: (.*)$", makefile)[0].split()

    shown = subprocess.run(
        ("make", "--no-print-directory", "help"), cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout

    assert [line.split()[1] for line in shown.splitlines()] == targets
