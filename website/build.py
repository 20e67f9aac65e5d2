"""Build the site: ``python -m website.build [OUTPUT [SOURCE]]``, by a Python with the packages of ``.ci/site.lock``.

The variable REPOSITORY_URL is the address of the repository, for links to files that are no pages. Without it, these
links are left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from website.check import problems
from website.llms import llms_txt
from website.pages import Pages, address
from website.source import contents, texts
from website.wrapping import with_breaks

ROOT = Path(__file__).parents[1]


def version() -> str:
    """The version of the project."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def build(output: Path, source: Path) -> None:
    """Write the site to a folder, and the pages that Sphinx reads to another one.

    Raises:
        SystemExit: Sphinx has a warning, or a link leads nowhere.
    """
    pages = Pages(ROOT)
    repository = os.environ.get("REPOSITORY_URL", "").rstrip("/")
    files = texts(pages, f"{repository}/blob/v{version()}" if repository else "")
    for folder in (source, output):
        shutil.rmtree(folder, ignore_errors=True)
    _write(source, {address(page): files[address(page)] + contents(pages, page) for page in pages.texts})
    shutil.copytree(ROOT / "docs" / "pictures", source / "pictures")
    command = (sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet", "--jobs", "auto")
    options = ("--builder", "html", "--conf-dir", str(ROOT / "website"), "--define", f"release={version()}")
    if subprocess.run((*command, *options, str(source), str(output)), check=False).returncode:
        sys.exit("the site was not built: Sphinx has the warnings above")
    for unused in (".doctrees", ".buildinfo", "_sources", "objects.inv"):
        path = output / unused
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in output.rglob("*.html"):
        path.write_text(with_breaks(path.read_text(encoding="utf-8")), encoding="utf-8")
    _write(output, files | {"llms.txt": llms_txt(pages)})
    if found := problems(output):
        sys.exit("\n".join(("the site has problems:", *found)))


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    folders = [*map(Path, sys.argv[1:]), *(ROOT / "dist" / "site", ROOT / "build" / "site")[len(sys.argv) - 1 :]]
    target, pages_of_sphinx = (folder.absolute() for folder in folders)
    build(target, pages_of_sphinx)
    sys.stdout.write(f"{target / 'index.html'} of version {version()}\n")
