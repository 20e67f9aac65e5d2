"""Settings are read from the environment, `.env` and files, and all errors are reported in one line."""

from __future__ import annotations

import json
import os
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipelines import settings as package
from pipelines.errors import SettingError
from pipelines.settings import (
    LocalSettings,
    Settings,
    child_environment,
    given_variables,
    load_local_settings,
    load_settings,
    values,
)
from pipelines.settings.environments import AUTH_URLS, Environment, base_url
from pipelines.settings.overrides import overriding

SECRET = "s3cr3t-7hat-must-not-show"
KEY = "k3y-7hat-must-not-show"

COMPLETE = {
    "FLORIDAY_CLIENT_ID": "client-1",
    "FLORIDAY_CLIENT_SECRET": SECRET,
    "FLORIDAY_API_KEY": KEY,
    "FLORIDAY_AUTH_URL": "https://idm.staging.floriday.io/oauth2/id/v1/token",
    "FLORIDAY_BASE_URL": "https://api.staging.floriday.io/suppliers-api-2026v1",
}


def loaded(folder: Path, /, **changes: str) -> Settings:
    """Return complete settings with some variables changed; a blank one is unset."""
    return load_settings(COMPLETE | {f"FLORIDAY_{name}": text for name, text in changes.items()}, folder)


def error_message(folder: Path, /, **changes: str) -> str:
    """Return the error message for changed settings; it is one line without secrets."""
    with pytest.raises(SettingError) as error:
        loaded(folder, **changes)
    message = str(error.value)
    assert "\n" not in message
    assert error.value.__cause__ is None
    assert SECRET not in message
    assert KEY not in message
    return message


def local(folder: Path, /, **variables: str) -> LocalSettings:
    """Return settings without credentials."""
    return load_local_settings({f"FLORIDAY_{name}": text for name, text in variables.items()}, folder)


def test_five_variables_are_enough(tmp_path: Path) -> None:
    """Five variables are required, and all others have defaults."""
    settings = loaded(tmp_path)

    assert settings.client_id == "client-1"
    assert settings.client_secret.get_secret_value() == SECRET
    assert {name: key.get_secret_value() for name, key in settings.accounts.items()} == {"main": KEY}
    assert (settings.api, settings.version, settings.environment) == ("suppliers", "2026v1", "api.staging.floriday.io")
    assert settings.scopes is None
    assert settings.feeds is None
    assert settings.warehouse == tmp_path / "data/floriday.duckdb"
    assert settings.published == tmp_path / "data/floriday.published.duckdb"
    assert settings.publish_every == timedelta(minutes=15)
    assert settings.history_start == values.a_year_ago()
    assert settings.automation is None
    assert settings.alerts == ()
    assert settings.base_supply_weeks == (-2, 8)
    assert settings.selected_assortment_only is False
    assert settings.personal_data == "keep"
    assert settings.language == "auto"


def test_the_history_starts_on_the_monday_52_weeks_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """The history starts by default on the Monday 52 weeks ago, whatever day it is today."""
    monkeypatch.setattr(values, "today", lambda: date(2026, 11, 29))

    assert values.a_year_ago() == date(2025, 11, 24)


def test_local_commands_need_no_settings(tmp_path: Path) -> None:
    """Without any variable, local commands have a warehouse and the Suppliers API, and read no credentials."""
    settings = local(tmp_path, CLIENT_SECRET="not read", API_KEY_FILE="/not/read")

    assert settings.warehouse == tmp_path / "data/floriday.duckdb"
    assert settings.api == "suppliers"
    assert not hasattr(settings, "client_secret")


def test_local_commands_read_the_api_from_the_base_url(tmp_path: Path) -> None:
    """Local commands read the API from the base URL if it is set."""
    assert local(tmp_path, BASE_URL="https://api.floriday.io/customers-api-2026v2").api == "customers"


def test_all_missing_settings_are_reported(tmp_path: Path) -> None:
    """One line names each missing variable and what it expects."""
    with pytest.raises(SettingError) as error:
        load_settings({}, tmp_path)

    assert error.value.exit_code == 2
    for name in COMPLETE:
        assert f"{name} is missing: it expects" in str(error.value)


