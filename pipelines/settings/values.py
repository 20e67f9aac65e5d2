"""Parse the text of a variable into its value.

Every function takes text that is not blank, and raises ValueError with a phrase that follows the variable's name. No
phrase quotes the text, because it may be a secret in the wrong variable.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from pipelines.paths import path_problem, real_path
from pipelines.settings.addresses import checked_address

AMSTERDAM = ZoneInfo("Europe/Amsterdam")  # the time zone of the trade's days and weeks
_CREDENTIAL = re.compile(r"[!-~]+")
_SCOPE = re.compile(r"[!#-+\--\[\]-~]+")
_API = re.compile(r".*/(suppliers|customers)-api-(\d{4}v\d+)")
_DURATION = re.compile(r"(\d{1,6})([smhd])")
_CELL = re.compile(r"[a-z0-9][a-z0-9_]*")
_WEEKS = re.compile(r"(-?\d{1,3})\.\.(-?\d{1,3})")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_SCHEMAS = frozenset(
    (
        "catalog",
        "supply",
        "orders",
        "fulfillment",
        "organizations",
        "raw",
        "history",
        "sync",
        "reports",
        "versions",
        "lookup",
    )
)
MIN_KEY_LENGTH = 16  # minimum number of characters of the key for hashes
_DUCKDB_NAMES = frozenset(("main", "temp", "system", "information_schema", "pg_catalog"))


def credential(text: str) -> str:
    """An id, a secret or a key: printable, without spaces, because it is sent in a header or a form."""
    if not _CREDENTIAL.fullmatch(text):
        raise ValueError("expects printable characters without spaces or line breaks inside")
    return text


def secret(text: str) -> SecretStr:
    """A credential that is not shown in output and logs."""
    return SecretStr(credential(text))


def named_keys(text: str) -> dict[str, SecretStr]:
    """API keys by account, from a JSON object of names and keys."""
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        pairs = None
    if not text.startswith("{") or not pairs:
        raise ValueError('expects a JSON object of names and keys, {"name": "key", …}')
    keys = {account_name(name): _named_key(key) for name, key in pairs}
    if len(keys) < len(pairs):
        raise ValueError("names an account twice")
    if len({key.get_secret_value() for key in keys.values()}) < len(keys):
        raise ValueError("gives one key to two accounts")
    return keys


def account_name(name: str) -> str:
    """The name of an account, if it is allowed."""
    if not name.isprintable() or name != name.strip() or not 0 < len(name) <= 64:
        raise ValueError("expects account names of 1 to 64 printable characters")
    return name


def cells(text: str, longest: int) -> dict[str, tuple[str, ...]]:
    """The accounts of each cell, from a JSON object of names and lists; ``longest`` is how long a name may be."""
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        pairs = None
    if not text.startswith("{") or not pairs or not all(_is_cell(name, accounts, longest) for name, accounts in pairs):
        raise ValueError(
            'expects a JSON object of cells and their accounts, {"cell": ["account", …], …}; a cell has a name of small'
            f" letters, digits and underscores, at most {longest} of them"
        )
    accounts = [account_name(account) for _, members in pairs for account in members]
    for what, names in (("account", accounts), ("cell", [name for name, _ in pairs])):
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"names the {what} {twice[0]} twice")
    return {name: tuple(members) for name, members in pairs}


def _is_cell(name: str, accounts: object, longest: int) -> bool:
    is_list = isinstance(accounts, list) and bool(accounts) and all(isinstance(each, str) for each in accounts)
    return is_list and len(name) <= longest and _CELL.fullmatch(name) is not None


def _named_key(key: object) -> SecretStr:
    if not isinstance(key, str) or not _CREDENTIAL.fullmatch(key):
        raise ValueError("expects every key to be text without spaces or line breaks inside")
    return SecretStr(key)


def api_address(text: str) -> str:
    """The base address of the API, which ends in the API's name and version."""
    address = checked_address(text)
    if not _API.fullmatch(address):
        raise ValueError("expects an address that ends in suppliers-api-<version> or customers-api-<version>")
    return address


