"""Hatch reads this file: it completes the distribution's metadata with the addresses of its repository.

The release workflow names the repository in REPOSITORY_URL. Its address then becomes the project's URLs, and relative
links of README.md become absolute, as a package index needs them. Without it, the metadata contain no address.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_RELATIVE_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)")


class RepositoryMetadata(MetadataHookInterface):
    """Sets ``readme`` and ``urls``, which pyproject.toml declares as dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add both fields to the metadata."""
        address = os.environ.get("REPOSITORY_URL", "").rstrip("/")
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": with_absolute_links(text, address, metadata["version"]) if address else text,
        }
        metadata["urls"] = urls(address, metadata["version"]) if address else {}


def urls(address: str, version: str) -> dict[str, str]:
    """The project's URLs in the repository at this address."""
    return {
        "Documentation": f"{address}/tree/v{version}/docs",
        "Issues": f"{address}/issues",
        "Changelog": f"{address}/blob/v{version}/CHANGELOG.md",
        "Source": address,
    }


def with_absolute_links(text: str, address: str, version: str) -> str:
    """The text with links and pictures at the tag of a version, where they were relative."""

    def absolute(found: re.Match[str]) -> str:
        mark, label, target = found.groups()
        return f"{mark}[{label}]({address}/{'raw' if mark else 'blob'}/v{version}/{target})"

    return _RELATIVE_LINK.sub(absolute, text)