def test_all_errors_are_reported_together(tmp_path: Path) -> None:
    """Errors of every kind are reported in one line."""
    message = error_message(
        tmp_path, CLIENT_ID="", PUBLISH_EVERY="soon", BASE_SUPPLY_WEEKS="8..-2", API_KEY_FILE="key.txt"
    )

    assert "FLORIDAY_CLIENT_ID is missing: it expects the application's client id" in message
    assert "FLORIDAY_PUBLISH_EVERY expects a duration such as 90s, 15m or 1h" in message
    assert "FLORIDAY_BASE_SUPPLY_WEEKS expects weeks from … to, such as -2..8" in message
    assert "FLORIDAY_API_KEY and FLORIDAY_API_KEY_FILE exclude each other" in message


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    """Secrets are shown neither by str nor by repr nor in JSON."""
    keys = json.dumps({"one": KEY})
    settings = loaded(
        tmp_path,
        API_KEY="",
        API_KEYS=keys,
        ALERTS=f"mailto://{SECRET}@host.nl",
        PERSONAL_DATA_KEY=SECRET,
        MCP_TOKEN=SECRET,
    )

    shown = f"{settings} {settings!r} {settings.accounts} {settings.model_dump_json()}"
    assert SECRET not in shown
    assert KEY not in shown


@pytest.mark.parametrize("text", ["with space", "line\nbreak", "tab\tinside", "unprintable\x07", "nön-ascii"])
@pytest.mark.parametrize("name", ["CLIENT_ID", "CLIENT_SECRET", "API_KEY"])
def test_credentials_with_spaces_or_control_characters_are_refused(tmp_path: Path, name: str, text: str) -> None:
    """Credentials that could break a header or form are refused without being shown."""
    message = error_message(tmp_path, **{name: text})

    assert f"FLORIDAY_{name} expects printable characters without spaces or line breaks inside" in message
    assert text not in message


def test_space_around_a_value_is_removed(tmp_path: Path) -> None:
    """Spaces and line breaks around a value are removed."""
    assert loaded(tmp_path, API_KEY=f" {KEY}\n").accounts["main"].get_secret_value() == KEY


@pytest.mark.parametrize("name", ["CLIENT_SECRET", "API_KEY", "API_KEYS", "ALERTS", "PERSONAL_DATA_KEY", "MCP_TOKEN"])
def test_every_secret_may_come_from_a_file(tmp_path: Path, name: str) -> None:
    """``…_FILE`` names a secret's file, relative to the working directory if there is no `.env`."""
    text = {"API_KEYS": json.dumps({"one": SECRET}), "ALERTS": f"jsons://host/{SECRET}"}.get(name, SECRET)
    (tmp_path / "secret.txt").write_text(f"{text}\n", encoding="utf-8")
    changes = {name: "", f"{name}_FILE": "secret.txt"} | ({"API_KEY": ""} if name == "API_KEYS" else {})

    settings = loaded(tmp_path, **changes)

    secret = {
        "API_KEY": settings.accounts.get("main"),
        "API_KEYS": settings.accounts.get("one"),
        "ALERTS": settings.alerts[0] if settings.alerts else None,
        "CLIENT_SECRET": settings.client_secret,
        "PERSONAL_DATA_KEY": settings.personal_data_key,
        "MCP_TOKEN": settings.mcp_token,
    }[name]
    assert secret is not None
    assert SECRET in secret.get_secret_value()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"", "empty"), (b"\xff\xfe\x00", "UTF-8"), (b"x" * 70_000, "too long")],
    ids=["missing", "empty", "binary", "huge"],
)
def test_an_invalid_secret_file_is_an_error(tmp_path: Path, content: bytes | None, reason: str) -> None:
    """The error for an invalid secret file has the reason but not the path, which may be the secret itself."""
    if content is not None:
        (tmp_path / KEY).write_bytes(content)

    message = error_message(tmp_path, API_KEY="", API_KEY_FILE=KEY)

    assert message.startswith("FLORIDAY_API_KEY_FILE expects the path of a readable file: ")
    assert reason in message
    assert "missing" not in message


