"""One story: a world, a client and its warehouse, what they do, and what must be so afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.catalogue.types import Feed
from pipelines.sync.outcome import FeedOutcome
from tests.model.client import Asked, Client, prepared_warehouse
from tests.model.comparison import Comparison
from tests.model.faults import Loss
from tests.model.feeds import CONNECTIONS, GROUPS, SUPPLIERS, catalogue_with, identity
from tests.model.floriday import Book, Entry, World
from tests.model.server import ModelServer

IN_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder with a name of its own is made there
"""Where there is a file system in memory: commits need not wait for the disk there."""

QUIET_SYNCS = 2
"""After whatever went wrong: one sync to heal, one that finds nothing left to do."""


class Play:
    """A story under way.

    Args:
        server: answers from the world.
        world: of the story.
        feeds: that are played.
        page: records of a full page.
        losses: the known losses that may happen; the client does without the rest what is known to be safe.
        say: tells the story.
    """

    def __init__(
        self,
        server: ModelServer,
        world: World,
        feeds: tuple[str, ...],
        page: int,
        *,
        losses: frozenset[Loss],
        say: Callable[[str], None],
    ) -> None:
        self.server, self.world, self.feeds, self.losses, self._say = server, world, feeds, losses, say
        server.world = world
        self.catalogue = catalogue_with(feeds, page)
        self._folder = TemporaryDirectory(dir=IN_MEMORY if IN_MEMORY.is_dir() else None)
        path = Path(self._folder.name) / "w.duckdb"
        path.write_bytes(prepared_warehouse(feeds, len(world.accounts), server.address))
        self._client = Client(server, path, self.catalogue)
        with self._client.warehouse.reading() as connection:
            self._comparison = Comparison(connection)
        self._keys = 0
        self.has_failed = False

    def close(self) -> None:
        """End."""
        self._client.close()
        self._folder.cleanup()

    def tell(self, line: str) -> None:
        """Say what happened, and remember what is served since."""
        self.world.note_served()
        self._say(f"    {line}")

    # Records

    def book(self, where: int) -> Book:
        """A feed of an account, counted round."""
        return self.world.books[where % len(self.world.books)]

    def books_from(self, where: int) -> list[Book]:
        """All feeds of all accounts, one of them first."""
        books = self.world.books
        return [*books[where % len(books) :], *books[: where % len(books)]]

    def entry(self, where: int, which: int) -> tuple[Book, Entry | None]:
        """A record of a feed, counted round; of another feed where this one has none or is being rebuilt."""
        for book in self.books_from(where):
            if not book.locked and (standing := book.standing()):
                return book, standing[which % len(standing)]
        return self.book(where), None

    def fill(self, book: Book, count: int, content: int = 0, supplier: int = 0, hidden: int = 0) -> None:
        """New records of all suppliers in turn; where some are to be hidden, the first ones are not."""
        for place in range(count):
            owner = SUPPLIERS[(supplier + place) % len(SUPPLIERS)]
            book.put(self._new_key(), content, owner, hidden=bool(hidden) and place % 4 >= hidden)

    def put(self, book: Book, content: int, *, late: bool = False) -> Entry:
        """A new record of a supplier that is in view."""
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
        """Whether a feed could be rebuilt that is not."""
        return any(book.shape.restarts and not book.locked for book in self.world.books)

    @property
    def had_garbage(self) -> bool:
        """Whether anything was served that could not be read."""
        return any(book.had_garbage for book in self.world.books)

    @property
    def has_garbage(self) -> bool:
        """Whether anything is served that cannot be read."""
        return any(one.garbage for book in self.world.books for one in book.entries.values())

    def lift_faults(self) -> None:
        """No answer is wrong any more."""
        for book in self.world.books:
            book.page_faults.clear()
            book.maximum_faults.clear()

    # Syncs

    def sync(self, asked: Asked) -> None:
        """Sync, and see that nobody claims what is not so.

        Raises:
            AssertionError: a feed that is said to be current is not.
        """
        asked = self._tamed(asked)
        for book in self.world.books:
            book.struck = 0
        quiet = [book for book in self.world.books if book.is_quiet]
        self.server.asked.clear()
        outcomes = self._client.sync(asked)
        self._tell_calls(asked, outcomes)
        for outcome in outcomes or ():
            if outcome.skipped:
                self._book_of(outcome).lock_seen = True
        truthful = [book for book in quiet if not book.struck]
        self._check_claims(outcomes or [], truthful)

    def _tell_calls(self, asked: Asked, outcomes: Sequence[FeedOutcome] | None) -> None:
        self._say(f"    {asked}{', and it died' if outcomes is None else ''}")
        for line in self.server.asked:
            self._say(f"        {line}")
        for outcome in outcomes or ():
            self._say(f"        = {_brief(outcome)}")

    def _book_of(self, outcome: FeedOutcome) -> Book:
        return self.world.accounts[outcome.account].books[outcome.feed]

    def _tamed(self, asked: Asked) -> Asked:
        """What is asked, without what is known to lose something."""
        risk = Loss.UNKNOWN_PARTS if GROUPS in self.feeds else Loss.WIDENED
        unsafe = {risk, Loss.WIDENED} - self.losses
        if unsafe and not all(map(self.knows_connections, self.world.accounts)):
            self.lift_faults()
            return Asked(full=asked.full)
        return asked

    def _check_claims(self, outcomes: Iterable[FeedOutcome], truthful: Sequence[Book]) -> None:
        """Whoever says that a feed is current has it as Floriday serves it, where Floriday told the truth."""
        wrong: list[str] = []
        for outcome in outcomes:
            book = self._book_of(outcome)
            if not outcome.current:
                continue
            if book.shape.in_parts and not self._has_read(book.account.name, CONNECTIONS):
                wrong.append(f"{book.name}: nobody knows which parts it has")
            if book in truthful and self._may_know_all(book):
                wrong += self._comparison.rows(book, self.catalogue.feed(outcome.feed))
        self._assert_nothing(wrong, "a feed that is said to be current is not")

    def _may_know_all(self, book: Book) -> bool:
        """Whether the client can know what it may read of a feed: for some it takes the connections as they are."""
        return not (book.shape.widened or book.shape.in_parts) or self.knows_connections(book.account.name)

    def knows_connections(self, account: str) -> bool:
        """Whether the client has the connections as they are."""
        book = self.world.accounts[account].books.get(CONNECTIONS)
        return book is None or not list(self._comparison.rows(book, self.catalogue.feed(CONNECTIONS)))

    def _has_read(self, account: str, feed: str) -> bool:
        sql = "SELECT count(*) FROM sync.cursors WHERE account = ? AND feed = ?"
        return self._comparison.connection.execute(sql, [account, feed]).fetchall() != [(0,)]

    def cursor(self, book: Book) -> int:
        """How far the client has read a feed."""
        sql = "SELECT max(cursor) FROM sync.cursors WHERE account = ? AND feed = ?"
        rows = self._comparison.connection.execute(sql, [book.account.name, book.shape.feed]).fetchall()
        return int(rows[0][0] or 0)

    def stored_numbers(self, book: Book) -> dict[str, int]:
        """The number that the client has of each record of a feed."""
        return {key: row.number for key, row in self._comparison.stored(book, self._feed(book)).items()}

    def _feed(self, book: Book) -> Feed:
        return self.catalogue.feed(book.shape.feed)

    # The end

    def rest(self) -> None:
        """Nothing goes wrong any more: after two syncs all tables are equal to the model.

        Raises:
            AssertionError: they are not.
        """
        self.tell("nothing goes wrong any more")
        self.lift_faults()
        for _ in range(QUIET_SYNCS):
            self.sync(Asked())
        wrong: list[str] = []
        for book in self.world.books:
            wrong += self._comparison.everything(book, self._feed(book))
            self._comparison.confirm(book, self._feed(book))
        self._assert_nothing(wrong, "after quiet syncs the tables are not equal to the model")

    def _assert_nothing(self, wrong: Sequence[str], what: str) -> None:
        self.has_failed = bool(wrong)
        assert not wrong, "\n".join([what, *wrong, "Floriday has:", *self.world.told()])


def _brief(outcome: FeedOutcome) -> str:
    told = outcome.error or outcome.skipped or f"current {'yes' if outcome.current else 'no'}"
    counts = f"{outcome.records} records, {outcome.rejected} rejected, cursor {outcome.cursor}"
    return f"{outcome.account} {outcome.feed}: {told}, {counts}, series {outcome.series}"
