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
NOTHING_DELETED = "Floriday tells no deletion here"
DELETED_UNSEEN = "What was deleted longer ago than that, before the first sync, is not known here"
TWO_PHASES = "A line comes without invoice first and is completed once invoiced; a correction is a line of its own"
NO_CURRENCY = "Floriday states no currency of the amounts, presumably EUR"
SOME_AUCTIONS = "The auctions Plantion and VRM are not in it"
PRICES_FREEZE = (
    "Prices of a week freeze on the Thursday before, at 10:00 in Amsterdam, and then change once in 24 hours at most"
)
WEEKS_WITH_ACTIVITY = "Floriday serves only weeks in which something happened"
BEING_REPLACED = "Being replaced by supply.trade_item_availabilities_per_week"
CONTRACT_VERSIONS = "Every version of a contract is a row with an id of its own: the reference is what they share"
SEPARATE_IDS = "Lines of direct sales, of the clock and of its presales do not share their ids"
NUMBER_ZERO = "Sequence number 0 means that nothing is stored at Floriday: these are its defaults"
LOCAL_TIMES = "Times of day are those of the time zone beside them, not UTC"
NO_FEED = "Floriday has no feed of it: its list is read as a whole and compared with the last reading"
