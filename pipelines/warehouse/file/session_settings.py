"""DuckDB settings of a new file, and of a connection by purpose: reading, writing, executing SQL that users wrote."""

from __future__ import annotations

from pathlib import Path

STORAGE_VERSION = "v1.4.0"
"""Fixed, so that the format does not change with the library: DuckDB 1.4, 1.5 and 2 read and write it."""
BLOCK_SIZE = 131072
"""Bytes of a block of a new file. A commit allocates a block for each column that it writes, so that many small commits
write half as much as with DuckDB's own 262144. With 65536 they would write a quarter, but a first load of large
records would take a third longer (docs/performance.md). Existing files keep theirs."""
CONFIG = {
    "storage_compatibility_version": STORAGE_VERSION,
    "default_block_size": str(BLOCK_SIZE),
    "autoinstall_known_extensions": "false",
}
"""With which a file is opened."""

BASIC = ("SET TimeZone = 'UTC'", "SET enable_progress_bar = false")
"""For every connection; DuckDB would write a progress bar to standard output."""
WRITING = (*BASIC, "SET wal_autocheckpoint = '100KB'", "SET max_vacuum_tasks = 0")
"""A commit of more than 100 kB is written to the file at once, as one checkpoint, instead of to the write-ahead log.

A checkpoint merges no row groups by default, which makes a single batch cheapest; the sync raises that limit itself.
"""
_NO_EXTERNAL_ACCESS, _NO_SETTING = "SET enable_external_access = false", "SET lock_configuration = true"
LOCKED = (*BASIC, _NO_EXTERNAL_ACCESS, _NO_SETTING)
"""For our own SQL over views and macros of the file: no files, no network, and settings cannot be changed."""
CONFINED = (
    "SET python_enable_replacements = false",
    "SET allow_persistent_secrets = false",
    "SET temp_directory = ''",
    _NO_EXTERNAL_ACCESS,
    "SET disabled_filesystems = 'LocalFileSystem'",
    _NO_SETTING,
)
"""For SQL that users wrote, after ``BASIC``: also denies the database's own paths, and nothing is spilled to disk."""

_MEGABYTES = 184
_SMALL_FILE = 2048  # megabytes of a file up to which that memory is enough
_BLOCKS = f"SET block_allocator_memory = '{_MEGABYTES}MiB'"
"""Freed blocks are reused until the file is closed, instead of returned to the system and allocated again."""


def confined_to(folder: str) -> tuple[str, ...]:
    """As :data:`CONFINED`, for a connection that reads the files of one folder, or of a bucket's prefix.

    Persistent secrets stay allowed, because that cannot be changed any more once a lake was attached.
    """
    allowed = folder.replace("'", "''")
    left_out = ("disabled_filesystems", "allow_persistent_secrets")
    kept = (setting for setting in CONFINED if not any(name in setting for name in left_out))
    return (f"SET allowed_directories = ['{allowed}']", *kept)


def low_memory(path: Path) -> tuple[str, ...]:
    """Settings for a connection of a sync: more memory or threads make a batch no faster.

    One of two threads is the normalizer's. DuckDB's metadata grow with the tables: at ten million rows, a file of
    11 GB, a commit needs 300 MB, and fails with less.
    """
    size = path.stat().st_size // 2**20 if path.exists() else 0
    return f"SET memory_limit = '{_MEGABYTES + max(size - _SMALL_FILE, 0) // 48}MiB'", _BLOCKS, "SET threads = 1"
