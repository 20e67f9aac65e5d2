"""The systemd service of the operations guide has few permissions."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "operations" / "service.md"
UNITS = ROOT / "deploy" / "systemd"
RESIDENT = ("floriday.service", "floriday-follow.service")
"""The units of processes that stay."""
HARDENING = (
    *("User=floriday", "UMask=0077", "LimitCORE=0", "NoNewPrivileges=yes", "CapabilityBoundingSet="),
    *("ProtectSystem=strict", "ReadWritePaths=/srv/floriday/data", "ProtectHome=yes", "PrivateTmp=yes"),
    *("PrivateDevices=yes", "PrivateUsers=yes", "ProtectProc=invisible", "ProcSubset=pid"),
    *("MemoryDenyWriteExecute=yes", "RestrictNamespaces=yes", "SystemCallFilter=~@privileged @resources"),
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
)


def unit(name: str) -> str:
    """A systemd unit."""
    return (UNITS / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", RESIDENT)
def test_the_unit_is_hardened(name: str) -> None:
    """The service runs as its own user, writes only its data, leaves no core dumps and gains no privileges."""
    lines = unit(name).splitlines()

    assert [line for line in HARDENING if line not in lines] == []


@pytest.mark.parametrize("name", RESIDENT)
def test_the_unit_contains_no_secrets(name: str) -> None:
    """Secrets are credentials of the unit, and its environment contains only the paths of their files."""
    assert not re.search(r"FLORIDAY_(CLIENT_SECRET|API_KEYS?|ALERTS|PERSONAL_DATA_KEY)=", unit(name))
    assert unit(name).count("LoadCredential=") == 2


def test_systemd_waits_for_messages_of_the_resident_sync() -> None:
    """The unit of the resident sync expects its messages, and restarts it without them."""
    assert {"Type=notify", "WatchdogSec=60"} <= set(unit("floriday-follow.service").splitlines())


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed (apt-get install systemd)")
@pytest.mark.parametrize("name", RESIDENT)
def test_the_guide_states_the_exposure_level(name: str) -> None:
    """The exposure level that the guide states is that of systemd, within 0.3."""
    rated = subprocess.run(
        ("systemd-analyze", "security", "--offline=true", "--no-pager", str(UNITS / name)),
        check=True,
        capture_output=True,
        text=True,
    )

    score = re.search(r"Overall exposure level for \S+: ([\d.]+)", rated.stdout)
    stated = re.search(r"gives it ([\d.]+) of 10", GUIDE.read_text(encoding="utf-8"))
    assert score
    assert stated
    assert float(score[1]) <= float(stated[1]) + 0.3
