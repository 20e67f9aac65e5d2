"""The service of the guide can do little more than what it is for."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "operations.md"
HARDENING = (
    *("User=floriday", "UMask=0077", "LimitCORE=0", "NoNewPrivileges=yes", "CapabilityBoundingSet="),
    *("ProtectSystem=strict", "ReadWritePaths=/srv/floriday/data", "ProtectHome=yes", "PrivateTmp=yes"),
    *("PrivateDevices=yes", "PrivateUsers=yes", "ProtectProc=invisible", "ProcSubset=pid"),
    *("MemoryDenyWriteExecute=yes", "RestrictNamespaces=yes", "SystemCallFilter=~@privileged @resources"),
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
)


def unit() -> str:
    """The unit as the guide shows it."""
    found = re.search(r"```ini\n(\[Unit\].*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def test_the_unit_is_hardened() -> None:
    """It runs as a user of its own, writes its data alone, leaves no core dump and gains no privilege."""
    lines = unit().splitlines()

    assert [line for line in HARDENING if line not in lines] == []


def test_secrets_are_no_variables_of_the_unit() -> None:
    """Secrets come as credentials; the unit and its environment name their files only."""
    assert not re.search(r"FLORIDAY_(CLIENT_SECRET|API_KEYS?|ALERTS|PERSONAL_DATA_KEY)=", unit())
    assert unit().count("LoadCredential=") == 2


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed (apt-get install systemd)")
def test_the_guide_tells_the_units_score(tmp_path: Path) -> None:
    """The rating by systemd is about what the guide says; its versions differ by tenths."""
    path = tmp_path / "floriday.service"
    path.write_text(unit())

    rated = subprocess.run(
        ("systemd-analyze", "security", "--offline=true", "--no-pager", str(path)),
        check=True,
        capture_output=True,
        text=True,
    )

    score = re.search(r"Overall exposure level for \S+: ([\d.]+)", rated.stdout)
    told = re.search(r"gives it ([\d.]+) of 10", GUIDE.read_text(encoding="utf-8"))
    assert score
    assert told
    assert float(score[1]) <= float(told[1]) + 0.3
