"""Generate ``docs/settings.md``: ``python -m pipelines.cli.docs.settings_reference .env.example``.

The texts are those of ``.env.example``. Whether a value in it is the default or an example, and which variables are
required or secret, follows from the settings themselves.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.dictionary.markdown import bullets, page
from pipelines.settings import LocalSettings, Settings, load_local_settings
from pipelines.settings.load import SECRETS
from pipelines.settings.variables import PREFIX

_TOP = """\
# Settings

Settings are variables of the environment, or lines of a `.env` file, which `floriday init` writes. The environment
overrides the file; [settings and the `.env` file](operations/start-and-stop.md#settings-and-the-env-file) explains
which file is read. A blank value counts as not set. Relative paths start in the folder of the `.env` file, else in the
working directory.

This page is generated from `.env.example` and the settings' own types; `make docs` updates it."""

_ENVIRONMENT = """\
## In the environment only

### `FLORIDAY_HOME`

The folder to use instead of the working directory, for all commands: for the `.env` file, and for relative paths
without one. It must exist.

### `FLORIDAY_DEBUG`

Set it to `1` to print the whole stack of an unexpected error. It may contain data of records."""

_ONE_OF = ("API_KEY", "API_KEYS")
_BLOCK = re.compile(
    r"((?:^# (?!FLORIDAY_).*\n)+)^(?:# )?FLORIDAY_(\w+)=(.*)$((?:\n.*FLORIDAY_\2=.*|\n# \w+:)*)", re.MULTILINE
)
_LABELLED = re.compile(r"^# (\w+):\n(?:# )?FLORIDAY_\w+=(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Variable:
    """A variable of ``.env.example``.

    Args:
        name: the name without the prefix.
        text: its comment, as one paragraph.
        value: the value in the file: the default, an example, or empty.
        labelled: values among which to choose, by their labels; then ``value`` is empty.
    """

    name: str
    text: str
    value: str
    labelled: dict[str, str] = field(default_factory=dict)

    def facts(self) -> Iterator[str]:
        """What the types of the settings define: default, whether it is required, whether it is secret."""
        model_field = Settings.model_fields[self.name.lower()]
        if self.name in _ONE_OF:
            yield f"For calls to Floriday, one of {' and '.join(f'`{PREFIX}{name}`' for name in _ONE_OF)} is required."
        elif model_field.is_required() and self.name.lower() != "warehouse":
            yield "Required for calls to Floriday."
        yield from (f"{label}: `{value}`" for label, value in self.labelled.items())
        if self.value:
            yield f"{'Default' if self.has_default() else 'Example'}: `{self.value}`"
        elif not model_field.is_required() and "Default:" not in self.text and self.name not in _ONE_OF:
            yield "Default: not set."
        if self.name in SECRETS:
            yield f"It is a secret. `{PREFIX}{self.name}_FILE` may name the file that contains it."

    def has_default(self) -> bool:
        """Whether the value has the same effect as no value."""
        if self.name.lower() not in LocalSettings.model_fields:
            return False
        given = load_local_settings({f"{PREFIX}{self.name}": self.value}, dotenv=False)
        return given == load_local_settings({}, dotenv=False)


def groups(text: str) -> dict[str, list[Variable]]:
    """The variables of ``.env.example`` by the title of their group, as it is written there."""
    parts = re.split(r"(?m)^# --- (.+) ---$", text)
    return {
        title: [_variable(found) for found in _BLOCK.finditer(part)]
        for title, part in zip(parts[1::2], parts[2::2], strict=True)
    }


def _variable(found: re.Match[str]) -> Variable:
    comment, name, value, _ = found.groups()
    labelled = dict(_LABELLED.findall(found[0]))
    text = re.sub(r"(?m)^# \w+:\n", "", comment)
    return Variable(name, _paragraph(text), "" if labelled else value, labelled)


def reference(text: str) -> str:
    """The whole page, from the text of ``.env.example``."""
    return page(_TOP, *(_group(title, variables) for title, variables in groups(text).items()), _ENVIRONMENT)


def _group(title: str, variables: list[Variable]) -> str:
    name, _, note = title.partition(" (")
    note = note.rstrip(")")
    sentence = f"See {_with_links(note)}." if note.startswith("docs/") else note and f"{note[0].upper()}{note[1:]}."
    return page(f"## {name[0].upper()}{name[1:]}", sentence, *map(_section, variables))


def _section(variable: Variable) -> str:
    return page(f"### `{PREFIX}{variable.name}`", _with_links(variable.text), bullets(variable.facts()))


def _paragraph(comment: str) -> str:
    return " ".join(line.removeprefix("# ") for line in comment.splitlines())


def _with_links(text: str) -> str:
    return re.sub(r"docs/([\w/-]+\.md)", r"[\1](\1)", text)


if __name__ == "__main__":
    sys.stdout.write(reference(Path(sys.argv[1]).read_text(encoding="utf-8")))