def test_the_environment_has_precedence_over_the_env_file(tmp_path: Path) -> None:
    """Each variable of the environment has precedence over `.env`; a blank one counts as not set."""
    (tmp_path / ".env").write_text("FLORIDAY_CLIENT_ID=of-the-file\nFLORIDAY_FEEDS=batches\n", encoding="utf-8")

    settings = loaded(tmp_path, FEEDS="  ")

    assert settings.client_id == "client-1"
    assert settings.feeds == ("batches",)


def test_a_secret_file_of_the_environment_replaces_the_secret_of_the_env_file(tmp_path: Path) -> None:
    """``…_FILE`` in the environment replaces the plain secret in `.env`."""
    (tmp_path / ".env").write_text("FLORIDAY_API_KEY=of-the-file", encoding="utf-8")
    (tmp_path / "key").write_text(KEY, encoding="utf-8")

    assert loaded(tmp_path, API_KEY="", API_KEY_FILE="key").accounts["main"].get_secret_value() == KEY


def test_the_env_file_is_read_literally(tmp_path: Path) -> None:
    """Quotes, comments and ``export`` are supported in `.env`, and ``$`` is not expanded."""
    lines = [f"{name}='{text}' # as given" for name, text in COMPLETE.items() if name != "FLORIDAY_CLIENT_SECRET"]
    lines += ["export FLORIDAY_CLIENT_SECRET='a${HOME}b'", "FLORIDAY_FEEDS="]
    (tmp_path / ".env").write_text("\n".join(lines), encoding="utf-8")

    settings = load_settings({}, tmp_path)

    assert settings.client_secret.get_secret_value() == "a${HOME}b"
    assert settings.base_url == COMPLETE["FLORIDAY_BASE_URL"]
    assert settings.feeds is None


def test_a_malformed_line_of_the_env_file_is_an_error(tmp_path: Path) -> None:
    """The error for a malformed line of `.env` has its number and not its content."""
    (tmp_path / ".env").write_text(f"FLORIDAY_CLIENT_ID=x\nFLORIDAY_CLIENT_SECRET='{SECRET}\n", encoding="utf-8")

    assert "line 2 is not NAME=value" in error_message(tmp_path)


def test_a_malformed_setting_is_named_with_its_place(tmp_path: Path) -> None:
    """The error says which file, or the environment, sets a malformed variable, and does not print its value."""
    (tmp_path / ".env").write_text("FLORIDAY_PERSONAL_DATA=yes\n", encoding="utf-8")

    message = error_message(tmp_path, AUTOMATION="maybe")

    assert f"{tmp_path / '.env'} sets FLORIDAY_PERSONAL_DATA" in message
    assert "The environment sets FLORIDAY_AUTOMATION" in message
    assert "yes" not in message


def test_a_binary_env_file_is_an_error(tmp_path: Path) -> None:
    """A `.env` file that is not UTF-8 text raises an error."""
    (tmp_path / ".env").write_bytes(b"FLORIDAY_CLIENT_ID=\xff\xfe")

    assert "cannot be read: it is not UTF-8 text" in error_message(tmp_path)


@pytest.mark.parametrize("has_env_file", [False, True])
@pytest.mark.parametrize("names_home", [False, True])
def test_the_folder_decides_and_not_the_place_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_env_file: bool, names_home: bool
) -> None:
    """A command in any folder reads its `.env`, or that of FLORIDAY_HOME, and never that of the program's checkout."""
    root, here, home = tmp_path / "checkout", tmp_path / "here", tmp_path / "home"
    code = root / "pipelines/settings/variables.py"
    for folder in (code.parent, here, home):
        folder.mkdir(parents=True)
    (root / "workspace.yaml").touch()
    (root / ".env").write_text("FLORIDAY_WAREHOUSE=root.duckdb", encoding="utf-8")
    if has_env_file:
        (here / ".env").write_text("FLORIDAY_WAREHOUSE=named.duckdb", encoding="utf-8")
        (home / ".env").write_text("FLORIDAY_WAREHOUSE=named.duckdb", encoding="utf-8")
    monkeypatch.setattr(package.variables, "__file__", str(code))
    monkeypatch.chdir(here)

    found = load_local_settings({"FLORIDAY_HOME": str(home)} if names_home else {})

    folder = home if names_home else here
    assert found.warehouse == folder / ("named.duckdb" if has_env_file else "data/floriday.duckdb")


