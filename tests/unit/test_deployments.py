"""The files of `deploy` for several machines: they parse, name settings that exist, and contain no secret."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.settings.load import SECRETS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
TOOLS = ROOT / ".venv-tools" / "bin"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.suffix in {".yaml", ".env"})
NOTICED_WITHIN = 90  # seconds within which the run of a dead worker has to end
"""See `tests/integration/test_workers.py`, which kills one."""


def content(path: Path) -> list[Any]:
    """Return the documents of a YAML file."""
    return list(yaml.safe_load_all(path.read_text(encoding="utf-8")))


def compose() -> dict[str, Any]:
    """Return the content of deploy/compose.yaml."""
    [found] = content(DEPLOY / "compose.yaml")
    return dict(found)


def settings_for_dagster() -> dict[str, dict[str, Any]]:
    """Return the content of each dagster.yaml, by its folder."""
    return {path.parent.name: content(path)[0] for path in DEPLOY.rglob("dagster.yaml")}


def variables() -> set[str]:
    """Return the names of the variables that the files of several machines set."""
    services = compose()["services"].values()
    named = {name for service in services for name in service.get("environment", {})}
    text = (KUBERNETES / "settings.env").read_text(encoding="utf-8")
    return named | {*re.findall(r"(?m)^([A-Z_]+)=", text)}


@pytest.mark.parametrize("path", [pytest.param(path, id=str(path.relative_to(DEPLOY))) for path in FILES])
def test_files_have_no_secret(path: Path) -> None:
    """A file parses, and no variable and no address in it has a password or another secret."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yaml":
        assert content(path)

    assert re.findall(r"://[^/@\s]*:[^/@\s]+@", text) == []
    assert re.findall(r"(?im)^\s*(?:- )?[\w-]*(?:password|secret_key|api_keys?)\s*[:=]\s*(?!\{ file:)\S", text) == []
    assert [name for name in SECRETS if re.search(rf"FLORIDAY_{name}\s*[:=]", text)] == []


def test_settings_exist() -> None:
    """Each FLORIDAY_ variable of the files is a setting, or names the file of one."""
    known = {*re.findall(r"(?m)^#? ?(FLORIDAY_[A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"))}
    files = {f"FLORIDAY_{name}_FILE" for name in SECRETS}
    own = {name for name in variables() if name.startswith("FLORIDAY_")}

    assert own - known - files == {"FLORIDAY_HOME"}
    assert {"FLORIDAY_WAREHOUSE", "FLORIDAY_LAKE_DATA"} <= own


def test_images_are_pinned() -> None:
    """Each image has a version."""
    images = [service["image"] for service in compose()["services"].values()]

    assert [image for image in images if not re.search(r":\d+\.\d+(\.\d+)?\}?$", image)] == []


def test_containers_have_no_rights() -> None:
    """The program's containers have a read-only root and no capability, and only the loopback reaches its pages."""
    services = compose()["services"]
    own = [service for service in services.values() if "DAGSTER_HOME" in service.get("environment", {})]

    assert len(own) == 4
    assert all((each["read_only"], each["cap_drop"]) == (True, ["ALL"]) for each in own)
    assert [port for each in services.values() for port in each.get("ports", ())] == ["127.0.0.1:3000:3000"]
    assert [name for name in ("postgres", "broker", "objects") if services[name]["networks"] != ["inside"]] == []


def test_workers_have_time_to_interrupt_their_runs() -> None:
    """Each worker is stopped by the signal that interrupts runs after 30 seconds, and is killed later than that."""
    workers = [service for name, service in compose()["services"].items() if name.startswith("worker")]

    assert [(each["stop_signal"], each["stop_grace_period"]) for each in workers] == [("SIGQUIT", "90s")] * 2


def test_each_cell_has_one_run_at_a_time() -> None:
    """Both launchers have the same queue, and the same limits for dead runs, which are noticed in time."""
    settings = settings_for_dagster()
    first, second = settings["celery"], settings["kubernetes"]
    [limit] = first["concurrency"]["runs"]["tag_concurrency_limits"]

    assert (limit["key"], limit["value"], limit["limit"]) == ("floriday/cell", {"applyLimitPerUniqueValue": True}, 1)
    assert second["concurrency"]["runs"]["tag_concurrency_limits"] == [limit]
    same = ("run_coordinator", "run_monitoring", "retention", "sensors", "schedules", "storage", "telemetry")
    assert [name for name in same if first[name] != second[name]] == []
    grace, machine_lost = 30, 20  # seconds: `workers/launcher.py`, and the keepalive of `workers/run_session.py`
    assert 2 * first["run_monitoring"]["poll_interval_seconds"] + grace + machine_lost <= NOTICED_WITHIN


def tool(name: str) -> str:
    """Return the path of a program that `.ci/tools` installs; skip the test where it is missing."""
    if not (TOOLS / name).is_file():
        pytest.skip(f"{name} is not in .venv-tools: `bash .ci/tools` installs it")
    return str(TOOLS / name)


def output(*command: str) -> str:
    """Return what a command prints; fail with it if the command fails."""
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_compose_files_follow_the_specification() -> None:
    """The compose files are valid for the schema of the Compose specification."""
    paths = [str(path) for path in DEPLOY.rglob("compose.yaml")]

    assert len(paths) == 2
    assert "ok" in output(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", *paths)


def test_kubernetes_accepts_the_files(tmp_path: Path) -> None:
    """What kustomize makes of the base is valid for the schemas of Kubernetes, without unknown fields."""
    if shutil.which("kustomize") is None:
        pytest.skip("kustomize is not installed")
    validate = tool("kubernetes-validate")
    built = tmp_path / "built.yaml"
    built.write_text(output("kustomize", "build", str(KUBERNETES)), encoding="utf-8")
    resources = content(built)

    output(validate, "--strict", "--quiet", str(built))
    assert {each["metadata"]["namespace"] for each in resources} == {"floriday"}
    assert "Secret" not in {each["kind"] for each in resources}
    pods = [each["spec"]["template"]["spec"] for each in resources if each["kind"] == "Deployment"]
    containers = [container for pod in pods for container in pod["containers"]]
    images = {container["image"] for container in containers}
    assert len(images) == 1
    assert {variable["value"] for container in containers for variable in container["env"]} == images
    assert all(pod["securityContext"]["runAsNonRoot"] for pod in pods)
