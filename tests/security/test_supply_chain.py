"""Only pinned packages are installed, and an audit that could not be made fails."""

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
    """A program that writes a file to the path of an option, or fails if there is no content."""
    (folder / "written").write_text(written or "")
    path = folder / "program"
    path.write_text(
        f"#!/bin/sh\ntouch {folder}/called\n{'exit 1' if written is None else ''}\n"
        f'while [ "$1" != {option} ]; do shift; done\ncp {folder}/written "$2"\n'
    )
    path.chmod(0o700)
    return str(path)


@pytest.mark.parametrize("result", [None, "no JSON", "{}", '{"dependencies": []}', HALF])
@pytest.mark.parametrize("audit", ["", "required"])
def test_an_audit_without_results_fails(result: str | None, audit: str, tmp_path: Path) -> None:
    """The audit fails if a package cannot be looked up, unless it is optional."""
    ended = script("audit", AUDIT=audit, PIP_AUDIT=program(tmp_path, result, "--output"))

    assert ended.returncode == 2
    assert "audit failed: the known vulnerabilities of some packages cannot be looked up" in ended.stderr


@pytest.mark.parametrize("result", [None, "no JSON", HALF])
def test_an_audit_may_be_optional(result: str | None, tmp_path: Path) -> None:
    """With AUDIT=optional, the audit skips packages that cannot be looked up, with a message."""
    ended = script("audit", AUDIT="optional", PIP_AUDIT=program(tmp_path, result, "--output"))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "audit skipped: the known vulnerabilities of some packages cannot be looked up" in ended.stdout


@pytest.mark.parametrize("audit", ["required", "optional"])
def test_a_vulnerability_fails_the_audit(audit: str, tmp_path: Path) -> None:
    """A known vulnerability fails the audit, optional or not."""
    ended = script("audit", AUDIT=audit, PIP_AUDIT=program(tmp_path, VULNERABLE, "--output"))

    assert ended.returncode == 1
    assert "a 1: X-1, mended in 2" in ended.stdout


def test_an_audit_without_vulnerabilities_passes(tmp_path: Path) -> None:
    """An audit without vulnerabilities prints the number of packages."""
    ended = script("audit", PIP_AUDIT=program(tmp_path, CLEAN, "--output"))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == "1 of 1 packages looked up, 0 known vulnerabilities\n"


@pytest.mark.parametrize(("audit", "code"), [("skip", 0), ("maybe", 2)])
def test_an_audit_can_be_skipped(audit: str, code: int, tmp_path: Path) -> None:
    """AUDIT=skip skips the audit with a message, and an unknown value is an error."""
    ended = script("audit", AUDIT=audit, PIP_AUDIT=program(tmp_path, CLEAN, "--output"))

    assert ended.returncode == code
    assert not (tmp_path / "called").exists()
    assert "audit skipped: AUDIT=skip" in ended.stdout or code == 2


def test_the_workflows_require_the_audit() -> None:
    """The audit is optional in the script for local runs, and required in the hosted workflows."""
    assert "AUDIT=${AUDIT:-optional} make audit" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for workflow, command in (("ci", "bash .ci/run"), ("release", "make audit")):
        text = (ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text(encoding="utf-8")
        assert re.search(rf"run: {command}\n\s+env:\n\s+AUDIT: required", text)


def components(pins: list[tuple[str, str]]) -> str:
    """A bill of materials with these packages."""
    hashes = [{"hashes": [{"alg": "SHA-256", "content": "0" * 64}]}]
    return json.dumps(
        {"components": [{"name": name, "version": version, "externalReferences": hashes} for name, version in pins]}
    )


def test_the_bill_of_materials_lists_every_pin(tmp_path: Path) -> None:
    """A bill of materials that lacks a pinned package is an error, and a complete one prints the number."""
    pins = PIN.findall((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    target = str(tmp_path / "dist" / "sbom.cdx.json")

    complete = script("sbom", SBOM=target, CYCLONEDX_PY=program(tmp_path, components(pins), "--output-file"))
    assert (complete.returncode, complete.stderr) == (0, "")
    assert f"{len(pins)} of {len(pins)} pinned packages" in complete.stdout

    incomplete = script("sbom", SBOM=target, CYCLONEDX_PY=program(tmp_path, components(pins[1:]), "--output-file"))
    assert incomplete.returncode == 1
    assert "{} {}".format(*pins[0]) in incomplete.stderr


@pytest.mark.parametrize(
    ("lock", "least"),
    [
        ("requirements.lock", 100),
        (".ci/tools.lock", 30),
        (".ci/site.lock", 30),
        (".ci/duckdb-1.5.lock", 1),
        (".ci/duckdb-1.4.lock", 1),
    ],
)
def test_every_pin_has_hashes_and_no_address(lock: str, least: int) -> None:
    """Each package is pinned to a version and its hashes, without the address of a registry."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]

    assert len(blocks) >= least
    assert all(PIN.match(block) and "--hash=sha256:" in block for block in blocks)
    assert "://" not in text


@pytest.mark.parametrize("name", ["tools", "site", "duckdb-1.5", "duckdb-1.4"])
def test_all_tools_are_pinned(name: str) -> None:
    """The lock of an environment beside the project's pins each program that its list names."""
    required = PIN.findall((ROOT / ".ci" / f"{name}.in").read_text(encoding="utf-8"))
    pinned = PIN.findall((ROOT / ".ci" / f"{name}.lock").read_text(encoding="utf-8"))

    assert required
    assert set(required) <= set(pinned)


def test_nothing_is_installed_without_a_hash() -> None:
    """Every installation in make, CI and release verifies hashes, or installs only files of this repository.

    Only ``.ci/packages`` installs as users do, into environments that it deletes.
    """
    folders = ROOT / ".ci", ROOT / ".github" / "workflows"
    files = [ROOT / "Makefile", *(file for folder in folders for file in folder.iterdir() if file.is_file())]
    files.remove(ROOT / ".ci" / "packages")
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
    """Each action of a workflow is pinned to a commit."""
    for workflow in (ROOT / ".github" / "workflows").iterdir():
        used = re.findall(r"uses: (\S+)", workflow.read_text(encoding="utf-8"))
        assert used
        assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in used)


def test_the_wheel_is_tested_with_its_packages_only() -> None:
    """The wheel is tested with the pinned packages that it needs, and without development tools."""
    needed = subprocess.run(
        (sys.executable, ROOT / ".ci" / "runtime"), check=True, capture_output=True, text=True
    ).stdout
    names = {name for name, _ in PIN.findall(needed)}

    assert {"duckdb", "dagster", "grpcio", "urllib3"} <= names
    assert not {"pytest", "mypy", "ruff", "hatchling"} & names
    assert needed.count("--hash=sha256:") > len(names)
