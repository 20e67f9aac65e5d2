"""One example of the model test: a simulated server, a client and its warehouse, and the comparison of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.catalogue.types import Feed
from pipelines.sync.outcome import FeedOutcome
from tests.model.client import Client, SyncRequest, prepared_warehouse
from tests.model.comparison import Comparison
from tests.model.faults import Loss
from tests.model.feeds import CONNECTIONS, GROUPS, SUPPLIERS, catalogue_with, identity
from tests.model.floriday import Book, Entry, World
from tests.model.server import ModelServer

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a new folder is created in it
"""A file system in memory, if there is one, because commits are faster on it."""

QUIET_SYNCS = 2
"""Syncs without faults after an example: one repairs everything, one finds nothing left to do."""


class Simulation:
    """A running simulation.

    Args:
        server: HTTP server of the simulated Floriday.
        world: accounts and feeds on the server.
        feeds: names of the simulated feeds.
        page: number of records in a full page.
        losses: known causes of losses that may occur; the others are avoided.
        log: called with each line of the history.
    """

    def __init__(
        self,
        server: ModelServer,
        world: World,
        feeds: tuple[str, ...],
        page: int,
        *,
        losses: frozenset[Loss],
        log: Callable[[str], None],
    ) -> None:
        self.server, self.world, self.feeds, self.losses, self._log = server, world, feeds, losses, log
        server.world = world
        self.catalogue = catalogue_with(feeds, page)
        self._folder = TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
        path = Path(self._folder.name) / "w.duckdb"
        prepared_warehouse(feeds, len(world.accounts), server.address).restore(path)
        self._client = Client(server, path, self.catalogue)
        with self._client.warehouse.reading() as connection:
            self._comparison = Comparison(connection)
        self._keys = 0
        self.has_failed = False

    def close(self) -> None:
        """Close the client, and delete its files."""
        self._client.close()
        self._folder.cleanup()

    def log_event(self, line: str) -> None:
        """Log an event, and remember what is served after it."""
        self.world.note_served()
        self._log(f"    {line}")

    # Records

    def book(self, where: int) -> Book:
        """Return a feed of an account; the index wraps around."""
        return self.world.books[where % len(self.world.books)]

    def books_from(self, where: int) -> list[Book]:
        """Return all feeds of all accounts, beginning with one of them."""
        books = self.world.books
        return [*books[where % len(books) :], *books[: where % len(books)]]

    def entry(self, where: int, which: int) -> tuple[Book, Entry | None]:
        """Return a record of a feed, or of the next feed that has one and is not being rebuilt."""
        for book in self.books_from(where):
            if not book.locked and (entries := book.numbered()):
                return book, entries[which % len(entries)]
        return self.book(where), None

    def fill(self, book: Book, count: int, content: int = 0, supplier: int = 0, hidden: int = 0) -> None:
        """Create records of all suppliers in turn; with ``hidden``, some of them are hidden, but not the first ones."""
        for place in range(count):
            owner = SUPPLIERS[(supplier + place) % len(SUPPLIERS)]
            book.put(self._new_key(), content, owner, hidden=bool(hidden) and place % 4 >= hidden)

    def put(self, book: Book, content: int, *, late: bool = False) -> Entry:
        """Create a record of a connected supplier."""
        supplier = min(book.account.connected, default=SUPPLIERS[0])
        return book.put(self._new_key(), content, supplier, late=late)

    def _new_key(self) -> str:
        self._keys += 1
        return identity(self._keys)

    @property
    def locked(self) -> list[Book]:
        """The feeds that are being rebuilt."""
        return [book for book in self.world.books if book.locked]

    @property
    def may_lock(self) -> bool:
        """Whether there is a feed that can be rebuilt."""
        return any(book.shape.restarts and not book.locked for book in self.world.books)

    @property
    def had_garbage(self) -> bool:
        """Whether an unreadable record was ever served."""
        return any(book.had_garbage for book in self.world.books)

    @property
    def has_garbage(self) -> bool:
        """Whether an unreadable record is served now."""
        return any(entry.garbage for book in self.world.books for entry in book.entries.values())

    def clear_faults(self) -> None:
        """Remove all planned faults."""
        for book in self.world.books:
            book.page_faults.clear()
            book.maximum_faults.clear()

    # Syncs

    def sync(self, request: SyncRequest) -> None:
        """Sync, and check that each feed that is reported as current is current.

        Raises:
            AssertionError: a feed is reported as current and is not.
        """
        request = self._without_known_losses(request)
        for book in self.world.books:
            book.struck = 0
        quiet = [book for book in self.world.books if book.is_quiet]
        self.server.requests.clear()
        outcomes = self._client.sync(request)
        self._log_calls(request, outcomes)
        for outcome in outcomes or ():
            if outcome.skipped:
                self._book_of(outcome).lock_seen = True
        faultless = [book for book in quiet if not book.struck]
        self._check_claims(outcomes or [], faultless)

    def _log_calls(self, request: SyncRequest, outcomes: Sequence[FeedOutcome] | None) -> None:
        self._log(f"    {request}{', crashed' if outcomes is None else ''}")
        for line in self.server.requests:
            self._log(f"        {line}")
        for outcome in outcomes or ():
            self._log(f"        = {_brief(outcome)}")

    def _book_of(self, outcome: FeedOutcome) -> Book:
        return self.world.accounts[outcome.account].books[outcome.feed]

    def _without_known_losses(self, request: SyncRequest) -> SyncRequest:
        """Return the request without anything that is known to lose records."""
        risk = Loss.UNKNOWN_PARTS if GROUPS in self.feeds else Loss.NEW_CONNECTION
        unsafe = {risk, Loss.NEW_CONNECTION} - self.losses
        if unsafe and not all(map(self.knows_connections, self.world.accounts)):
            self.clear_faults()
            return SyncRequest(full=request.full)
        return request

    def _check_claims(self, outcomes: Iterable[FeedOutcome], faultless: Sequence[Book]) -> None:
        """A feed that is reported as current equals the server, unless the server sent a wrong response."""
        wrong: list[str] = []
        for outcome in outcomes:
            book = self._book_of(outcome)
            if not outcome.current:
                continue
            if book.shape.in_parts and not self._has_read(book.account.name, CONNECTIONS):
                wrong.append(f"{book.name}: the client does not know its sub-feeds")
            if book in faultless and self._can_know_all(book):
                wrong += self._comparison.rows(book, self.catalogue.feed(outcome.feed))
        self._assert_nothing(wrong, "a feed is reported as current and is not")

    def _can_know_all(self, book: Book) -> bool:
        """Return whether the client can know all records of a feed; for some it must know the connections."""
        return not (book.shape.needs_connection or book.shape.in_parts) or self.knows_connections(book.account.name)

    def knows_connections(self, account: str) -> bool:
        """Return whether the client's connections equal the server's."""
        book = self.world.accounts[account].books.get(CONNECTIONS)
        return book is None or not list(self._comparison.rows(book, self.catalogue.feed(CONNECTIONS)))

    def _has_read(self, account: str, feed: str) -> bool:
        sql = "SELECT count(*) FROM sync.cursors WHERE account = ? AND feed = ?"
        return self._comparison.connection.execute(sql, [account, feed]).fetchall() != [(0,)]

    def cursor(self, book: Book) -> int:
        """Return the cursor of the client in a feed."""
        sql = "SELECT max(cursor) FROM sync.cursors WHERE account = ? AND feed = ?"
        rows = self._comparison.connection.execute(sql, [book.account.name, book.shape.feed]).fetchall()
        return int(rows[0][0] or 0)

    def stored_numbers(self, book: Book) -> dict[str, int]:
        """Return the stored number of each record of a feed."""
        return {key: row.number for key, row in self._comparison.stored(book, self._feed(book)).items()}

    def _feed(self, book: Book) -> Feed:
        return self.catalogue.feed(book.shape.feed)

    # The end

    def finish(self) -> None:
        """End all faults; after two syncs all tables equal the model.

        Raises:
            AssertionError: a table differs from the model.
        """
        self.log_event("no faults from here on")
        self.clear_faults()
        for _ in range(QUIET_SYNCS):
            self.sync(SyncRequest())
        wrong: list[str] = []
        for book in self.world.books:
            wrong += self._comparison.everything(book, self._feed(book))
            self._comparison.confirm(book, self._feed(book))
        self._assert_nothing(wrong, "after quiet syncs the tables are not equal to the model")

    def _assert_nothing(self, wrong: Sequence[str], what: str) -> None:
        self.has_failed = bool(wrong)
        assert not wrong, "\n".join([what, *wrong, "Floriday has:", *self.world.description()])


def _brief(outcome: FeedOutcome) -> str:
    status = outcome.error or outcome.skipped or f"current {'yes' if outcome.current else 'no'}"
    counts = f"{outcome.records} records, {outcome.rejected} rejected, cursor {outcome.cursor}"
    return f"{outcome.account} {outcome.feed}: {status}, {counts}, series {outcome.series}"
