"""Files with secrets that other users of this machine can read."""

from __future__ import annotations

import logging
import os
import shlex
import stat
from collections.abc import Iterable
from pathlib import Path

_LOG = logging.getLogger(__name__)
_warned: set[Path] = set()


def is_exposed(path: Path) -> bool:
    """Whether other users than the owner can read a file that is not empty.

    A file of another user that the group may read counts as private: its owner shares it with this process.
    """
    try:
        found = path.stat()
    except OSError:
        return False
    by_group = found.st_mode & stat.S_IRGRP and found.st_uid == os.geteuid()
    return bool(found.st_size and (found.st_mode & stat.S_IROTH or by_group))


def warn_if_exposed(files: Iterable[Path]) -> None:
    """Warn in one line, once in a process, about files that other users can read."""
    exposed = [path for path in dict.fromkeys(files) if path not in _warned and is_exposed(path)]
    if exposed:
        _warned.update(exposed)
        names = " ".join(shlex.quote(str(path)) for path in exposed)
        _LOG.warning("other users of this machine can read secrets: chmod 600 %s", names)