@pytest.mark.parametrize(("name", "problem"), [("none", "does not exist: create it"), ("file", "is a file")])
def test_a_home_that_is_no_folder_is_an_error(name: str, problem: str, tmp_path: Path) -> None:
    """FLORIDAY_HOME that names no folder is an error with the next step."""
    (tmp_path / "file").touch()

    with pytest.raises(SettingError, match=f"FLORIDAY_HOME: {tmp_path / name} {problem}"):
        load_local_settings({"FLORIDAY_HOME": str(tmp_path / name)})


class TestEnvFile:
    """The nearest `.env` is read: of the folder, of those above it up to the home, or the named one."""

    def test_a_folder_above_is_searched(self, tmp_path: Path) -> None:
        """A `.env` of a folder above is read, and relative paths start there; the nearest one counts."""
        inner = tmp_path / "a" / "b"
        inner.mkdir(parents=True)
        (tmp_path / ".env").write_text("FLORIDAY_WAREHOUSE=outer.duckdb")
        assert local(inner).warehouse == tmp_path / "outer.duckdb"

        (tmp_path / "a" / ".env").write_text("FLORIDAY_WAREHOUSE=nearer.duckdb")
        assert local(inner).warehouse == tmp_path / "a" / "nearer.duckdb"

    def test_the_search_ends_at_the_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The home is the last folder that is searched."""
        home, inner = tmp_path / "home", tmp_path / "home" / "project"
        inner.mkdir(parents=True)
        monkeypatch.setenv("HOME", str(home))
        (tmp_path / ".env").write_text("FLORIDAY_WAREHOUSE=shared.duckdb")
        assert local(inner).warehouse == inner / "data" / "floriday.duckdb"

        (home / ".env").write_text("FLORIDAY_WAREHOUSE=home.duckdb")
        assert local(inner).warehouse == home / "home.duckdb"

    def test_a_file_that_others_can_change_is_ignored(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """A `.env` above the folder that others can change is ignored with a warning, but not in the folder itself."""
        inner = tmp_path / "a"
        inner.mkdir()
        planted = tmp_path / ".env"
        planted.write_text("FLORIDAY_WAREHOUSE=planted.duckdb")
        planted.chmod(0o666)

        assert local(inner).warehouse == inner / "data" / "floriday.duckdb"
        assert f"{planted} belongs to another user" in caplog.text
        assert local(tmp_path).warehouse == tmp_path / "planted.duckdb"

    def test_options_override_the_search(self, tmp_path: Path) -> None:
        """``--env-file`` is read instead, and ``--warehouse`` overrides it together with its published copy."""
        named = tmp_path / "north.env"
        named.write_text("FLORIDAY_WAREHOUSE=north.duckdb\nFLORIDAY_PUBLISHED=public.duckdb\nFLORIDAY_FEEDS=batches")
        (tmp_path / ".env").write_text("FLORIDAY_WAREHOUSE=found.duckdb")

        with overriding(named, None):
            settings = load_local_settings(directory=tmp_path)
            assert (settings.warehouse, settings.published) == (tmp_path / "north.duckdb", tmp_path / "public.duckdb")
        with overriding(named, tmp_path / "other.duckdb"):
            settings = load_local_settings(directory=tmp_path)
            assert settings.published == tmp_path / "other.published.duckdb"
            assert (settings.warehouse, settings.feeds) == (tmp_path / "other.duckdb", ("batches",))
        with (
            overriding(tmp_path / "none.env", None),
            pytest.raises(SettingError, match="is missing: name a file"),
        ):
            load_local_settings(directory=tmp_path)

    def test_child_processes_read_the_named_file(self, tmp_path: Path) -> None:
        """Secrets of the file of ``--env-file`` are not passed to child processes, which read the file as well."""
        named = tmp_path / "north.env"
        named.write_text("".join(f"{name}={text}\n" for name, text in COMPLETE.items()))
        with overriding(named, None):
            passed = child_environment(COMPLETE, tmp_path)

        assert SECRET not in str(passed)
        assert load_settings(passed, tmp_path).client_secret.get_secret_value() == SECRET


def test_missing_credentials_name_the_next_step(tmp_path: Path) -> None:
    """The error says which `.env` was read or looked for, and how to write one; a terminal gets it as a list."""
    with pytest.raises(SettingError) as error:
        load_settings({}, tmp_path)
    assert f"There is no .env in {tmp_path} or a folder above it; `floriday init`" in str(error.value)
    assert len(error.value.details) >= 6
    assert error.value.details[0].startswith("FLORIDAY_API_KEY is missing")

    (tmp_path / ".env").write_text("FLORIDAY_CLIENT_ID=x")
    with pytest.raises(SettingError, match=r"\.env was read; `floriday init --force`"):
        load_settings({}, tmp_path)


def test_a_misspelt_variable_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A variable that does not exist is warned about once, with the nearest one."""
    for _ in range(2):
        local(tmp_path, WAREHOSE="x.duckdb")

    assert caplog.messages == ["FLORIDAY_WAREHOSE is no setting, and is ignored: did you mean FLORIDAY_WAREHOUSE?"]


