"""The fixed vocabulary of warnings that a table's description may carry."""

from __future__ import annotations

HISTORY_STARTS_HERE = "Floriday serves the newest state only: history begins with the first sync"
SHORT_LIVED = "What Floriday no longer serves stays in this warehouse"
NO_TIMESTAMPS = "Floriday states no time of creation or change: synced_at is the only clock"
UNKNOWN_REFERENCES = "May refer to trade items that no feed delivers"
REGISTER = "A pass-through of the sector register: also holds organizations that no longer exist"
APPEND_ONLY = "A ledger: rows are added, never changed"
STATUS_TELLS = "Nothing is deleted here: the status tells what became of it"
MOVABLE_CHILDREN = "A fulfillment request can move to another delivery order: count each id once"
