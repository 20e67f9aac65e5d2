"""What is installed is what was pinned, and a check that could not be made does not pass for one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
CLEAN = '{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}'
VULNERABLE = '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}]}'
HALF = '{"dependencies": [{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not found"}]}'


def script(name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script of ``.ci``."""
    inherited = {key: value for key, value in os.environ.items() if key != "AUDIT"}
    return subprocess.run(
        ("bash", str(ROOT / ".ci" / name)), env={**inherited, **variables}, check=False, capture_output=True, text=True
    )


def program(folder: Path, written: str | None, option: str) -> str:
    """A program that writes a file to where an option says, or that fails."""
    (folder / "written").write_text(written or "")
    path = folder / "program"
    path.write_text(
        f"#!/bin/sh\ntouch {folder}/called\n{'exit 1' if written is None else ''}\n"
        f'while [ "$1" != {option} ]; do shift; done\ncp {folder}/written "$2"\n'
    )
    path.chmod(0o700)
    return str(path)


@pytest.mark.parametrize("told", [None, "no JSON", "{}", '{"dependencies": []}', HALF])
@pytest.mark.parametrize("audit", ["", "required"])
def test_an_audit_that_knows_nothing_fails(told: str | None, audit: str, tmp_path: Path) -> None:
    """Where a package cannot be looked up, the audit fails, unless it was told that this may be."""
    ended = script("audit", AUDIT=audit, PIP_AUDIT=program(tmp_path, told, "--output"))

    assert ended.returncode == 2
    assert "audit failed: the known vulnerabilities of some packages cannot be looked up" in ended.stderr


@pytest.mark.parametrize("told", [None, "no JSON", HALF])
def test_an_audit_may_be_optional(told: str | None, tmp_path: Path) -> None:
    """With AUDIT=optional, it says that it skips what cannot be looked up, and succeeds."""
    ended = script("audit", AUDIT="optional", PIP_AUDIT=program(tmp_path, told, "--output"))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "audit skipped: the known vulnerabilities of some packages cannot be looked up" in ended.stdout


@pytest.mark.parametrize("audit", ["required", "optional"])
def test_a_vulnerability_fails_in_any_case(audit: str, tmp_path: Path) -> None:
    """A package that is known to be vulnerable fails the audit, optional or not."""
    ended = script("audit", AUDIT=audit, PIP_AUDIT=program(tmp_path, VULNERABLE, "--output"))

    assert ended.returncode == 1
    assert "a 1: X-1, mended in 2" in ended.stdout


def test_an_audit_without_vulnerabilities_passes(tmp_path: Path) -> None:
    """When every package was looked up and none is vulnerable, the audit says how many there are."""
    ended = script("audit", PIP_AUDIT=program(tmp_path, CLEAN, "--output"))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "1 of 1 packages looked up, 0 known vulnerabilities\n"


@pytest.mark.parametrize(("audit", "code"), [("skip", 0), ("maybe", 2)])
def test_an_audit_is_skipped_by_that_word_alone(audit: str, code: int, tmp_path: Path) -> None:
    """AUDIT=skip asks nobody and says so; a word that means nothing is an error."""
    ended = script("audit", AUDIT=audit, PIP_AUDIT=program(tmp_path, CLEAN, "--output"))

    assert ended.returncode == code
    assert not (tmp_path / "called").exists()
    assert "audit skipped: AUDIT=skip" in ended.stdout or code == 2


def test_only_a_machine_of_ones_own_may_skip_the_audit() -> None:
    """The script that every change must pass says that the audit is optional; the hosted workflows require it."""
    assert "AUDIT=${AUDIT:-optional} make audit" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for workflow, command in (("ci", "bash .ci/run"), ("release", "make audit")):
        text = (ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text(encoding="utf-8")
        assert re.search(rf"run: {command}\n\s+env:\n\s+AUDIT: required", text)


def components(pins: list[tuple[str, str]]) -> str:
    """A bill of materials that lists packages."""
    hashes = [{"hashes": [{"alg": "SHA-256", "content": "0" * 64}]}]
    return json.dumps(
        {"components": [{"name": name, "version": version, "externalReferences": hashes} for name, version in pins]}
    )


def test_the_bill_of_materials_lists_every_pin(tmp_path: Path) -> None:
    """A bill that lacks a pinned package is refused, by name; a complete one says how many there are."""
    pins = PIN.findall((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    target = str(tmp_path / "dist" / "sbom.cdx.json")

    whole = script("sbom", SBOM=target, CYCLONEDX_PY=program(tmp_path, components(pins), "--output-file"))
    assert (whole.returncode, whole.stderr) == (0, "")
    assert f"{len(pins)} of {len(pins)} pinned packages" in whole.stdout

    short = script("sbom", SBOM=target, CYCLONEDX_PY=program(tmp_path, components(pins[1:]), "--output-file"))
    assert short.returncode == 1
    assert "{} {}".format(*pins[0]) in short.stderr


@pytest.mark.parametrize("lock", ["requirements.lock", ".ci/tools.lock"])
def test_every_pin_has_hashes_and_no_address(lock: str) -> None:
    """Each package is pinned to one version and its hashes, wherever it is downloaded from."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]

    assert len(blocks) > 40
    assert all(PIN.match(block) and "--hash=sha256:" in block for block in blocks)
    assert "://" not in text


def test_the_tools_are_those_that_were_asked_for() -> None:
    """What .ci/tools.in asks for is what .ci/tools.lock pins."""
    asked = PIN.findall((ROOT / ".ci" / "tools.in").read_text(encoding="utf-8"))
    pinned = PIN.findall((ROOT / ".ci" / "tools.lock").read_text(encoding="utf-8"))

    assert asked
    assert set(asked) <= set(pinned)


def test_nothing_is_installed_without_a_hash() -> None:
    """Every installation by make, CI and release verifies hashes, or installs what this repository holds alone."""
    files = [ROOT / "Makefile", *(ROOT / ".ci").iterdir(), *(ROOT / ".github" / "workflows").iterdir()]
    lines = [
        line
        for file in files
        for line in file.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
        if re.search(r"\bpip (install|wheel|download)\b", line)
    ]
    built = re.compile(r"--no-deps\b.*(--no-build-isolation|dist/\*\.whl)")

    assert len(lines) >= 5
    assert [line for line in lines if "--require-hashes" not in line and not built.search(line)] == []


def test_actions_are_pinned() -> None:
    """Each action of a workflow is named by the commit that it is."""
    for workflow in (ROOT / ".github" / "workflows").iterdir():
        used = re.findall(r"uses: (\S+)", workflow.read_text(encoding="utf-8"))
        assert used
        assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in used)


def test_the_wheel_is_tried_with_what_it_needs_alone() -> None:
    """The part of the lock that the package needs has its hashes, and none of the development tools."""
    needed = subprocess.run(
        (sys.executable, ROOT / ".ci" / "runtime"), check=True, capture_output=True, text=True
    ).stdout
    names = {name for name, _ in PIN.findall(needed)}

    assert {"duckdb", "dagster", "grpcio", "urllib3"} <= names
    assert not {"pytest", "mypy", "ruff", "hatchling"} & names
    assert needed.count("--hash=sha256:") > len(names)