def api_and_version(address: str) -> tuple[str, str]:
    """``suppliers`` or ``customers``, and a version such as ``2026v1``, from a checked base address."""
    match = _API.fullmatch(address)
    assert match is not None
    return match[1], match[2]


def scopes(text: str) -> tuple[str, ...]:
    """OAuth scopes, separated by spaces, each once."""
    words = text.split()
    if not all(_SCOPE.fullmatch(word) for word in words):
        raise ValueError("expects scopes separated by spaces")
    return tuple(dict.fromkeys(words))


def feeds(text: str) -> tuple[str, ...]:
    """Names of feeds, separated by commas, each once; the catalogue is not consulted."""
    names = tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))
    if not names:
        raise ValueError("expects names of feeds, comma separated")
    return names


def duration(text: str) -> timedelta:
    """``90s``, ``15m``, ``1h`` or ``1d``."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError("expects a duration such as 90s, 15m or 1h")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def weeks(text: str) -> tuple[int, int]:
    """``-2..8``: the first and the last week, relative to the current one."""
    match = _WEEKS.fullmatch(text)
    if match is None or int(match[1]) > int(match[2]):
        raise ValueError("expects weeks from … to, such as -2..8")
    return int(match[1]), int(match[2])


def monday(text: str) -> date:
    """The Monday of the week of a date such as ``2026-01-05``, which is not in the future."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise ValueError("expects a date such as 2026-01-05") from None
    if day > today():
        raise ValueError("expects a date that is not in the future")
    return _week_start(day)


def a_year_ago() -> date:
    """The Monday 52 weeks ago."""
    return _week_start(today()) - timedelta(weeks=52)


def today() -> date:
    """Today's date in Amsterdam."""
    return datetime.now(AMSTERDAM).date()


def _week_start(day: date) -> date:
    return day - timedelta(days=day.weekday())


def switch(text: str) -> bool:
    """``on`` or ``off``."""
    return _choice(text, "on", "off") == "on"


def boolean(text: str) -> bool:
    """``true`` or ``false``."""
    return _choice(text, "true", "false") == "true"


def treatment(text: str) -> str:
    """``keep``, ``hash`` or ``drop``."""
    return _choice(text, "keep", "hash", "drop")


def language(text: str) -> str:
    """``auto``, ``en`` or ``nl``."""
    return _choice(text, "auto", "en", "nl")


def _choice(text: str, *allowed: str) -> str:
    if text.casefold() not in allowed:
        raise ValueError(f"expects {', '.join(allowed[:-1])} or {allowed[-1]}")
    return text.casefold()


def long_secret(text: str) -> SecretStr:
    """A key that is long enough: with a short one, all keys could be tried to find the names behind their hashes."""
    if len(text) < MIN_KEY_LENGTH:
        raise ValueError(f"expects {MIN_KEY_LENGTH} characters or more, such as `openssl rand -hex 32` prints")
    return secret(text)


def warehouse_file(text: str) -> Path:
    """The real path of the warehouse file, which need not exist."""
    return duckdb_file(text, allows_hard_links=False)


def duckdb_file(text: str, *, allows_hard_links: bool = True) -> Path:
    """The real path of a DuckDB file, which need not exist; its name must differ from those of schemas."""
    path = real_path(Path(text))
    # The name of a database in DuckDB is its file name up to the first dot.
    name = path.name.lstrip(".").split(".")[0].casefold()
    if name in _SCHEMAS | _DUCKDB_NAMES:
        raise ValueError(f"expects another file name: DuckDB could not tell {name} from a schema")
    if not name:
        raise ValueError("expects the path of a file")
    if problem := path_problem(path, allows_hard_links=allows_hard_links):
        raise ValueError(problem)
    return path
