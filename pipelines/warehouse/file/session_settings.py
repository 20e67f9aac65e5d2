"""What DuckDB is told at the beginning of a session, by who opens the file and for what."""

from __future__ import annotations

from pathlib import Path

BASIC = ("SET TimeZone = 'UTC'", "SET enable_progress_bar = false")
"""Every session; DuckDB would draw a bar into whatever reads the output."""
WRITING = (*BASIC, "SET wal_autocheckpoint = '100KB'", "SET max_vacuum_tasks = 0")
"""A commit of more than 100 kB goes into the file at once instead of through the write-ahead log, as one checkpoint.

What a checkpoint may merge is said by the one that writes; never merging is what a single batch costs least.
"""
_NO_EXTERNAL_ACCESS, _NO_SETTING = "SET enable_external_access = false", "SET lock_configuration = true"
LOCKED = (*BASIC, _NO_EXTERNAL_ACCESS, _NO_SETTING)
"""For our own SQL over views and macros of the file: no files, no network, and no setting can be changed."""
CONFINED = (
    "SET python_enable_replacements = false",
    "SET allow_persistent_secrets = false",
    "SET temp_directory = ''",
    _NO_EXTERNAL_ACCESS,
    "SET disabled_filesystems = 'LocalFileSystem'",
    _NO_SETTING,
)
"""For SQL of others, after ``QUIET``: not even the paths that belong to the database; nothing is spilled to disk."""

_MEGABYTES = 184
_SMALL = 2048
"""Megabytes of a file up to which that is enough."""
_BLOCKS = f"SET block_allocator_memory = '{_MEGABYTES}MiB'"
"""Blocks are used again instead of given back to the system and asked for anew, page by page; until the file is
closed."""


def low_memory(path: Path) -> tuple[str, ...]:
    """Settings of a session that works beside others: more memory or threads make a batch no faster.

    One thread of two is the normalizer's. What DuckDB keeps in mind of a table grows with it: at ten million rows, a
    file of 11 GB, a commit needs 300 MB, and fails without them.
    """
    size = path.stat().st_size // 2**20 if path.exists() else 0
    return f"SET memory_limit = '{_MEGABYTES + max(size - _SMALL, 0) // 48}MiB'", _BLOCKS, "SET threads = 1"
