"""FLORIDAY_ALERTS accepts the addresses of common services, and refuses others without showing them."""

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
    """Return the addresses that the setting is read as."""
    (folder / ".env").touch()
    return [address.get_secret_value() for address in load_alerts({"FLORIDAY_ALERTS": text}, folder)]


def error_message(folder: Path, text: str) -> str:
    """Return the error message for a refused value; it never contains the address."""
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
def test_addresses_of_common_services_are_accepted(tmp_path: Path, address: str, service: str) -> None:
    """Addresses of common services are accepted unchanged and recognized as that service's."""
    receiver = receivers.receiver(address)

    assert addresses(tmp_path, address) == [address]
    assert receiver is not None
    assert str(receiver.service_name) == service
    assert receiver.verify_certificate


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ntfys://one, ntfys://two", ["ntfys://one", "ntfys://two"]),
        (",ntfys://one,ntfys://two,\n", ["ntfys://one", "ntfys://two"]),
        ("ntfys://one\nntfys://two\r\n", ["ntfys://one", "ntfys://two"]),
        ("mailtos://me@b.nl?to=a@b.nl,c@b.nl,ntfys://two", ["mailtos://me@b.nl?to=a@b.nl,c@b.nl", "ntfys://two"]),
    ],
)
def test_commas_and_line_breaks_separate_addresses(tmp_path: Path, text: str, expected: list[str]) -> None:
    """A comma or line break separates two addresses; a comma within an address belongs to it."""
    assert addresses(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "position"),
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
def test_an_unreadable_address_is_named_by_its_position(tmp_path: Path, text: str, position: str) -> None:
    """The error for an unreadable address names its position, and nothing of its text."""
    assert error_message(tmp_path, text) == (
        "FLORIDAY_ALERTS expects addresses such as jsons://host/path or mailtos://user:password@host, comma separated:"
        f" {position} is not one, or it names nobody who receives the message"
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
def test_addresses_without_tls_are_refused(tmp_path: Path, text: str, service: str) -> None:
    """An address without TLS is refused, except on the loopback and for a mail relay without a password."""
    assert error_message(tmp_path, text) == (
        "FLORIDAY_ALERTS expects addresses with TLS, such as jsons://… or mailtos://…, but for the loopback:"
        f" address 1 of 1 ({service}) has none"
    )


def test_addresses_are_not_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither an accepted nor a refused address is logged, at any level."""
    with caplog.at_level(1), caplog.at_level(1, logger="apprise"):
        addresses(tmp_path, f"jsons://host/{TOKEN}")
        error_message(tmp_path, f"slack://{TOKEN}")

    assert TOKEN not in caplog.text
    assert TOKEN not in "".join(capfd.readouterr())
    assert not [record for record in caplog.records if record.name == "apprise"]


def test_alerts_are_read_although_other_settings_are_malformed(tmp_path: Path) -> None:
    """Alerts are read although other settings are malformed, so that this failure can be sent."""
    variables = {"FLORIDAY_ALERTS": "ntfys://one", "FLORIDAY_PUBLISH_EVERY": "never", "FLORIDAY_FEEDS": ","}

    assert len(load_alerts(variables, tmp_path, dotenv=False)) == 1
    with pytest.raises(SettingError):
        load_local_settings(variables, tmp_path, dotenv=False)


def test_apprise_is_imported_only_for_addresses(tmp_path: Path) -> None:
    """Without addresses apprise is not imported; importing it shows no warning."""
    script = """
import sys
from pipelines.settings import load_alerts
load_alerts({}, dotenv=False)
print("apprise" in sys.modules)
load_alerts({"FLORIDAY_ALERTS": "ntfys://one"}, dotenv=False)
print("apprise" in sys.modules)
"""
    process = subprocess.run(
        (sys.executable, "-W", "error::DeprecationWarning:imghdr", "-c", script),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (process.stdout.split(), process.stderr) == (["False", "True"], "")
