"""The shortest stories of losses that were found once: what happens before everything comes to rest."""

from __future__ import annotations

from collections.abc import Callable

from tests.model.faults import Kind
from tests.model.feeds import CONNECTIONS, CUSTOM, GROUPS, SERVICES, SETTINGS, TYPES, WAREHOUSES
from tests.model.machine import FloridayMachine

Story = Callable[[FloridayMachine], None]


class Teller(FloridayMachine):
    """A machine that does what a story says, and prints it."""

    def say(self, line: str) -> None:
        """Tell the story."""
        print(line)  # noqa: T201 - pytest shows it where the story ends badly


def _begun(
    told: FloridayMachine, *feeds: str, connected: int = 3, records: int = 6, is_loaded: bool = True
) -> FloridayMachine:
    """Pages of two records; the first supplier's records are 1 and 4, the second's 2 and 5."""
    told.begin(
        told.scenarios.index(feeds),
        1,
        2,
        connected,
        records,
        inclusive=False,
        empty_says_zero=False,
        is_loaded=is_loaded,
    )
    return told


def connections_by_name(told: FloridayMachine) -> None:
    """A new connection is read by name: what it widens was not asked for, and is to be read anew all the same."""
    _begun(told, CONNECTIONS, SERVICES, connected=1).connect(0, 1, 1)
    told.sync((0,))


def death_after_the_connections(told: FloridayMachine) -> None:
    """The process dies just after a new connection is committed."""
    _begun(told, CONNECTIONS, SERVICES, connected=1).connect(0, 1, 1)
    told.sync_and_die(0, (), after=True)


def healed_connection(told: FloridayMachine) -> None:
    """A new connection cannot be read at first, heals, and is stored by asking for rejected records."""
    _begun(told, CONNECTIONS, SERVICES, connected=1).connect(0, 1, 1)
    told.happen(0, 1, 2, "spoil")
    told.sync(())
    told.heal(0, 0)
    told.retry()


def widened_feed_first(told: FloridayMachine) -> None:
    """A widened feed is read before the connections ever are, and then there is one more."""
    _begun(told, CONNECTIONS, SERVICES, connected=1, is_loaded=False).sync((1,))
    told.connect(0, 1, 1)


def revived_unseen(told: FloridayMachine) -> None:
    """A connection ends and is revived between two readings, and a record changes out of view meanwhile."""
    _begun(told, CONNECTIONS, SERVICES).happen(0, 0, 1, "delete")
    told.happen(1, 0, 2, "change")
    told.sync((1,))
    told.connect(0, 0, 0)


def garbled_number(told: FloridayMachine) -> None:
    """One answer gives a record a number beyond everything; later versions are not older for that."""
    _begun(told, TYPES).sync_and_meet_a_wrong_page(0, Kind.NUMBER, 0, 1, 3, ())


def garbled_number_within(told: FloridayMachine) -> None:
    """One answer gives a record the feed's highest number: what lies before it is not read yet."""
    _begun(told, TYPES).create(0, 5, 1, 0, 0)
    told.sync_and_meet_a_wrong_page(0, Kind.NUMBER_WITHIN, 0, 1, 3, ())


def garbled_number_without_maximum(told: FloridayMachine) -> None:
    """The same in the feed without a max-sequence operation."""
    _begun(told, WAREHOUSES).create(0, 5, 1, 0, 0)
    told.sync_and_meet_a_wrong_page(0, Kind.NUMBER, 0, 1, 3, ())


def page_maximum(told: FloridayMachine) -> None:
    """One page claims a maximum a thousand times too high, and then something changes."""
    _begun(told, TYPES).sync_and_meet_a_wrong_page(0, Kind.PAGE_MAXIMUM, 1, 1, 1, ())
    told.happen(0, 0, 1, "change")


def page_maximum_without_maximum(told: FloridayMachine) -> None:
    """The same in the feed without a max-sequence operation."""
    _begun(told, WAREHOUSES).sync_and_meet_a_wrong_page(0, Kind.PAGE_MAXIMUM, 1, 1, 1, ())
    told.happen(0, 0, 1, "change")


