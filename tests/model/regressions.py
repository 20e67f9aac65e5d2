"""The shortest examples of losses that were found and fixed; each ends with quiet syncs and a comparison."""

from __future__ import annotations

from collections.abc import Callable

from tests.model.faults import Kind
from tests.model.feeds import CONNECTIONS, CUSTOM, GROUPS, SERVICES, SETTINGS, TYPES, WAREHOUSES
from tests.model.machine import FloridayMachine

Regression = Callable[[FloridayMachine], None]


class PrintingMachine(FloridayMachine):
    """A machine that prints its history."""

    def log(self, line: str) -> None:
        """Print a line."""
        print(line)  # noqa: T201 - pytest shows it if the example fails


def _started(
    machine: FloridayMachine, *feeds: str, connected: int = 3, records: int = 6, is_loaded: bool = True
) -> FloridayMachine:
    """Start with pages of two records; the first supplier has the records 1 and 4, the second 2 and 5."""
    machine.begin(
        machine.scenarios.index(feeds),
        1,
        2,
        connected,
        records,
        inclusive=False,
        empty_maximum_is_zero=False,
        is_loaded=is_loaded,
    )
    return machine


def connections_by_name(machine: FloridayMachine) -> None:
    """A new connection is synced by name; the feed that depends on it is still read again later."""
    _started(machine, CONNECTIONS, SERVICES, connected=1).connect(0, 1, 1)
    machine.sync((0,))


def crash_after_the_connections(machine: FloridayMachine) -> None:
    """The process crashes just after a new connection is committed."""
    _started(machine, CONNECTIONS, SERVICES, connected=1).connect(0, 1, 1)
    machine.sync_and_crash(0, (), after=True)


def repaired_connection(machine: FloridayMachine) -> None:
    """A new connection is unreadable at first, becomes valid, and is stored by a retry of rejected records."""
    _started(machine, CONNECTIONS, SERVICES, connected=1).connect(0, 1, 1)
    machine.change_record(0, 1, 2, "spoil")
    machine.sync(())
    machine.repair(0, 0)
    machine.retry()


def dependent_feed_first(machine: FloridayMachine) -> None:
    """A feed is read before the connections that it depends on, and then there is one more connection."""
    _started(machine, CONNECTIONS, SERVICES, connected=1, is_loaded=False).sync((1,))
    machine.connect(0, 1, 1)


def renewed_connection(machine: FloridayMachine) -> None:
    """A connection ends and is renewed between two syncs, and a hidden record changes meanwhile."""
    _started(machine, CONNECTIONS, SERVICES).change_record(0, 0, 1, "delete")
    machine.change_record(1, 0, 2, "change")
    machine.sync((1,))
    machine.connect(0, 0, 0)


def garbled_number(machine: FloridayMachine) -> None:
    """One response gives a record a much too high number; its later versions still count as newer."""
    _started(machine, TYPES).sync_with_a_wrong_page(0, Kind.NUMBER, 0, 1, 3, ())


def garbled_number_within(machine: FloridayMachine) -> None:
    """One response gives a record the feed's highest number, while the records before it are not read yet."""
    _started(machine, TYPES).create(0, 5, 1, 0, 0)
    machine.sync_with_a_wrong_page(0, Kind.NUMBER_WITHIN, 0, 1, 3, ())


def garbled_number_without_maximum(machine: FloridayMachine) -> None:
    """The same happens in the feed without a max-sequence operation."""
    _started(machine, WAREHOUSES).create(0, 5, 1, 0, 0)
    machine.sync_with_a_wrong_page(0, Kind.NUMBER, 0, 1, 3, ())


def page_maximum(machine: FloridayMachine) -> None:
    """One page has a maximum that is 1,000 times too high, and then a record changes."""
    _started(machine, TYPES).sync_with_a_wrong_page(0, Kind.PAGE_MAXIMUM, 1, 1, 1, ())
    machine.change_record(0, 0, 1, "change")


def page_maximum_without_maximum(machine: FloridayMachine) -> None:
    """The same happens in the feed without a max-sequence operation."""
    _started(machine, WAREHOUSES).sync_with_a_wrong_page(0, Kind.PAGE_MAXIMUM, 1, 1, 1, ())
    machine.change_record(0, 0, 1, "change")


