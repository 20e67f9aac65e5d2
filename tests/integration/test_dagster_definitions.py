"""Dagster loads the assets, jobs and schedules that the catalogue defines, whatever the settings are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml
from syrupy.assertion import SnapshotAssertion

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Kind, Source
from pipelines.errors import SettingError
from pipelines.orchestration.code_location import build_definitions
from pipelines.orchestration.instance.opening import instance_settings, open_instance
from pipelines.orchestration.resources import given_settings
from pipelines.reports import all_reports
from tests.integration.dagster_project import SUPPLIERS

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

ROOT = Path(__file__).parents[2]

TABLES = {table.name for feed in SUPPLIERS.sources for table in tables_of(feed).walk()}
REPORTS = [
    each.name
    for each in all_reports()
    if all(name.split(".")[0] in {"sync", "lookup"} or name.split(".")[1] in TABLES for name in each.tables)
    and each.name not in {"spend_by_grower", "cheapest_offer"}  # they read columns of buyers' tables
]
FEEDS = [pytest.param(feed, id=feed.name) for feed in SUPPLIERS.sources]


def key_of(feed: Source) -> dg.AssetKey:
    """Return the key of a feed's asset."""
    return dg.AssetKey([feed.schema, feed.table])


LISTING = """
import gc, json, sys
from pipelines.definitions import definitions
repository = definitions.get_repository_def()
late = {"pandas", "pyarrow", "numpy", "msal", "dagster_webserver", "dagster_graphql", "dagster._cli", "mcp", "openpyxl"}
print(json.dumps({
    "assets": sorted(key.to_user_string() for key in repository.assets_defs_by_key),
    "late": sorted(late & set(sys.modules)),
    "searched": gc.isenabled() and not gc.get_freeze_count(),
}))
"""


VERSIONS = """
import json
from pipelines.definitions import definitions
repository = definitions.get_repository_def()
print(json.dumps(sorted(spec.code_version for each in repository.assets_defs_by_key.values() for spec in each.specs)))
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> dg.RepositoryDefinition:
    """The definitions without any setting; loading them takes a third of a second."""
    return load(tmp_path_factory.mktemp("repository"))


def load(directory: Path, **variables: str) -> dg.RepositoryDefinition:
    """Load the definitions with these variables only."""
    (directory / ".env").touch()
    return build_definitions(given_settings(variables, directory)).get_repository_def()


def spec(repository: dg.RepositoryDefinition, feed: Source) -> dg.AssetSpec:
    """Return the spec of a feed's asset."""
    key = dg.AssetKey([feed.schema, feed.table])
    return repository.assets_defs_by_key[key].specs_by_key[key]


def test_each_asset_has_an_owner_and_a_version(repository: dg.RepositoryDefinition) -> None:
    """The version of an asset's code is the same in each process, and differs between assets."""
    specs = [spec for each in repository.assets_defs_by_key.values() for spec in each.specs]
    versions = [spec.code_version for spec in specs]

    assert all(list(spec.owners) == ["team:floriday"] for spec in specs)
    assert None not in versions
    assert len(set(versions)) == len(versions)
    command = [sys.executable, "-c", VERSIONS]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert json.loads(printed) == sorted(filter(None, versions))


