"""Settings: what is read from where, and the one line that tells everything that is wrong."""

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
    """Complete settings with some variables changed; a blank one is unset."""
    return load_settings(COMPLETE | {f"FLORIDAY_{name}": text for name, text in changes.items()}, folder)


def problem(folder: Path, /, **changes: str) -> str:
    """The line that the changes lead to."""
    with pytest.raises(SettingError) as caught:
        loaded(folder, **changes)
    line = str(caught.value)
    assert "\n" not in line
    assert caught.value.__cause__ is None
    assert SECRET not in line
    assert KEY not in line
    return line


def local(folder: Path, /, **variables: str) -> LocalSettings:
    """Settings without any credentials."""
    return load_local_settings({f"FLORIDAY_{name}": text for name, text in variables.items()}, folder)


def test_the_five_variables_of_the_public_client_are_enough(tmp_path: Path) -> None:
    """Everything else has its default."""
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


def test_the_history_starts_on_the_monday_52_weeks_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever day of the week it is."""
    monkeypatch.setattr(values, "today", lambda: date(2026, 11, 29))

    assert values.a_year_ago() == date(2025, 11, 24)


def test_local_commands_need_nothing(tmp_path: Path) -> None:
    """Without any variable there are a warehouse and the suppliers' API; credentials are not looked at."""
    settings = local(tmp_path, CLIENT_SECRET="not looked at", API_KEY_FILE="/not/looked/at")

    assert settings.warehouse == tmp_path / "data/floriday.duckdb"
    assert settings.api == "suppliers"
    assert not hasattr(settings, "client_secret")


def test_local_commands_know_the_api(tmp_path: Path) -> None:
    """The base address tells it, where it is set."""
    assert local(tmp_path, BASE_URL="https://api.floriday.io/customers-api-2026v2").api == "customers"


def test_everything_missing_is_told_at_once(tmp_path: Path) -> None:
    """One line names each variable and what it expects."""
    with pytest.raises(SettingError) as caught:
        load_settings({}, tmp_path)

    assert caught.value.exit_code == 2
    for name in COMPLETE:
        assert f"{name} is missing: it expects" in str(caught.value)


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    """Problems of every kind stand in one line together."""
    line = problem(tmp_path, CLIENT_ID="", PUBLISH_EVERY="soon", BASE_SUPPLY_WEEKS="8..-2", API_KEY_FILE="key.txt")

    assert "FLORIDAY_CLIENT_ID is missing: it expects the application's client id" in line
    assert "FLORIDAY_PUBLISH_EVERY expects a duration such as 90s, 15m or 1h" in line
    assert "FLORIDAY_BASE_SUPPLY_WEEKS expects weeks from … to, such as -2..8" in line
    assert "FLORIDAY_API_KEY and FLORIDAY_API_KEY_FILE exclude each other" in line


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    """Neither by str nor by repr nor by JSON."""
    keys = json.dumps({"one": KEY})
    settings = loaded(
        tmp_path, API_KEY="", API_KEYS=keys, ALERTS=f"mailto://{SECRET}@host.nl", PERSONAL_DATA_KEY=SECRET
    )

    shown = f"{settings} {settings!r} {settings.accounts} {settings.model_dump_json()}"
    assert SECRET not in shown
    assert KEY not in shown


@pytest.mark.parametrize("text", ["with space", "line\nbreak", "tab\tinside", "unprintable\x07", "nön-ascii"])
@pytest.mark.parametrize("name", ["CLIENT_ID", "CLIENT_SECRET", "API_KEY"])
def test_credentials_are_one_word(tmp_path: Path, name: str, text: str) -> None:
    """What could break a header or a form is refused, and not repeated."""
    line = problem(tmp_path, **{name: text})

    assert f"FLORIDAY_{name} expects printable characters without spaces or line breaks inside" in line
    assert text not in line


def test_space_around_a_value_is_dropped(tmp_path: Path) -> None:
    """A line break that came along with copying does no harm."""
    assert loaded(tmp_path, API_KEY=f" {KEY}\n").accounts["main"].get_secret_value() == KEY