@pytest.mark.parametrize("api", ["suppliers", "customers"])
@pytest.mark.parametrize("environment", ["staging", "live"])
def test_addresses_of_two_environments_are_refused(tmp_path: Path, environment: Environment, api: str) -> None:
    """A token of staging is never sent to the live API, nor the other way round, because Floriday refuses it."""
    own = base_url(environment, api)
    other: Environment = "live" if environment == "staging" else "staging"
    assert loaded(tmp_path, AUTH_URL=AUTH_URLS[environment], BASE_URL=own).base_url == own

    message = error_message(tmp_path, AUTH_URL=AUTH_URLS[other], BASE_URL=own)

    assert message.startswith(f"FLORIDAY_AUTH_URL is that of {other} and FLORIDAY_BASE_URL that of {environment}")


def test_other_variables_are_ignored(tmp_path: Path) -> None:
    """Variables without the prefix, and unknown ones, are ignored."""
    settings = load_local_settings({"WAREHOUSE": "x.duckdb", "BASE_URL": "nonsense", "FLORIDAY_ELSE": "1"}, tmp_path)

    assert settings.warehouse == tmp_path / "data/floriday.duckdb"


def test_the_environment_and_working_directory_are_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without arguments, the process's environment and working directory are used."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", "mine.duckdb")

    assert load_local_settings().warehouse == tmp_path / "mine.duckdb"
    assert os.environ["FLORIDAY_WAREHOUSE"] == "mine.duckdb"


def test_several_accounts(tmp_path: Path) -> None:
    """Each account has its key, in the order of the setting."""
    settings = loaded(tmp_path, API_KEY="", API_KEYS='{"north": "k1", "south": "k2"}')

    assert [(name, key.get_secret_value()) for name, key in settings.accounts.items()] == [
        ("north", "k1"),
        ("south", "k2"),
    ]