class TestLoading:
    """The definitions always load."""

    def test_assets_load_without_settings(self, tmp_path: Path) -> None:
        """In an empty environment with an empty home all assets load, without output on standard error.

        What only some runs need is not imported, and garbage collections do not search what is loaded.
        """
        (tmp_path / ".env").touch()
        needed = {name: text for name, text in os.environ.items() if name == "PATH" or name.startswith("COVERAGE")}
        environment = {**needed, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}

        done = subprocess.run(
            (sys.executable, "-c", LISTING), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

        assert done.stderr == ""
        feeds = {f"{feed.schema}/{feed.table}" for feed in SUPPLIERS.sources}
        loaded = json.loads(done.stdout)
        assert set(loaded["assets"]) == feeds | {"reports/" + name for name in (*REPORTS, "dashboard")}
        assert loaded["late"] == []
        assert not loaded["searched"]

    @pytest.mark.parametrize(
        "variables",
        [
            pytest.param({"FLORIDAY_BASE_URL": "no address"}, id="malformed address"),
            pytest.param({"FLORIDAY_FEEDS": "tulips"}, id="unknown feed"),
            pytest.param({"FLORIDAY_AUTOMATION": "perhaps"}, id="malformed switch"),
            pytest.param({"FLORIDAY_API_KEYS": "{"}, id="malformed secret"),
        ],
    )
    def test_assets_load_with_a_malformed_setting(self, tmp_path: Path, variables: dict[str, str]) -> None:
        """With a malformed setting all feeds of the Suppliers API load, and no schedule starts automatically."""
        repository = load(tmp_path, **variables)

        assert set(map(key_of, SUPPLIERS.sources)) <= set(repository.assets_defs_by_key)
        assert {each.default_status for each in repository.schedule_defs} == {dg.DefaultScheduleStatus.STOPPED}

    def test_assets_load_with_a_malformed_env_file(self, tmp_path: Path) -> None:
        """With a malformed `.env` file all feeds of the Suppliers API load."""
        (tmp_path / ".env").write_text("this is = not\n'a file")

        assert set(map(key_of, SUPPLIERS.sources)) <= set(load(tmp_path).assets_defs_by_key)

    def test_only_selected_feeds_are_assets(self, tmp_path: Path) -> None:
        """Assets and jobs contain only the feeds in FLORIDAY_FEEDS."""
        repository = load(tmp_path, FLORIDAY_FEEDS="sales_orders, supply.batches")

        expected = {dg.AssetKey(["orders", "sales_orders"]), dg.AssetKey(["supply", "batches"])}
        feeds = {key for key in repository.assets_defs_by_key if key.path[0] != "reports"}
        assert feeds == expected
        assert expected <= set(repository.get_job("sync").asset_layer.executable_asset_keys)
        assert repository.get_job("full_sync").asset_layer.executable_asset_keys == expected

    @pytest.mark.parametrize(("text", "expected"), [("on", "RUNNING"), ("off", "STOPPED"), ("", "STOPPED")])
    def test_automation_starts_schedules_and_sensors(self, tmp_path: Path, text: str, expected: str) -> None:
        """Schedules, but that of mails, and the sensor of changed feeds run by default if FLORIDAY_AUTOMATION is on."""
        repository = load(tmp_path, FLORIDAY_AUTOMATION=text)

        statuses = {each.name: each.default_status.value for each in repository.schedule_defs}
        assert statuses.pop("monday_dashboard") == "STOPPED"
        assert set(statuses.values()) == {expected}
        (changed_feeds,) = [each for each in repository.sensor_defs if each.name == "changed_feeds"]
        assert changed_feeds.default_status.value == expected

    @pytest.mark.slow
    def test_installations_sync_at_different_minutes(self, tmp_path: Path) -> None:
        """The hourly schedule's minute is derived from the warehouse and the API, and does not change."""
        crons = {
            name: load(tmp_path, FLORIDAY_WAREHOUSE=f"{name}.duckdb").get_schedule_def("hourly_sync").cron_schedule
            for name in "abcde"
        }
        again = load(tmp_path, FLORIDAY_WAREHOUSE="a.duckdb").get_schedule_def("hourly_sync").cron_schedule

        assert again == crons["a"]
        assert len(set(crons.values())) > 1


class TestDescription:
    """What Dagster shows of a feed."""

    def test_names(self, repository: dg.RepositoryDefinition, snapshot: SnapshotAssertion) -> None:
        """Users rely on these keys, groups, tags, jobs, schedules and sensors, so a change must be deliberate."""
        assert snapshot == {
            "assets": {
                feed.name: {"group": each.group_name, "kinds": sorted(each.kinds), "tags": dict(each.tags)}
                for feed in SUPPLIERS.sources
                for each in [spec(repository, feed)]
            },
            "jobs": sorted(repository.job_names),
            "schedules": {
                each.name: [str(each.cron_schedule).partition(" ")[2], each.execution_timezone, each.job_name]
                for each in repository.schedule_defs
            },
            "sensors": {each.name: each.minimum_interval_seconds for each in repository.sensor_defs},
        }

    @pytest.mark.parametrize("feed", FEEDS)
    def test_columns_are_those_of_the_catalogue(self, repository: dg.RepositoryDefinition, feed: Source) -> None:
        """Each table has the catalogue's columns in order, with type, description and mark of personal data."""
        metadata = spec(repository, feed).metadata
        parent, *children = tables_of(feed).walk()
        schemas = {parent.qualified_name: metadata["dagster/column_schema"]}
        schemas |= {child.qualified_name: metadata[f"columns of {child.name}"] for child in children}

        for table in (parent, *children):
            columns = [
                (each.name, each.type, each.description, bool(each.tags))
                for each in schemas[table.qualified_name].columns
            ]
            expected = [
                (
                    each.name,
                    each.type.replace(str(Kind.DATE_TIME), "TIMESTAMPTZ"),
                    each.description,
                    each.personal,
                )
                for each in table.columns
            ]
            assert columns == expected
        assert metadata["dagster/table_name"] == feed.name

    @pytest.mark.parametrize("feed", FEEDS)
    def test_the_description_explains_what_materializing_does(
        self, repository: dg.RepositoryDefinition, feed: Source
    ) -> None:
        """The description contains the table's own one, names every table that is written and explains `full`."""
        description = spec(repository, feed).description or ""

        assert tables_of(feed).description in description
        assert all(f"`{table.qualified_name}`" in description for table in tables_of(feed).walk())
        assert "`full`" in description

    @pytest.mark.parametrize("feed", FEEDS)
    def test_a_feed_links_to_its_record(self, repository: dg.RepositoryDefinition, feed: Source) -> None:
        """The code reference points at the feed's record class in the catalogue."""
        metadata = spec(repository, feed).metadata

        (reference,) = metadata["dagster/code_references"].code_references
        line = Path(reference.file_path).read_text(encoding="utf-8").splitlines()[reference.line_number - 1]
        assert line.startswith(f"class {feed.record.__name__}(")

    def test_resources_have_no_fields(self, repository: dg.RepositoryDefinition) -> None:
        """No resource has a field, because Dagster would show its value and store it with every run."""
        resources = repository.get_top_level_resources()

        assert set(resources) == {"settings", "session", "warehouse"}
        assert [each.config_schema.default_value for each in resources.values()] == [{}, {}, {}]


class TestInstance:
    """The instance that stores runs."""

    def test_its_settings_equal_dagster_yaml(self) -> None:
        """The settings in code equal those in `dagster.yaml`."""
        assert instance_settings(Path("data/dagster")) == yaml.safe_load((ROOT / "dagster.yaml").read_text())

    def test_it_stores_everything_in_its_own_folder(self, tmp_path: Path) -> None:
        """Without a `dagster.yaml` everything is stored in the given folder, which only its owner may read."""
        storage = tmp_path / "data" / "dagster"

        with open_instance(tmp_path, storage) as instance:
            assert instance.storage_directory() == str(storage / "storage")

        assert {path.name for path in tmp_path.iterdir()} == {"data"}
        assert storage.stat().st_mode & 0o077 == 0

    def test_dagster_yaml_defines_its_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """In the project's folder, `dagster.yaml` defines where runs are stored, as it does for `dagster dev`."""
        (tmp_path / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text().replace("data/dagster", "other"))
        monkeypatch.chdir(tmp_path)

        with open_instance(tmp_path, tmp_path / "data" / "dagster") as instance:
            assert instance.storage_directory() == "other/storage"

    def test_dagster_home_takes_precedence(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """If DAGSTER_HOME is set, that folder is used."""
        home = tmp_path / "home"
        home.mkdir()
        monkeypatch.setenv("DAGSTER_HOME", str(home))

        with open_instance(tmp_path, tmp_path / "data" / "dagster") as instance:
            assert instance.root_directory == str(home)

    @pytest.mark.parametrize("home", ["relative", "/nowhere/at/all"])
    def test_a_wrong_dagster_home_is_refused(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
        """A wrong DAGSTER_HOME is refused in one line with the variable and what it expects."""
        monkeypatch.setenv("DAGSTER_HOME", home)

        with pytest.raises(SettingError, match=r"^DAGSTER_HOME expects"):
            open_instance(tmp_path, tmp_path / "data" / "dagster")
