"""The wheel and the sdist: reproducible, complete, and usable without the optional packages."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_bytes
from pathlib import Path

import pytest

from pipelines import extras
from pipelines.errors import SettingError, UsageError
from pipelines.settings import load_alerts
from tests.command_line import process_environment

ROOT = Path(__file__).parents[2]
ADDRESS = "https://git.example/growers/floriday-warehouse"
NOT_INSTALLED = """
import sys
from importlib.abc import MetaPathFinder

class NotInstalled(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("dagster", "dagster_graphql", "dagster_webserver", "apprise", "mcp"):
            raise ImportError(f"{name} is not installed")

sys.meta_path.insert(0, NotInstalled())
"""
"""Makes the packages of the extra look as if they were not installed."""


def build(folder: Path) -> tuple[Path, Path]:
    """Build the wheel and the sdist, and return their paths."""
    subprocess.run(
        (sys.executable, "-m", "hatchling", "build", "--directory", folder),
        cwd=ROOT,
        env={**process_environment(), "SOURCE_DATE_EPOCH": "1700000000", "REPOSITORY_URL": ADDRESS},
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the sdist."""
    return build(tmp_path_factory.mktemp("dist"))


def tracked(folder: str) -> set[str]:
    """The paths of the files below a folder of the repository, without what Python and tools create."""
    files = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(ROOT)) for path in files}


def test_they_are_reproducible(built: tuple[Path, Path], tmp_path: Path) -> None:
    """A second build gives the same bytes."""
    assert [path.read_bytes() for path in build(tmp_path)] == [path.read_bytes() for path in built]


def test_the_wheel_contains_the_packages_alone(built: tuple[Path, Path]) -> None:
    """The wheel contains every file of both packages, the markers of their types included, and nothing else."""
    with zipfile.ZipFile(built[0]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert names == tracked("pipelines") | tracked("floriday_warehouse")
    assert {"pipelines/py.typed", "floriday_warehouse/py.typed"} <= names


def test_the_sdist_contains_what_a_build_needs(built: tuple[Path, Path]) -> None:
    """The sdist contains the package, its tests, and the files that its metadata are made of."""
    with tarfile.open(built[1]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}

    assert names >= tracked("pipelines") | tracked("floriday_warehouse") | tracked("tests")
    assert names >= {"pyproject.toml", "README.md", "LICENSE", "NOTICE", ".ci/metadata.py"}


def test_the_readme_on_a_package_index(built: tuple[Path, Path]) -> None:
    """The metadata name the repository, and the README's links and pictures lead there."""
    with zipfile.ZipFile(built[0]) as wheel:
        [name] = [name for name in wheel.namelist() if name.endswith("METADATA")]
        metadata = message_from_bytes(wheel.read(name))
    readme = str(metadata.get_payload())
    targets = re.findall(r"\]\(([^)]+)\)", readme)

    assert f"Source, {ADDRESS}" in metadata.get_all("Project-URL", [])
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert len(targets) > 20
    assert [target for target in targets if not target.startswith("https://")] == []


def test_two_rooms_import_the_optional_packages() -> None:
    """All other modules can be imported where Dagster, the library of the alerts and that of MCP are not installed."""
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "pipelines").rglob("*.py")
        if not {"orchestration", "mcp_server"} & set(path.parts)
        and path.stem not in ("definitions", "celery_app", "__main__")
    ]
    program = f"{NOT_INSTALLED}\nimport importlib\nfor name in {sorted(modules)!r}:\n    importlib.import_module(name)"

    ended = subprocess.run(
        (sys.executable, "-c", program),
        cwd=ROOT,
        env=process_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """What needs an extra that is not installed says how to install it."""
    monkeypatch.setattr(extras, "find_spec", lambda _: None)

    with pytest.raises(UsageError, match=r"floriday up needs the extra dagster: pip install 'floriday-warehouse\[d"):
        extras.require(extras.DAGSTER, "floriday up")
    with pytest.raises(SettingError, match="FLORIDAY_ALERTS needs the extra dagster"):
        load_alerts({"FLORIDAY_ALERTS": "jsons://alerts.example"}, Path.cwd(), dotenv=False)