def test_one_key_excludes_several(tmp_path: Path) -> None:
    """A single key and several keys together are an error."""
    assert error_message(tmp_path, API_KEYS='{"a": "b"}') == "FLORIDAY_API_KEY and FLORIDAY_API_KEYS exclude each other"


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        "[]",
        "{}",
        f'["{KEY}"]',
        f'{{"a": "{KEY}"',
        '{"a": 1}',
        '{"a": null}',
        '{"a": {}}',
        '{"": "k"}',
        '{" a": "k"}',
        '{"a": "k k"}',
        '{"a": ""}',
        f'{{"a": "{KEY}", "a": "other"}}',
        f'{{"a": "{KEY}", "b": "{KEY}"}}',
        '{"a": ' * 10_000,
    ],
)
def test_malformed_accounts_are_refused(tmp_path: Path, text: str) -> None:
    """Malformed accounts are refused without being shown."""
    assert error_message(tmp_path, API_KEY="", API_KEYS=text).startswith("FLORIDAY_API_KEYS ")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://API.staging.floriday.io/suppliers-api-2026v1/", COMPLETE["FLORIDAY_BASE_URL"]),
        ("https://api.example.com/customers-api-2027v2", "https://api.example.com/customers-api-2027v2"),
        ("http://127.0.0.1:8765/suppliers-api-2026v1", "http://127.0.0.1:8765/suppliers-api-2026v1"),
        ("http://localhost:8765/x/suppliers-api-2026v1", "http://localhost:8765/x/suppliers-api-2026v1"),
        ("http://[::1]:8765/suppliers-api-2026v1", "http://[::1]:8765/suppliers-api-2026v1"),
    ],
)
def test_base_addresses_are_normalised(tmp_path: Path, text: str, address: str) -> None:
    """Scheme and host become lower case and a final slash is removed; any version, prefix and port is allowed."""
    assert loaded(tmp_path, BASE_URL=text).base_url == address


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        ("http://api.floriday.io", "uses plain http, which is for the loopback only: use https"),
        ("http://127.0.0.1.example.com", "uses plain http"),
        ("http://10.0.0.1", "uses plain http"),
        ("http://0x7f.1", "uses plain http"),
        ("ftp://api.floriday.io", "does not start with https://"),
        ("api.floriday.io", "does not start with https://"),
        (f"https://user:{KEY}@api.floriday.io", "carries a user name or password"),
        (f"https://{KEY}@api.floriday.io", "carries a user name or password"),
        ("https://", "names no host"),
        ("https://api.floriday.io:port", "is not an address"),
        ("https://api.floriday.io:99999", "is not an address"),
        ("https://[api", "is not an address"),
        ("https://api.flori day.io", "holds characters that no address has"),
        ("https://api.floriday.io\\@evil.com", "holds characters that no address has"),
        ("https://äpi.floriday.io", "holds characters that no address has"),
    ],
)
@pytest.mark.parametrize("name", ["BASE_URL", "AUTH_URL"])
def test_unsafe_addresses_are_refused(tmp_path: Path, name: str, start: str, reason: str) -> None:
    """An address to which no secret may be sent is refused with the reason, without being shown."""
    assert f"FLORIDAY_{name} {reason}" in error_message(tmp_path, **{name: f"{start}/suppliers-api-2026v1"})


@pytest.mark.parametrize("end", ["?", f"?key={KEY}", "#", f"#{KEY}"])
@pytest.mark.parametrize("name", ["BASE_URL", "AUTH_URL"])
def test_addresses_with_a_query_are_refused(tmp_path: Path, name: str, end: str) -> None:
    """An address with a query or fragment, even an empty one, is refused."""
    message = error_message(tmp_path, **{name: f"https://api.floriday.io/suppliers-api-2026v1{end}"})

    assert f"FLORIDAY_{name} carries a query or a fragment" in message


@pytest.mark.parametrize("path", ["", "/suppliers-api", "/growers-api-2026v1", "/suppliers-api-2026v1/trade-items"])
def test_the_base_address_names_an_api_and_its_version(tmp_path: Path, path: str) -> None:
    """A base URL that does not end in an API and its version is refused."""
    message = error_message(tmp_path, BASE_URL=f"https://api.floriday.io{path}")

    assert message.startswith("FLORIDAY_BASE_URL expects an address that ends in suppliers-api-<version>")


