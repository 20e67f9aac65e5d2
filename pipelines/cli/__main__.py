"""``python -m pipelines.cli``: the command where it is not installed."""

from pipelines.cli import main

main()
