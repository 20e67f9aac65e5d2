"""The tables and views of the warehouse: created from the catalogue, migrated, and checked against their owner."""
