"""The documentation site: navigation, links, tables instead of diagrams, the list for assistants, and its checks.

``tests/end_to_end/test_site_pages.py`` builds it.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from website.check import problems
from website.diagrams import with_tables
from website.links import Link, links
from website.llms import llms_txt
from website.pages import FIRST, Pages, address
from website.source import contents, texts
from website.versions import add
from website.wrapping import with_breaks

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pages() -> Pages:
    """The pages of this repository."""
    return Pages(ROOT)


def small(folder: Path, files: dict[str, str]) -> Pages:
    """Return the pages of a small repository with these files besides an empty page of each kind."""
    for name, text in {"CONTRIBUTING.md": "", "SECURITY.md": "", "CHANGELOG.md": "", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return Pages(folder)


def test_each_page_is_once_in_the_navigation(pages: Pages) -> None:
    """Each page is listed on the first page, or below a page that is, once."""
    listed = [entry.path for entries in pages.sections.values() for entry in entries]
    found = [FIRST, *(each for page in listed for each in pages.walk(page))]

    assert sorted(found) == sorted(pages.texts)


def test_the_first_page_lists_all_kinds(pages: Pages) -> None:
    """The first page has a section for each kind of page, and says of each page what it contains."""
    assert {"How-to guides", "Reference", "Explanation"} <= pages.sections.keys()
    lines = [line for line in pages.texts[FIRST].splitlines() if line.startswith("- ")]
    assert len(lines) == sum(map(len, pages.sections.values()))


def test_a_page_links_to_the_pages_below_it(pages: Pages) -> None:
    """Each page that has pages below it links to all of them, which gives their order."""
    without = [
        (page, each)
        for page in pages.texts
        for each in pages.below(page)
        if each not in {link.target(page) for link in links(pages.texts[page])}
    ]

    assert without == []


def test_addresses_are_unique(pages: Pages) -> None:
    """No two pages have the same path on the site."""
    assert len({address(page) for page in pages.texts}) == len(pages.texts)


def test_contents_name_each_page(tmp_path: Path) -> None:
    """The navigation has the headings of the first page, its titles, and the pages below a page."""
    pages = small(
        tmp_path,
        {
            "docs/index.md": "# Name\n\n## Guides\n\n- [Use it](tools/README.md): how\n\n## Project\n\n"
            "- [Rules](../CONTRIBUTING.md): for\n  changes\n",
            "docs/tools/README.md": "[two](two.md), [one](one.md)",
            "docs/tools/one.md": "",
            "docs/tools/two.md": "",
        },
    )

    assert contents(pages, "docs/index.md") == (
        "\n```{toctree}\n:hidden:\n:caption: Guides\n\nUse it <tools/index>\n```\n"
        "\n```{toctree}\n:hidden:\n:caption: Project\n\nRules <contributing>\n```\n"
    )
    assert contents(pages, "docs/tools/README.md") == "\n```{toctree}\n:hidden:\n\ntwo\none\n```\n"
    assert contents(pages, "docs/tools/one.md") == ""


@pytest.mark.parametrize(
    ("repository", "of_code"),
    [("", "`a.toml`"), ("https://git.example/f/blob/v1", "[`a.toml`](https://git.example/f/blob/v1/a.toml)")],
)
def test_links_lead_to_the_pages_of_the_site(repository: str, of_code: str, tmp_path: Path) -> None:
    """Links to pages lead to their new places; those to other files lead to the repository, if its address is known."""
    text = (
        "[top](../../README.md), [rules](../../CONTRIBUTING.md#rules), [`a.toml`](../../a.toml), [two](../two.md),\n"
        "[long\nlabel](README.md), [here](#part), ![picture](../p.png), [else](https://x.example/a.md)\n\n"
        "```\n[no link](../two.md)\n```\n"
    )
    pages = small(tmp_path, {"docs/tools/one.md": text, "docs/tools/README.md": "", "docs/two.md": ""})

    assert texts(pages, repository)["tools/one.md"] == (
        f"[top](../index.md), [rules](../contributing.md#rules), {of_code}, [two](../two.md),\n"
        "[long\nlabel](index.md), [here](#part), ![picture](../p.png), [else](https://x.example/a.md)\n\n"
        "```\n[no link](../two.md)\n```\n"
    )


def test_a_link_that_names_a_file_gets_the_title_of_its_page(tmp_path: Path) -> None:
    """A reader of the site does not see files, so a page is named by its heading."""
    pages = small(
        tmp_path,
        {"docs/a.md": "[`docs/b.md`](b.md), [c.md](c.md), [b](b.md)", "docs/b.md": "# Use it", "docs/c.md": ""},
    )

    assert texts(pages)["a.md"] == "[Use it](b.md), [docs/c.md](c.md), [b](b.md)"


def test_a_link_knows_its_file() -> None:
    """The target of a link is a path in the repository."""
    assert [(link, link.target("docs/a/b.md")) for link in links("[x](../c.md#d) [y](#e)")] == [
        (Link("", "x", "../c.md", "#d"), "docs/c.md"),
        (Link("", "y", "", "#e"), "docs/a/b.md"),
    ]


def test_diagrams_become_tables(pages: Pages) -> None:
    """Each line of a diagram of relations becomes a row of a table."""
    lines = ["supply_lines ||--o{ prices : has", '"supply.batches" |o--o{ orders : "batch_id"', 'a }o--o{ b : "c, d"']
    diagram = "\n".join(("```mermaid", "erDiagram", *(f"    {line}" for line in lines), "```"))

    table = with_tables(f"Before\n\n{diagram}\n\nafter").splitlines()[2:7]
    assert table[0] == "| table | refers to | by |"
    assert table[2:] == [
        "| prices | supply_lines | the key of its parent |",
        "| orders | supply.batches | `batch_id` |",
        "| b | a | `c`, `d`, to several rows |",
    ]
    real = pages.texts["docs/dictionary/suppliers/supply.md"]
    relations = with_tables(real).partition("\n## Relations\n")[2].partition("\n## Tables\n")[0]
    rows = [line for line in relations.splitlines() if line.startswith("| ") and "refers to" not in line]
    assert len(rows) - relations.count("| --- | --- | --- |") == real.count("--o{") > 5


def test_long_names_can_be_broken() -> None:
    """A long name in code may be broken after each of its words, and a short one may not."""
    pre = '<span class="pre">{}</span>'

    assert with_breaks(pre.format("packing_configuration_id")) == pre.format("packing_<wbr>configuration_<wbr>id")
    assert with_breaks(pre.format("packing.packageVbnCode")) == pre.format("packing.<wbr>package<wbr>Vbn<wbr>Code")
    assert with_breaks(pre.format("supply_line_id")) == pre.format("supply_line_id")


def test_assistants_get_a_list_of_all_pages(pages: Pages) -> None:
    """``llms.txt`` has the title, a summary, and each page of the navigation under the heading of its section."""
    text = llms_txt(pages)

    assert text.startswith("# floriday-warehouse\n\n> Your Floriday data in DuckDB")
    assert re.findall(r"(?m)^## (.+)$", text) == list(pages.sections)
    assert sorted(re.findall(r"\]\(([^)]+)\)", text)) == sorted({address(page) for page in pages.texts} - {"index.md"})


def test_the_check_finds_broken_links_and_foreign_files(tmp_path: Path) -> None:
    """A link to a missing file or anchor, and a script, a style or a font of another server, are problems."""
    (tmp_path / "a.html").write_text(
        '<link rel="stylesheet" href="https://fonts.example/f.css"><script src="b.js"></script><h1 id="top">A</h1>'
        '<a href="b.html#part">1</a> <a href="b.html#no">2</a> <a href="c.html">3</a> <a href="#top">4</a>'
        '<a href="https://x.example/">5</a> <a href="mailto:a@x.example">6</a>'
    )
    (tmp_path / "b.html").write_text('<p id="part"><img src="//x.example/p.png"></p>')
    (tmp_path / "c.css").write_text("a { background: url('https://x.example/i.png') } b { background: url(i.svg) }")

    assert problems(tmp_path) == [
        "a.html links to b.html#no",
        "a.html links to b.js",
        "a.html links to c.html",
        "a.html loads https://fonts.example/f.css",
        "b.html loads //x.example/p.png",
        "c.css loads https://x.example/i.png",
    ]


def test_versions_stand_side_by_side(tmp_path: Path) -> None:
    """A folder of versions lists them with the newest first, leads to that one, and replaces a version."""
    site, folder = tmp_path / "site", tmp_path / "versions"
    site.mkdir()
    (site / "llms.txt").write_text("- [a](a.md): b\n")
    added = []
    for version in ("0.9.0", "0.10.0", "0.2.1", "0.10.0"):
        (site / "index.html").write_text(version)
        added.append(add(site, version, folder))

    assert added[-1] == ["0.10.0", "0.9.0", "0.2.1"]
    assert (folder / "versions.json").read_text() == '["0.10.0", "0.9.0", "0.2.1"]'
    assert (folder / "0.9.0" / "index.html").read_text() == "0.9.0"
    assert "url=0.10.0/index.html" in (folder / "index.html").read_text()
    assert (folder / "llms.txt").read_text() == "- [a](0.10.0/a.md): b\n"


@pytest.mark.parametrize("version", ["", "..", "1.0/x", "main", "1..2"])
def test_a_version_is_a_number(version: str, tmp_path: Path) -> None:
    """Anything else is refused before a file is written."""
    with pytest.raises(ValueError, match="is no version"):
        add(tmp_path, version, tmp_path / "versions")
    assert not (tmp_path / "versions").exists()


def test_publishing_keeps_earlier_versions(tmp_path: Path) -> None:
    """The script adds a version to the branch of the site, of which the earlier ones stay."""
    site, remote, clone = tmp_path / "site", tmp_path / "remote", tmp_path / "clone"
    site.mkdir()
    (site / "llms.txt").write_text("# Name\n")
    for folder in (remote, clone):
        subprocess.run(("git", "init", "--quiet", "--bare", folder), check=True)
    for version in ("v1.0.0", "v1.1.0"):
        (site / "index.html").write_text(version)
        variables = {"GIT_DIR": str(clone), "REMOTE": str(remote), "SITE": str(site), "VERSION": version}
        subprocess.run(
            ("bash", ROOT / ".ci" / "publish-site"),
            check=True,
            capture_output=True,
            env={"PATH": "/usr/bin:/bin", **variables},
        )

    names = subprocess.run(
        ("git", "ls-tree", "-r", "--name-only", "gh-pages"), cwd=remote, check=True, capture_output=True, text=True
    ).stdout.split()
    assert {"1.0.0/index.html", "1.1.0/index.html", "index.html", "versions.json"} <= set(names)