@pytest.mark.parametrize("name", ["CLIENT_SECRET", "API_KEY", "API_KEYS", "ALERTS", "PERSONAL_DATA_KEY"])
def test_every_secret_may_come_from_a_file(tmp_path: Path, name: str) -> None:
    """``…_FILE`` names it, relative to the working directory where there is no `.env`."""
    text = {"API_KEYS": json.dumps({"one": SECRET}), "ALERTS": f"jsons://host/{SECRET}"}.get(name, SECRET)
    (tmp_path / "secret.txt").write_text(f"{text}\n", encoding="utf-8")
    changes = {name: "", f"{name}_FILE": "secret.txt"} | ({"API_KEY": ""} if name == "API_KEYS" else {})

    settings = loaded(tmp_path, **changes)

    held = {
        "API_KEY": settings.accounts.get("main"),
        "API_KEYS": settings.accounts.get("one"),
        "ALERTS": settings.alerts[0] if settings.alerts else None,
        "CLIENT_SECRET": settings.client_secret,
        "PERSONAL_DATA_KEY": settings.personal_data_key,
    }[name]
    assert held is not None
    assert SECRET in held.get_secret_value()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "No such file"), (b"", "empty"), (b"\xff\xfe\x00", "UTF-8"), (b"x" * 70_000, "too long")],
    ids=["missing", "empty", "binary", "huge"],
)
def test_a_secret_file_that_is_none_is_told(tmp_path: Path, content: bytes | None, reason: str) -> None:
    """With the reason, but without the path: it may be the secret in the wrong variable."""
    if content is not None:
        (tmp_path / KEY).write_bytes(content)

    line = problem(tmp_path, API_KEY="", API_KEY_FILE=KEY)

    assert line.startswith("FLORIDAY_API_KEY_FILE expects the path of a readable file: ")
    assert reason in line
    assert "missing" not in line


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    """Variable by variable; a blank one in the environment is not set."""
    (tmp_path / ".env").write_text("FLORIDAY_CLIENT_ID=theirs\nFLORIDAY_FEEDS=batches\n", encoding="utf-8")

    settings = loaded(tmp_path, FEEDS="  ")

    assert settings.client_id == "client-1"
    assert settings.feeds == ("batches",)


def test_a_secret_of_the_environment_wins_over_the_files_other_form(tmp_path: Path) -> None:
    """``…_FILE`` in the environment replaces the plain secret of the `.env` file."""
    (tmp_path / ".env").write_text("FLORIDAY_API_KEY=theirs", encoding="utf-8")
    (tmp_path / "key").write_text(KEY, encoding="utf-8")

    assert loaded(tmp_path, API_KEY="", API_KEY_FILE="key").accounts["main"].get_secret_value() == KEY


def test_the_env_file_is_taken_literally(tmp_path: Path) -> None:
    """Quotes, comments and ``export`` as usual, and a dollar in a secret is just a dollar."""
    lines = [f"{name}='{text}' # as given" for name, text in COMPLETE.items() if name != "FLORIDAY_CLIENT_SECRET"]
    lines += ["export FLORIDAY_CLIENT_SECRET='a${HOME}b'", "FLORIDAY_FEEDS="]
    (tmp_path / ".env").write_text("\n".join(lines), encoding="utf-8")

    settings = load_settings({}, tmp_path)

    assert settings.client_secret.get_secret_value() == "a${HOME}b"
    assert settings.base_url == COMPLETE["FLORIDAY_BASE_URL"]
    assert settings.feeds is None


def test_a_broken_line_of_the_env_file_is_told(tmp_path: Path) -> None:
    """By its number, not by its content."""
    (tmp_path / ".env").write_text(f"FLORIDAY_CLIENT_ID=x\nFLORIDAY_CLIENT_SECRET='{SECRET}\n", encoding="utf-8")

    assert "line 2 is not NAME=value" in problem(tmp_path)


def test_an_env_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    """Rather than half read."""
    (tmp_path / ".env").write_bytes(b"FLORIDAY_CLIENT_ID=\xff\xfe")

    assert "cannot be read: it is not UTF-8 text" in problem(tmp_path)


def test_a_checkout_has_its_own_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From any folder the root's `.env` is used, and relative paths count from there."""
    root, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    code = root / "pipelines/settings/variables.py"
    code.parent.mkdir(parents=True)
    elsewhere.mkdir()
    (root / "workspace.yaml").touch()
    (root / ".env").write_text("FLORIDAY_WAREHOUSE=here.duckdb", encoding="utf-8")
    monkeypatch.setattr(package.variables, "__file__", str(code))

    assert local(elsewhere).warehouse == root / "here.duckdb"

    (elsewhere / ".env").write_text("FLORIDAY_WAREHOUSE=there.duckdb", encoding="utf-8")
    assert local(elsewhere).warehouse == elsewhere / "there.duckdb"


