"""What Dagster loads: assets, jobs and schedules that follow from the catalogue, whatever is set or not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml  # type: ignore[import-untyped]
from syrupy.assertion import SnapshotAssertion

from pipelines.catalogue.tables import tables_of
from pipelines.catalogue.types import Kind, Source
from pipelines.errors import SettingError
from pipelines.orchestration.code_location import build_definitions
from pipelines.orchestration.instance.opening import instance_settings, open_instance
from pipelines.orchestration.resources import SettingsResource, given_settings
from pipelines.reports import all_reports
from tests.integration.dagster_project import SUPPLIERS

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
"""Dagster uses deprecated features of its own and of pydantic."""

ROOT = Path(__file__).parents[2]

FILLED = {table.name for feed in SUPPLIERS.sources for table in tables_of(feed).walk()}
REPORTS = [
    each.name
    for each in all_reports()
    if all(name.split(".")[0] == "sync" or name.split(".")[1] in FILLED for name in each.tables)
    and each.name != "spend_by_grower"  # its columns are those of the orders that buyers see
]
FEEDS = [pytest.param(feed, id=feed.name) for feed in SUPPLIERS.sources]


def key_of(feed: Source) -> dg.AssetKey:
    """The key of a feed's asset."""
    return dg.AssetKey([feed.schema, feed.table])


LISTING = """
import json
from pipelines.definitions import definitions
repository = definitions.get_repository_def()
print(json.dumps(sorted(key.to_user_string() for key in repository.assets_defs_by_key)))
"""


@pytest.fixture
def settings(tmp_path: Path) -> SettingsResource:
    """Settings with nothing set."""
    (tmp_path / ".env").touch()
    return given_settings({}, tmp_path)


def loaded(directory: Path, **variables: str) -> dg.RepositoryDefinition:
    """The definitions under some variables and no others."""
    (directory / ".env").touch()
    return build_definitions(given_settings(variables, directory)).get_repository_def()


def spec(repository: dg.RepositoryDefinition, feed: Source) -> dg.AssetSpec:
    """The description of a feed's asset."""
    key = dg.AssetKey([feed.schema, feed.table])
    return repository.assets_defs_by_key[key].specs_by_key[key]


