"""``python -m pipelines.cli``: run the command without installing the package."""

from pipelines.cli import main

main()