@pytest.mark.parametrize(
    "name",
    [
        *("catalog", "Supply", "orders", "fulfillment", "organizations", "raw", "history", "sync", "REPORTS"),
        *("main", "temp", "system", "information_schema", "versions"),
    ],
)
@pytest.mark.parametrize("variable", ["WAREHOUSE", "PUBLISHED"])
def test_a_warehouse_named_like_a_schema_is_refused(tmp_path: Path, variable: str, name: str) -> None:
    """A file named like a schema is refused, because DuckDB names the database after the file."""
    message = error_message(tmp_path, **{variable: f"somewhere/{name}.copy.duckdb"})

    assert message == (
        f"FLORIDAY_{variable} expects another file name: DuckDB could not tell {name.lower()} from a schema"
    )


def test_a_folder_as_warehouse_is_refused(tmp_path: Path) -> None:
    """A folder is refused as warehouse."""
    assert error_message(tmp_path, WAREHOUSE=str(tmp_path)) == "FLORIDAY_WAREHOUSE expects the path of a file"


def test_the_published_copy_is_beside_the_warehouse(tmp_path: Path) -> None:
    """The published copy is by default beside the warehouse, with its name; it can be set, or turned off."""
    assert local(tmp_path, WAREHOUSE="/srv/nursery.duckdb").published == Path("/srv/nursery.published.duckdb")
    assert local(tmp_path, PUBLISHED="copy.duckdb").published == tmp_path / "copy.duckdb"
    assert local(tmp_path, PUBLISHED="Off").published is None


def test_the_published_copy_is_another_file(tmp_path: Path) -> None:
    """The warehouse is refused as the path of its published copy, because it would be overwritten."""
    assert "expects another path than FLORIDAY_WAREHOUSE" in error_message(tmp_path, WAREHOUSE="a.db", PUBLISHED="a.db")


def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tilde at the beginning of a path is the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    assert local(tmp_path, WAREHOUSE="~/mine.duckdb").warehouse == tmp_path / "home/mine.duckdb"


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("1h", timedelta(hours=1)),
        ("2d", timedelta(days=2)),
        ("0s", timedelta(0)),
    ],
)
def test_durations(tmp_path: Path, text: str, duration: timedelta) -> None:
    """A duration is a number and its unit."""
    assert local(tmp_path, PUBLISH_EVERY=text).publish_every == duration


def test_valid_values(tmp_path: Path) -> None:
    """Lists are split without duplicates, the history starts on a Monday, and switches are on or off."""
    settings = local(
        tmp_path,
        SCOPES="role:app  organization:read role:app",
        FEEDS=" sales_orders, supply.batches,,sales_orders",
        HISTORY_START="2026-01-01",
        AUTOMATION="ON",
        ALERTS="mailto://a@b.nl, jsons://host",
        BASE_SUPPLY_WEEKS="0..0",
        SELECTED_ASSORTMENT_ONLY="True",
        PERSONAL_DATA="keep",
    )

    assert settings.scopes == ("role:app", "organization:read")
    assert settings.feeds == ("sales_orders", "supply.batches")
    assert settings.history_start == date(2025, 12, 29)
    assert settings.automation is True
    assert [address.get_secret_value() for address in settings.alerts] == ["mailto://a@b.nl", "jsons://host"]
    assert settings.base_supply_weeks == (0, 0)
    assert settings.selected_assortment_only is True


@pytest.mark.parametrize(
    ("name", "text", "expects"),
    [
        ("PUBLISH_EVERY", "15", "a duration"),
        ("PUBLISH_EVERY", "-5m", "a duration"),
        ("PUBLISH_EVERY", "1.5h", "a duration"),
        ("HISTORY_START", "01-01-2026", "a date"),
        ("HISTORY_START", "2026-02-30", "a date"),
        ("HISTORY_START", "2999-01-01", "a date that is not in the future"),
        ("AUTOMATION", "yes", "on or off"),
        ("SELECTED_ASSORTMENT_ONLY", "on", "true or false"),
        ("BASE_SUPPLY_WEEKS", "2", "weeks from"),
        ("BASE_SUPPLY_WEEKS", "a..b", "weeks from"),
        ("FEEDS", " , ", "names of feeds"),
        ("SCOPES", 'role:app "x"', "scopes separated by spaces"),
        ("SCOPES", "role:app,supply:read", "scopes separated by spaces"),
        ("ALERTS", KEY, "addresses such as"),
        ("ALERTS", ",", "addresses such as"),
        ("PERSONAL_DATA", "forget", "keep"),
        ("LANGUAGE", "de", "auto, en or nl"),
    ],
)
def test_invalid_values(tmp_path: Path, name: str, text: str, expects: str) -> None:
    """The error for an invalid value names the variable and what it expects."""
    assert error_message(tmp_path, **{name: text}).startswith(f"FLORIDAY_{name} expects {expects}")