class TestLoading:
    """It always loads."""

    def test_nothing_needs_to_be_set(self, tmp_path: Path) -> None:
        """In a clean environment with an empty home all assets load, without a word on standard error."""
        (tmp_path / ".env").touch()
        kept = {name: text for name, text in os.environ.items() if name == "PATH" or name.startswith("COVERAGE")}
        environment = {**kept, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}

        done = subprocess.run(
            (sys.executable, "-c", LISTING), cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

        assert done.stderr == ""
        feeds = {f"{feed.schema}/{feed.table}" for feed in SUPPLIERS.sources}
        assert set(json.loads(done.stdout)) == feeds | {"reports/" + name for name in (*REPORTS, "dashboard")}

    @pytest.mark.parametrize(
        "variables",
        [
            pytest.param({"FLORIDAY_BASE_URL": "no address"}, id="malformed address"),
            pytest.param({"FLORIDAY_FEEDS": "tulips"}, id="feed that there is not"),
            pytest.param({"FLORIDAY_AUTOMATION": "perhaps"}, id="malformed switch"),
            pytest.param({"FLORIDAY_API_KEYS": "{"}, id="malformed secret"),
        ],
    )
    def test_a_malformed_setting_keeps_nothing_from_loading(self, tmp_path: Path, variables: dict[str, str]) -> None:
        """All feeds of the suppliers' API are there, and nothing starts by itself."""
        repository = loaded(tmp_path, **variables)

        assert set(map(key_of, SUPPLIERS.sources)) <= set(repository.assets_defs_by_key)
        assert {each.default_status for each in repository.schedule_defs} == {dg.DefaultScheduleStatus.STOPPED}

    def test_a_broken_env_file_keeps_nothing_from_loading(self, tmp_path: Path) -> None:
        """The same holds for a `.env` file that is none."""
        (tmp_path / ".env").write_text("this is = not\n'a file")

        assert set(map(key_of, SUPPLIERS.sources)) <= set(loaded(tmp_path).assets_defs_by_key)

    def test_chosen_feeds_are_the_assets(self, tmp_path: Path) -> None:
        """FLORIDAY_FEEDS leaves the other feeds out of assets and jobs."""
        repository = loaded(tmp_path, FLORIDAY_FEEDS="sales_orders, supply.batches")

        expected = {dg.AssetKey(["orders", "sales_orders"]), dg.AssetKey(["supply", "batches"])}
        feeds = {key for key in repository.assets_defs_by_key if key.path[0] != "reports"}
        assert feeds == expected
        assert expected <= set(repository.get_job("sync").asset_layer.executable_asset_keys)
        assert repository.get_job("full_sync").asset_layer.executable_asset_keys == expected

    @pytest.mark.parametrize(("text", "expected"), [("on", "RUNNING"), ("off", "STOPPED"), ("", "STOPPED")])
    def test_automation_decides_whether_the_schedule_runs(self, tmp_path: Path, text: str, expected: str) -> None:
        """Schedules and sensors run by themselves where FLORIDAY_AUTOMATION is on; else only those that call nobody."""
        repository = loaded(tmp_path, FLORIDAY_AUTOMATION=text)

        assert {each.default_status.value for each in repository.schedule_defs} == {expected}
        (watching,) = [each for each in repository.sensor_defs if each.name == "changed_feeds"]
        assert watching.default_status.value == expected

    def test_installations_do_not_sync_in_the_same_minute(self, tmp_path: Path) -> None:
        """The minute follows from the warehouse and the API: for one always the same, for two seldom."""
        crons = {
            name: loaded(tmp_path, FLORIDAY_WAREHOUSE=f"{name}.duckdb").get_schedule_def("hourly_sync").cron_schedule
            for name in "abcde"
        }
        again = loaded(tmp_path, FLORIDAY_WAREHOUSE="a.duckdb").get_schedule_def("hourly_sync").cron_schedule

        assert again == crons["a"]
        assert len(set(crons.values())) > 1


class TestDescription:
    """What a person sees of a feed."""

    def test_names(self, settings: SettingsResource, snapshot: SnapshotAssertion) -> None:
        """Keys, groups, tags, jobs and schedules are these; whoever changes them changes what users rely on."""
        repository = build_definitions(settings).get_repository_def()

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
    def test_columns_are_those_of_the_catalogue(self, settings: SettingsResource, feed: Source) -> None:
        """The table and each child table have their columns in order, with type and description, personal data told."""
        metadata = spec(build_definitions(settings).get_repository_def(), feed).metadata
        parent, *children = tables_of(feed).walk()
        schemas = {parent.qualified_name: metadata["dagster/column_schema"]}
        schemas |= {child.qualified_name: metadata[f"columns of {child.name}"] for child in children}

        for table in (parent, *children):
            shown = [
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
            assert shown == expected
        assert metadata["dagster/table_name"] == feed.name

    @pytest.mark.parametrize("feed", FEEDS)
    def test_the_description_says_what_materializing_does(self, settings: SettingsResource, feed: Source) -> None:
        """It holds the table's own description, names every table that is written and tells what `full` means."""
        description = spec(build_definitions(settings).get_repository_def(), feed).description or ""

        assert tables_of(feed).description in description
        assert all(f"`{table.qualified_name}`" in description for table in tables_of(feed).walk())
        assert "`full`" in description

    @pytest.mark.parametrize("feed", FEEDS)
    def test_the_code_behind_a_feed_is_one_click_away(self, settings: SettingsResource, feed: Source) -> None:
        """Its code reference leads to the record in the catalogue."""
        metadata = spec(build_definitions(settings).get_repository_def(), feed).metadata

        (reference,) = metadata["dagster/code_references"].code_references
        line = Path(reference.file_path).read_text(encoding="utf-8").splitlines()[reference.line_number - 1]
        assert line == f"class {feed.record.__name__}(Record):"

    def test_resources_have_nothing_to_show(self, settings: SettingsResource) -> None:
        """No resource has a field of its own: Dagster would show its value and keep it with every run."""
        definitions = build_definitions(settings)
        resources = definitions.get_repository_def().get_top_level_resources()

        assert set(resources) == {"settings", "session", "warehouse"}
        assert [each.config_schema.default_value for each in resources.values()] == [{}, {}, {}]


class TestInstance:
    """Where runs are kept."""

    def test_its_settings_are_those_of_dagster_yaml(self) -> None:
        """What is said in code equals the file, word for word."""
        assert instance_settings(Path("data/dagster")) == yaml.safe_load((ROOT / "dagster.yaml").read_text())

    def test_it_keeps_everything_in_a_folder_of_its_own(self, tmp_path: Path) -> None:
        """Without a `dagster.yaml` all of it goes into the folder that is asked for, and nobody else may look in."""
        storage = tmp_path / "data" / "dagster"

        with open_instance(tmp_path, storage) as instance:
            assert instance.storage_directory() == str(storage / "storage")

        assert {path.name for path in tmp_path.iterdir()} == {"data"}
        assert storage.stat().st_mode & 0o077 == 0

    def test_it_is_the_one_of_dagster_dev(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """In the project's folder, its `dagster.yaml` says where."""
        (tmp_path / "dagster.yaml").write_text((ROOT / "dagster.yaml").read_text().replace("data/dagster", "elsewhere"))
        monkeypatch.chdir(tmp_path)

        with open_instance(tmp_path, tmp_path / "data" / "dagster") as instance:
            assert instance.storage_directory() == "elsewhere/storage"

    def test_dagster_home_wins(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where DAGSTER_HOME is set, that folder is used."""
        home = tmp_path / "home"
        home.mkdir()
        monkeypatch.setenv("DAGSTER_HOME", str(home))

        with open_instance(tmp_path, tmp_path / "data" / "dagster") as instance:
            assert instance.root_directory == str(home)

    @pytest.mark.parametrize("home", ["relative", "/nowhere/at/all"])
    def test_a_wrong_dagster_home_is_told(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str) -> None:
        """One line names the variable and what it expects."""
        monkeypatch.setenv("DAGSTER_HOME", home)

        with pytest.raises(SettingError, match=r"^DAGSTER_HOME expects"):
            open_instance(tmp_path, tmp_path / "data" / "dagster")
