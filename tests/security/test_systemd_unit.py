"""The systemd service of the operations guide has few permissions."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "operations" / "service.md"
FOLLOW = ROOT / "deploy" / "systemd" / "floriday-follow.service"
HARDENING = (
    *("User=floriday", "UMask=0077", "LimitCORE=0", "NoNewPrivileges=yes", "CapabilityBoundingSet="),
    *("ProtectSystem=strict", "ReadWritePaths=/srv/floriday/data", "ProtectHome=yes", "PrivateTmp=yes"),
    *("PrivateDevices=yes", "PrivateUsers=yes", "ProtectProc=invisible", "ProcSubset=pid"),
    *("MemoryDenyWriteExecute=yes", "RestrictNamespaces=yes", "SystemCallFilter=~@privileged @resources"),
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
)


def unit() -> str:
    """The systemd unit in the guide."""
    found = re.search(r"```ini\n(\[Unit\].*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def test_the_unit_is_hardened() -> None:
    """The service runs as its own user, writes only its data, leaves no core dumps and gains no privileges."""
    lines = unit().splitlines()

    assert [line for line in HARDENING if line not in lines] == []


def test_the_unit_contains_no_secrets() -> None:
    """Secrets are credentials of the unit, and its environment contains only the paths of their files."""
    assert not re.search(r"FLORIDAY_(CLIENT_SECRET|API_KEYS?|ALERTS|PERSONAL_DATA_KEY)=", unit())
    assert unit().count("LoadCredential=") == 2


def test_the_unit_of_the_resident_sync_is_hardened_as_well() -> None:
    """The unit of the resident sync has the same permissions, and systemd waits for its messages."""
    lines = FOLLOW.read_text(encoding="utf-8").splitlines()

    assert [line for line in (*HARDENING, "Type=notify", "WatchdogSec=60") if line not in lines] == []
    assert not re.search(r"FLORIDAY_(CLIENT_SECRET|API_KEYS?|ALERTS|PERSONAL_DATA_KEY)=", "\n".join(lines))


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed (apt-get install systemd)")
def test_the_guide_states_the_exposure_level(tmp_path: Path) -> None:
    """The exposure level that the guide states is that of systemd, within 0.3."""
    path = tmp_path / "floriday.service"
    path.write_text(unit())

    rated = subprocess.run(
        ("systemd-analyze", "security", "--offline=true", "--no-pager", str(path)),
        check=True,
        capture_output=True,
        text=True,
    )

    score = re.search(r"Overall exposure level for \S+: ([\d.]+)", rated.stdout)
    stated = re.search(r"gives it ([\d.]+) of 10", GUIDE.read_text(encoding="utf-8"))
    assert score
    assert stated
    assert float(score[1]) <= float(stated[1]) + 0.3