def page_maximum_of_an_empty_page(told: FloridayMachine) -> None:
    """One page that a filter emptied claims a maximum a thousand times too high."""
    _begun(told, TYPES).happen(0, 0, 1, "hide")
    told.sync_and_meet_a_wrong_page(0, Kind.PAGE_MAXIMUM, 1, 1, 0, ())
    told.happen(0, 0, 1, "change")


def restart_above_the_cursor(told: FloridayMachine) -> None:
    """After a rebuild the new maximum is above the old cursor."""
    _begun(told, CUSTOM, records=3).lock(0)
    told.sync(())
    told.restart(0, 1, [0], 6)


def restart_at_the_cursor(told: FloridayMachine) -> None:
    """After a rebuild the new maximum is the old cursor, and the records stand elsewhere."""
    _begun(told, CUSTOM, records=6).lock(0)
    told.sync(())
    told.restart(0, 1, [], 0)


def restart_behind_an_empty_page(told: FloridayMachine) -> None:
    """After a rebuild a filter empties the first page."""
    _begun(told, TYPES, records=3).happen(0, 0, 1, "change")
    told.happen(0, 0, 1, "change")
    told.sync(())
    told.lock(0)
    told.sync(())
    told.restart(0, 0, [], 0)
    for entry in told.play.book(0).standing()[:2]:
        entry.hidden = True
    told.play.tell("the first two are hidden")


def restart_behind_rejected_records(told: FloridayMachine) -> None:
    """After a rebuild nothing on the first page can be read."""
    _begun(told, TYPES, records=4).lock(0)
    told.sync(())
    told.restart(0, 1, [], 0)
    for entry in told.play.book(0).standing()[:2]:
        entry.garbage = "key"
    told.play.tell("the first two cannot be read")


def empty_answer(told: FloridayMachine) -> None:
    """An empty page answers the question for a rejected record, which then heals where it stands."""
    _begun(told, TYPES).happen(0, 2, 1, "spoil")
    told.sync(())
    told.sync_and_meet_a_wrong_page(0, Kind.EMPTY, 0, 1, 0, ())
    told.heal(0, 0)


def unknown_parts(told: FloridayMachine) -> None:
    """A feed in parts is read before the connections, which tell the parts."""
    _begun(told, CONNECTIONS, GROUPS, is_loaded=False).sync((1,))


def cut_selection(told: FloridayMachine) -> None:
    """The process dies after the last commit of the complete walk that follows a restart."""
    _begun(told, CUSTOM).lock(0)
    told.sync(())
    told.restart(0, 1, [0], 0)
    told.sync_and_die(1, (), after=True)


def unreadable_in_a_selection(told: FloridayMachine) -> None:
    """Records of a selection cannot be read, not even whose they are, when it restarts."""
    _begun(told, CUSTOM, records=4).happen(0, 0, 1, "spoil beyond its key")
    told.happen(0, 0, 1, "spoil beyond its key")
    told.sync(())
    told.lock(0)
    told.sync(())
    told.restart(0, 1, [], 0)


def defaults(told: FloridayMachine) -> None:
    """A record returns to its defaults, which carry the number 0."""
    _begun(told, SETTINGS).happen(0, 1, 1, "change")
    told.sync(())
    told.happen(0, 3, 0, "default")


def page_of_defaults(told: FloridayMachine) -> None:
    """Nothing on a full page carries a number."""
    _begun(told, SETTINGS)
    for _ in range(5):
        told.happen(0, 0, 0, "default")


def late_number(told: FloridayMachine) -> None:
    """A number is served after a higher one."""
    _begun(told, TYPES).sync_while_a_number_is_late(0, 1)


STORIES: tuple[Story, ...] = (
    connections_by_name,
    death_after_the_connections,
    healed_connection,
    widened_feed_first,
    revived_unseen,
    garbled_number,
    garbled_number_within,
    garbled_number_without_maximum,
    page_maximum,
    page_maximum_without_maximum,
    page_maximum_of_an_empty_page,
    restart_above_the_cursor,
    restart_at_the_cursor,
    restart_behind_an_empty_page,
    restart_behind_rejected_records,
    empty_answer,
    unknown_parts,
    cut_selection,
    unreadable_in_a_selection,
    defaults,
    page_of_defaults,
    late_number,
)
