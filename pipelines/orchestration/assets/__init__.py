"""An asset for each feed, snapshot and report, with partitions, metadata, checks and freshness."""