def test_personal_data_are_kept_hashed_or_dropped(tmp_path: Path) -> None:
    """Hashing personal data needs a long key; the other modes allow one, for erasure."""
    assert loaded(tmp_path, PERSONAL_DATA="Drop").personal_data == "drop"
    assert loaded(tmp_path, PERSONAL_DATA="hash", PERSONAL_DATA_KEY=SECRET).personal_data == "hash"
    assert error_message(tmp_path, PERSONAL_DATA="hash") == (
        "FLORIDAY_PERSONAL_DATA_KEY is missing: FLORIDAY_PERSONAL_DATA=hash expects a secret of 16 characters or more"
    )
    assert error_message(tmp_path, PERSONAL_DATA_KEY="short") == (
        "FLORIDAY_PERSONAL_DATA_KEY expects 16 characters or more, such as `openssl rand -hex 32` prints"
    )


def test_the_env_file_can_be_ignored(tmp_path: Path) -> None:
    """With ``dotenv=False`` only the given variables are read."""
    (tmp_path / ".env").write_text("FLORIDAY_WAREHOUSE=of-the-file.duckdb\nFLORIDAY_FEEDS=batches\n")

    settings = load_local_settings({"FLORIDAY_WAREHOUSE": "mine.duckdb"}, tmp_path, dotenv=False)

    assert settings.warehouse == tmp_path / "mine.duckdb"
    assert settings.feeds is None


def test_given_variables_are_returned_unchecked(tmp_path: Path) -> None:
    """Variables of the environment and `.env` are returned without blank ones, and nothing is checked or opened."""
    (tmp_path / ".env").write_text("FLORIDAY_FEEDS=batches\nFLORIDAY_CLIENT_ID=of-the-file\nFLORIDAY_AUTH_URL=\n")
    environ = {"FLORIDAY_CLIENT_ID": "mine", "FLORIDAY_API_KEY_FILE": "nowhere", "FLORIDAY_SCOPES": " ", "PATH": "/bin"}

    variables, folder = given_variables(environ, tmp_path)

    assert variables == {
        "FLORIDAY_FEEDS": "batches",
        "FLORIDAY_CLIENT_ID": "mine",
        "FLORIDAY_API_KEY_FILE": "nowhere",
    }
    assert folder == tmp_path


def test_passed_settings_replace_all_others(tmp_path: Path) -> None:
    """FLORIDAY_SETTINGS replaces all variables of the environment and `.env`, and is not expanded."""
    (tmp_path / ".env").write_text(
        "FLORIDAY_CLIENT_ID=\nFLORIDAY_FEEDS=batches\nFLORIDAY_WAREHOUSE=of-the-file.duckdb\n"
    )
    variables = COMPLETE | {"FLORIDAY_CLIENT_SECRET": "a$b${HOME}"}

    settings = load_settings(
        {"FLORIDAY_CLIENT_ID": "", "FLORIDAY_SCOPES": "a:read", **child_environment(variables)}, tmp_path
    )

    assert (settings.client_id, settings.client_secret.get_secret_value()) == ("client-1", "a$b${HOME}")
    assert (settings.feeds, settings.scopes) == (None, None)
    assert settings.warehouse == tmp_path / "data/floriday.duckdb"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"FLORIDAY_API_KEY": 5}'])
def test_invalid_passed_settings_are_refused(tmp_path: Path, text: str) -> None:
    """A FLORIDAY_SETTINGS value that `floriday up` did not write is refused without being shown."""
    assert error_message(tmp_path, SETTINGS=text) == "FLORIDAY_SETTINGS is set by `floriday up` alone: leave it out"
