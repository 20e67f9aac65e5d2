"""The sync: reads feeds and snapshots, normalizes their records and stores them."""
