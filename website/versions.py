"""Add a built site to a folder with one folder for each version: ``python -m website.versions SITE VERSION FOLDER``.

``versions.json`` in that folder lists the versions, newest first. ``index.html`` leads to the newest one, and
``llms.txt`` lists its pages.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

_NUMBER = re.compile(r"\d+(\.\d+)*")
_FORWARD = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>floriday-warehouse</title>
<meta http-equiv="refresh" content="0; url={version}/index.html">
<a href="{version}/index.html">floriday-warehouse {version}</a>
</html>
"""


def add(site: Path, version: str, folder: Path) -> list[str]:
    """Copy a site into a folder of versions, in place of the same version if it is there; return all versions.

    Raises:
        ValueError: the version is not numbers with dots between them.
    """
    if not _NUMBER.fullmatch(version):
        raise ValueError(f"{version} is no version: numbers with dots between them are expected, such as 1.2.0")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder / version, ignore_errors=True)
    shutil.copytree(site, folder / version)
    names = [path.name for path in folder.iterdir() if path.is_dir() and _NUMBER.fullmatch(path.name)]
    versions = sorted(names, key=_order, reverse=True)
    newest = (folder / versions[0] / "llms.txt").read_text(encoding="utf-8")
    (folder / "versions.json").write_text(json.dumps(versions), encoding="utf-8")
    (folder / "index.html").write_text(_FORWARD.format(version=versions[0]), encoding="utf-8")
    (folder / "llms.txt").write_text(newest.replace("](", f"]({versions[0]}/"), encoding="utf-8")
    (folder / ".nojekyll").touch()  # otherwise GitHub Pages leaves out the folders that start with _
    return versions


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


if __name__ == "__main__":
    built, number, target = sys.argv[1:]
    try:
        sys.stdout.write(f"versions: {', '.join(add(Path(built), number, Path(target)))}\n")
    except ValueError as error:
        sys.exit(str(error))