def test_other_variables_are_left_alone(tmp_path: Path) -> None:
    """What is not ours neither helps nor hurts, in the process's environment either."""
    settings = load_local_settings({"WAREHOUSE": "x.duckdb", "BASE_URL": "nonsense", "FLORIDAY_ELSE": "1"}, tmp_path)

    assert settings.warehouse == tmp_path / "data/floriday.duckdb"


def test_the_process_and_its_folder_are_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without arguments the process's environment and working directory count."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FLORIDAY_WAREHOUSE", "mine.duckdb")

    assert load_local_settings().warehouse == tmp_path / "mine.duckdb"
    assert os.environ["FLORIDAY_WAREHOUSE"] == "mine.duckdb"


def test_several_accounts(tmp_path: Path) -> None:
    """Each name has its key, in the order given."""
    settings = loaded(tmp_path, API_KEY="", API_KEYS='{"north": "k1", "south": "k2"}')

    assert [(name, key.get_secret_value()) for name, key in settings.accounts.items()] == [
        ("north", "k1"),
        ("south", "k2"),
    ]


def test_one_key_excludes_several(tmp_path: Path) -> None:
    """Both together are a contradiction."""
    assert problem(tmp_path, API_KEYS='{"a": "b"}') == "FLORIDAY_API_KEY and FLORIDAY_API_KEYS exclude each other"


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
    """And what was given is not repeated."""
    assert problem(tmp_path, API_KEY="", API_KEYS=text).startswith("FLORIDAY_API_KEYS ")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://API.floriday.io/suppliers-api-2026v1/", "https://api.floriday.io/suppliers-api-2026v1"),
        ("https://api.floriday.io/customers-api-2027v2", "https://api.floriday.io/customers-api-2027v2"),
        ("http://127.0.0.1:8765/suppliers-api-2026v1", "http://127.0.0.1:8765/suppliers-api-2026v1"),
        ("http://localhost:8765/x/suppliers-api-2026v1", "http://localhost:8765/x/suppliers-api-2026v1"),
        ("http://[::1]:8765/suppliers-api-2026v1", "http://[::1]:8765/suppliers-api-2026v1"),
    ],
)
def test_base_addresses_are_normalised(tmp_path: Path, text: str, address: str) -> None:
    """Scheme and host in lower case, no slash at the end; any version, any prefix, any port."""
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
def test_addresses_that_no_secret_may_be_sent_to_are_refused(
    tmp_path: Path, name: str, start: str, reason: str
) -> None:
    """With the reason, and without repeating the address."""
    assert f"FLORIDAY_{name} {reason}" in problem(tmp_path, **{name: f"{start}/suppliers-api-2026v1"})


@pytest.mark.parametrize("end", ["?", f"?key={KEY}", "#", f"#{KEY}"])
@pytest.mark.parametrize("name", ["BASE_URL", "AUTH_URL"])
def test_addresses_carry_no_query(tmp_path: Path, name: str, end: str) -> None:
    """Neither a query nor a fragment, not even an empty one."""
    line = problem(tmp_path, **{name: f"https://api.floriday.io/suppliers-api-2026v1{end}"})

    assert f"FLORIDAY_{name} carries a query or a fragment" in line


@pytest.mark.parametrize("path", ["", "/suppliers-api", "/growers-api-2026v1", "/suppliers-api-2026v1/trade-items"])
def test_the_base_address_names_an_api_and_its_version(tmp_path: Path, path: str) -> None:
    """Nothing else says which feeds there are."""
    line = problem(tmp_path, BASE_URL=f"https://api.floriday.io{path}")

    assert line.startswith("FLORIDAY_BASE_URL expects an address that ends in suppliers-api-<version>")


@pytest.mark.parametrize(
    "name",
    [
        *("catalog", "Supply", "orders", "fulfillment", "organizations", "raw", "history", "sync", "REPORTS"),
        *("main", "temp", "system", "information_schema", "versions"),
    ],
)
@pytest.mark.parametrize("variable", ["WAREHOUSE", "PUBLISHED"])
def test_a_warehouse_is_not_called_like_a_schema(tmp_path: Path, variable: str, name: str) -> None:
    """DuckDB names the database after the file, up to the first dot."""
    line = problem(tmp_path, **{variable: f"somewhere/{name}.copy.duckdb"})

    assert line == (
        f"FLORIDAY_{variable} expects another file name: DuckDB could not tell {name.lower()} from a schema"
    )


