"""The results of syncs, as people read them; and the sync of rejected records."""