def page_maximum_of_an_empty_page(machine: FloridayMachine) -> None:
    """One page without visible records has a maximum that is 1,000 times too high."""
    _started(machine, TYPES).change_record(0, 0, 1, "hide")
    machine.sync_with_a_wrong_page(0, Kind.PAGE_MAXIMUM, 1, 1, 0, ())
    machine.change_record(0, 0, 1, "change")


def restart_above_the_cursor(machine: FloridayMachine) -> None:
    """After a rebuild the new maximum is above the old cursor."""
    _started(machine, CUSTOM, records=3).lock(0)
    machine.sync(())
    machine.restart(0, 1, [0], 6)


def restart_at_the_cursor(machine: FloridayMachine) -> None:
    """After a rebuild the new maximum equals the old cursor, and the records have other numbers."""
    _started(machine, CUSTOM, records=6).lock(0)
    machine.sync(())
    machine.restart(0, 1, [], 0)


def restart_behind_an_empty_page(machine: FloridayMachine) -> None:
    """After a rebuild a filter empties the first page."""
    _started(machine, TYPES, records=3).change_record(0, 0, 1, "change")
    machine.change_record(0, 0, 1, "change")
    machine.sync(())
    machine.lock(0)
    machine.sync(())
    machine.restart(0, 0, [], 0)
    for entry in machine.simulation.book(0).numbered()[:2]:
        entry.hidden = True
    machine.simulation.log_event("the first two are hidden")


def restart_behind_rejected_records(machine: FloridayMachine) -> None:
    """After a rebuild no record on the first page can be read."""
    _started(machine, TYPES, records=4).lock(0)
    machine.sync(())
    machine.restart(0, 1, [], 0)
    for entry in machine.simulation.book(0).numbered()[:2]:
        entry.garbage = "key"
    machine.simulation.log_event("the first two cannot be read")


def empty_answer(machine: FloridayMachine) -> None:
    """The request for a rejected record gets an empty page, and then the record becomes valid."""
    _started(machine, TYPES).change_record(0, 2, 1, "spoil")
    machine.sync(())
    machine.sync_with_a_wrong_page(0, Kind.EMPTY, 0, 1, 0, ())
    machine.repair(0, 0)


def unknown_parts(machine: FloridayMachine) -> None:
    """A feed with sub-feeds is read before the connections, which define the sub-feeds."""
    _started(machine, CONNECTIONS, GROUPS, is_loaded=False).sync((1,))


def cut_selection(machine: FloridayMachine) -> None:
    """The process crashes after the last commit of the complete walk that follows a restart."""
    _started(machine, CUSTOM).lock(0)
    machine.sync(())
    machine.restart(0, 1, [0], 0)
    machine.sync_and_crash(1, (), after=True)


def unreadable_in_a_selection(machine: FloridayMachine) -> None:
    """Records of a selection are unreadable, also their supplier, when the numbering restarts."""
    _started(machine, CUSTOM, records=4).change_record(0, 0, 1, "spoil beyond its key")
    machine.change_record(0, 0, 1, "spoil beyond its key")
    machine.sync(())
    machine.lock(0)
    machine.sync(())
    machine.restart(0, 1, [], 0)


def defaults(machine: FloridayMachine) -> None:
    """A record is reset to its defaults, which have the number 0."""
    _started(machine, SETTINGS).change_record(0, 1, 1, "change")
    machine.sync(())
    machine.change_record(0, 3, 0, "default")


def page_of_defaults(machine: FloridayMachine) -> None:
    """No record on a full page has a number."""
    _started(machine, SETTINGS)
    for _ in range(5):
        machine.change_record(0, 0, 0, "default")


def late_number(machine: FloridayMachine) -> None:
    """A number is served after a higher one."""
    _started(machine, TYPES).sync_with_a_late_number(0, 1)


REGRESSIONS: tuple[Regression, ...] = (
    connections_by_name,
    crash_after_the_connections,
    repaired_connection,
    dependent_feed_first,
    renewed_connection,
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