def test_a_warehouse_is_a_file(tmp_path: Path) -> None:
    """A folder is refused."""
    assert problem(tmp_path, WAREHOUSE=str(tmp_path)) == "FLORIDAY_WAREHOUSE expects the path of a file"


def test_the_published_copy_stands_beside_the_warehouse(tmp_path: Path) -> None:
    """Under the warehouse's own name, unless it is set, or off."""
    assert local(tmp_path, WAREHOUSE="/srv/nursery.duckdb").published == Path("/srv/nursery.published.duckdb")
    assert local(tmp_path, PUBLISHED="copy.duckdb").published == tmp_path / "copy.duckdb"
    assert local(tmp_path, PUBLISHED="Off").published is None


def test_the_published_copy_is_another_file(tmp_path: Path) -> None:
    """Publishing over the warehouse would lose it."""
    assert "expects another path than FLORIDAY_WAREHOUSE" in problem(tmp_path, WAREHOUSE="a.db", PUBLISHED="a.db")


def test_a_path_may_start_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tilde is the home folder."""
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
    """A number and its unit."""
    assert local(tmp_path, PUBLISH_EVERY=text).publish_every == duration


def test_values_that_are_read(tmp_path: Path) -> None:
    """Lists are split and each name kept once, weeks start on Monday, switches are on or off."""
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
    ],
)
def test_values_that_cannot_be_read(tmp_path: Path, name: str, text: str, expects: str) -> None:
    """The line names the variable and what it expects."""
    assert problem(tmp_path, **{name: text}).startswith(f"FLORIDAY_{name} expects {expects}")


def test_personal_data_are_kept_hashed_or_dropped(tmp_path: Path) -> None:
    """Hashing takes a key that nobody guesses; the others may have one, for what is erased."""
    assert loaded(tmp_path, PERSONAL_DATA="Drop").personal_data == "drop"
    assert loaded(tmp_path, PERSONAL_DATA="hash", PERSONAL_DATA_KEY=SECRET).personal_data == "hash"
    assert problem(tmp_path, PERSONAL_DATA="hash") == (
        "FLORIDAY_PERSONAL_DATA_KEY is missing: FLORIDAY_PERSONAL_DATA=hash expects a secret of 16 characters or more"
    )
    assert problem(tmp_path, PERSONAL_DATA_KEY="short") == (
        "FLORIDAY_PERSONAL_DATA_KEY expects 16 characters or more, such as `openssl rand -hex 32` prints"
    )


def test_a_dotenv_file_can_be_left_out(tmp_path: Path) -> None:
    """Where the given variables are all that counts, a `.env` file beside them says nothing."""
    (tmp_path / ".env").write_text("FLORIDAY_WAREHOUSE=elsewhere.duckdb\nFLORIDAY_FEEDS=batches\n")

    settings = load_local_settings({"FLORIDAY_WAREHOUSE": "here.duckdb"}, tmp_path, dotenv=False)

    assert settings.warehouse == tmp_path / "here.duckdb"
    assert settings.feeds is None


def test_the_given_variables_are_told_unread(tmp_path: Path) -> None:
    """The environment over the `.env` file, without blank ones; no secret's file is opened, and nothing is checked."""
    (tmp_path / ".env").write_text("FLORIDAY_FEEDS=batches\nFLORIDAY_CLIENT_ID=of-the-file\nFLORIDAY_AUTH_URL=\n")
    environ = {"FLORIDAY_CLIENT_ID": "mine", "FLORIDAY_API_KEY_FILE": "nowhere", "FLORIDAY_SCOPES": " ", "PATH": "/bin"}

    variables, folder = given_variables(environ, tmp_path)

    assert variables == {
        "FLORIDAY_FEEDS": "batches",
        "FLORIDAY_CLIENT_ID": "mine",
        "FLORIDAY_API_KEY_FILE": "nowhere",
    }
    assert folder == tmp_path


def test_handed_settings_are_all_that_counts(tmp_path: Path) -> None:
    """What was handed over wins over the environment and the `.env` file, a ``$`` and blank lines in it too."""
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
def test_handed_settings_are_not_for_people(tmp_path: Path, text: str) -> None:
    """A value that `floriday up` did not make is refused, and not shown."""
    assert problem(tmp_path, SETTINGS=text) == "FLORIDAY_SETTINGS is set by `floriday up` alone: leave it out"
