"""The command ``floriday``: thin commands over the other parts.

Each module is one command or what several share. A command imports what it needs when it runs, so that ``--help`` is
quick; what a command does belongs to the part that does it.
"""

from __future__ import annotations

from pipelines import interruption

__all__ = ["main"]


def main() -> None:
    """Run the command of the process's arguments and end the process with its exit code."""
    try:
        interruption.install()  # before the imports, of which the first second consists
        from pipelines.private_files import protect_process

        protect_process()
        from pipelines.cli.entry import main as run

        run()
    except BaseException:
        if not interruption.recorded():
            raise
        interruption.decide()
    interruption.end(1)
