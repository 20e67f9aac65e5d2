"""A local Floriday for tests, demonstrations and developers of integrations.

:class:`Sandbox` serves the feeds and snapshots of the catalogue over HTTP as Floriday does. The records come from a
simulated market that follows from a seed. No sync uses this package. From the lowest layer to the highest:

============================  ==========================================================
``records``                   numbered records, as Floriday keeps and expires them
``faults``                    faults on demand
``world``                     the simulated market, which writes the records
``state``                     all that the server reads and changes
``http``                      the server: API, authorization server, control routes
``sandbox``                   starts and stops the server
============================  ==========================================================
"""

from pipelines.sandbox.calls import Call
from pipelines.sandbox.faults.fault import Fault, Kind, status
from pipelines.sandbox.faults.plan import Faults
from pipelines.sandbox.records.books import Book, Books
from pipelines.sandbox.records.entries import Document, Entry, View
from pipelines.sandbox.sandbox import Sandbox
from pipelines.sandbox.switches import Switches
from pipelines.sandbox.world.history import RECENT, TWO_YEARS, History

__all__ = [
    "RECENT",
    "TWO_YEARS",
    "Book",
    "Books",
    "Call",
    "Document",
    "Entry",
    "Fault",
    "Faults",
    "History",
    "Kind",
    "Sandbox",
    "Switches",
    "View",
    "status",
]
