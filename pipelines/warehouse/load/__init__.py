"""Storing records: change detection, upserts, cursors, tombstones, rejected records."""
