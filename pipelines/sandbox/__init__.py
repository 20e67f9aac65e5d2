"""A local Floriday for tests, demonstrations and anyone who builds on Floriday.

:class:`Sandbox` serves the change feeds of the catalogue over HTTP as Floriday does, from a seeded world that trades.
Facts of Floriday belong in the catalogue or in the module whose subject they are; nothing here is used by a sync.
"""

from pipelines.sandbox.faults.fault import Fault, Faults, Kind, status
from pipelines.sandbox.http.journal import Call
from pipelines.sandbox.records.books import Book, Books
from pipelines.sandbox.records.entries import Document, Entry, View
from pipelines.sandbox.sandbox import Sandbox
from pipelines.sandbox.switches import Switches

__all__ = [
    "Book",
    "Books",
    "Call",
    "Document",
    "Entry",
    "Fault",
    "Faults",
    "Kind",
    "Sandbox",
    "Switches",
    "View",
    "status",
]
