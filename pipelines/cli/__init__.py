"""The command ``floriday``: thin commands over the other parts.

Each module is one command or what several share. A command imports what it needs when it runs, so that ``--help`` is
quick; what a command does belongs to the part that does it.
"""

from __future__ import annotations

from pipelines.cli.entry import main

__all__ = ["main"]
