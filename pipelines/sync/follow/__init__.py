"""The resident sync: one process that looks what moved at Floriday, and syncs only that."""
