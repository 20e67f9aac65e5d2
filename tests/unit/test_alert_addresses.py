"""FLORIDAY_ALERTS: which addresses are taken, and that what is wrong with one is told without it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.errors import SettingError
from pipelines.settings import load_alerts, load_local_settings, receivers

TOKEN = "t0k3n-7hat-must-not-show"
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7/#floriday"
TEAMS = (
    "https://prod-11.westeurope.logic.azure.com:443/workflows/643e69f83c8944/triggers/manual/paths/invoke"
    "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=KODuebWbDGYFr0z0eu"
)


def addresses(folder: Path, text: str) -> list[str]:
    """What the setting comes to."""
    (folder / ".env").touch()
    return [address.get_secret_value() for address in load_alerts({"FLORIDAY_ALERTS": text}, folder)]


def problem(folder: Path, text: str) -> str:
    """What is said of a setting that is refused."""
    with pytest.raises(SettingError) as caught:
        addresses(folder, text)
    assert caught.value.__cause__ is None
    assert TOKEN not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("address", "service"),
    [
        ("jsons://hooks.example.com/floriday?+X-Token=abc", "JSON"),
        ("json://127.0.0.1:8000/hook", "JSON"),
        ("json://localhost/hook", "JSON"),
        ("json://[::1]:8000/hook", "JSON"),
        (SLACK, "Slack"),
        ("https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7", "Slack"),
        (TEAMS, "Power Automate / Workflows (for MSTeams)"),
        ("mailtos://user:password@nursery.nl?smtp=mail.nursery.nl&to=a@nursery.nl,b@nursery.nl", "E-Mail"),
        ("mailto://user:password@gmail.com", "E-Mail"),
        ("mailto://relay.nursery.nl:25?from=floriday@nursery.nl&to=a@nursery.nl", "E-Mail"),
        ("ntfys://topic", "ntfy"),
    ],
)
def test_addresses_of_usual_services(tmp_path: Path, address: str, service: str) -> None:
    """They are taken as they stand, and read as what they are."""
    found = receivers.receiver(address)

    assert addresses(tmp_path, address) == [address]
    assert found is not None
    assert str(found.service_name) == service
    assert found.verify_certificate


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("ntfys://one, ntfys://two", ["ntfys://one", "ntfys://two"]),
        (",ntfys://one,ntfys://two,\n", ["ntfys://one", "ntfys://two"]),
        ("ntfys://one\nntfys://two\r\n", ["ntfys://one", "ntfys://two"]),
        ("mailtos://me@b.nl?to=a@b.nl,c@b.nl,ntfys://two", ["mailtos://me@b.nl?to=a@b.nl,c@b.nl", "ntfys://two"]),
    ],
)
def test_a_comma_ends_an_address_where_another_begins(tmp_path: Path, text: str, taken: list[str]) -> None:
    """Others belong to the address; in a file, a line break does as well."""
    assert addresses(tmp_path, text) == taken


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (TOKEN, "address 1 of 1"),
        (f"tulips://{TOKEN}", "address 1 of 1"),
        (f"slack://{TOKEN}", "address 1 of 1"),
        (f"ntfys://one, jsons://host {TOKEN}", "address 2 of 2"),
        (f"ntfys://one, {TOKEN}", "address 1 of 1"),
        (f"dbus:// {TOKEN}, ntfys://one", "address 1 of 2"),
        (f"d7sms://{TOKEN}@!!", "address 1 of 1"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_place(tmp_path: Path, text: str, place: str) -> None:
    """The line says what is expected, and nothing of the address."""
    assert problem(tmp_path, text) == (
        "FLORIDAY_ALERTS expects addresses such as jsons://host/path or mailtos://user:password@host, comma separated:"
        f" {place} is none, or reaches nobody"
    )


@pytest.mark.parametrize(
    ("text", "service"),
    [
        (f"json://hooks.example.com/{TOKEN}", "JSON"),
        (f"ntfy://{TOKEN}", "ntfy"),
        (f"mailto://user:{TOKEN}@nursery.nl", "E-Mail"),
        (f"mailtos://user:{TOKEN}@nursery.nl?mode=insecure", "E-Mail"),
    ],
)
def test_nothing_goes_out_in_the_clear(tmp_path: Path, text: str, service: str) -> None:
    """An address without TLS is for the loopback only; a mail without a password may go to a relay like that."""
    assert problem(tmp_path, text) == (
        "FLORIDAY_ALERTS expects addresses with TLS, such as jsons://… or mailtos://…, but for the loopback:"
        f" address 1 of 1 ({service}) has none"
    )


def test_the_library_says_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither a good nor a bad address reaches a log, whatever its level."""
    with caplog.at_level(1), caplog.at_level(1, logger="apprise"):
        addresses(tmp_path, f"jsons://host/{TOKEN}")
        problem(tmp_path, f"slack://{TOKEN}")

    assert TOKEN not in caplog.text
    assert TOKEN not in "".join(capfd.readouterr())
    assert not [record for record in caplog.records if record.name == "apprise"]


def test_alerts_are_read_whatever_else_is_malformed(tmp_path: Path) -> None:
    """A run that fails over a setting can be told."""
    variables = {"FLORIDAY_ALERTS": "ntfys://one", "FLORIDAY_PUBLISH_EVERY": "never", "FLORIDAY_FEEDS": ","}

    assert len(load_alerts(variables, tmp_path, dotenv=False)) == 1
    with pytest.raises(SettingError):
        load_local_settings(variables, tmp_path, dotenv=False)


def test_the_library_is_loaded_only_where_there_are_addresses(tmp_path: Path) -> None:
    """Whoever has no alerts does not wait for it; and loading it warns of nothing."""
    script = """
import sys
from pipelines.settings import load_alerts
load_alerts({}, dotenv=False)
print("apprise" in sys.modules)
load_alerts({"FLORIDAY_ALERTS": "ntfys://one"}, dotenv=False)
print("apprise" in sys.modules)
"""
    done = subprocess.run(
        (sys.executable, "-W", "error::DeprecationWarning:imghdr", "-c", script),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.split(), done.stderr) == (["False", "True"], "")
