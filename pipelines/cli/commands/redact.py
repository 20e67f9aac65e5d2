"""``floriday redact``: stored personal data brought in line with the setting, or one person erased."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_error, print_line

if TYPE_CHECKING:
    from pipelines.catalogue.tables import Table
    from pipelines.settings import LocalSettings
    from pipelines.warehouse.file.connection import Warehouse
    from pipelines.warehouse.privacy.policy import StoredPolicy
    from pipelines.warehouse.privacy.redact import Change


def redact(
    erase: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="Erase every personal value that is TEXT, now and in later syncs; - reads it as a line.",
        ),
    ] = None,
    containing: Annotated[
        bool, typer.Option("--containing", help="With --erase: and those that TEXT is a part of, whatever its case.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how much would change, and write nothing.")] = False,
) -> None:
    """Bring stored personal data in line with FLORIDAY_PERSONAL_DATA, or erase one person.

    It counts the values in every table, history and raw log among them, writes the warehouse into a new file without
    the old values, and puts that in the old one's place in one step; the copy for readers is renewed. It takes as much
    room again meanwhile. Copies for readers that were made for an older FLORIDAY_PUBLISHED are
    removed. Backups, exports, dashboards and other files that you made are not known, and for you to remove.

    Hashes cannot be turned back, and what was dropped does not come back: from hash the way leads to drop alone, and
    after drop only what Floriday serves from then on is kept or hashed.

    --erase removes a value that is equal to TEXT, such as a user's name, and remembers its keyed hash, so that it stays
    away when Floriday serves it again; that takes FLORIDAY_PERSONAL_DATA_KEY. Remarks in which a name stands are found
    by --containing as far as they are stored now.

    For example:

        floriday redact --dry-run

        floriday redact --erase "Jan de Vries" --containing
    """
    from pipelines.errors import UsageError
    from pipelines.settings import load_local_settings
    from pipelines.warehouse.file.connection import Warehouse
    from pipelines.warehouse.file.sync_lock import hold_sync_lock

    if containing and erase is None:
        raise UsageError("--containing says how --erase looks: say what to erase")
    settings = load_local_settings()
    warehouse = Warehouse(settings.warehouse)
    warehouse.require()
    text = _line() if erase == "-" else erase
    with hold_sync_lock(warehouse.path, "floriday redact"):
        _redact(warehouse, settings, text, containing=containing, dry_run=dry_run)


def _line() -> str:
    return sys.stdin.readline().rstrip("\r\n")


def _redact(
    warehouse: Warehouse, settings: LocalSettings, text: str | None, *, containing: bool, dry_run: bool
) -> None:
    from pipelines.text_format import file_size
    from pipelines.warehouse.file.known_copies import old_copies
    from pipelines.warehouse.privacy.policy import stored_policy
    from pipelines.warehouse.privacy.redact import plan_change
    from pipelines.warehouse.privacy.redact import redact as redacted

    feeds = _feeds(warehouse)
    with warehouse.reading() as connection:
        stands = stored_policy(connection)
    hashes = _hashes(warehouse, feeds, settings, stands, text, containing=containing) if text is not None else ()
    asked = plan_change(stands, settings.personal_data, settings.personal_data_key, hashes)
    if asked is None:
        print_line(f"nothing to do: {_told(settings.personal_data)} in {warehouse.path} already")
        if (stands.treatment != "keep" or stands.erased) and not dry_run:
            _remove_old_copies(warehouse, settings)  # an earlier redaction may have been killed before it did
        return
    _print_figures(warehouse, feeds, asked)
    if dry_run:
        for path in old_copies(warehouse, settings.published).confirmed:
            print_line(f"{path} would be removed: a copy for readers of an older setting")
        print_line("nothing was written")
        return
    done = redacted(warehouse, feeds, asked, settings.published)
    print_line(f"{_told(settings.personal_data)} in {warehouse.path} from now on")
    if stands.treatment == "drop" and settings.personal_data != "drop":
        print_line("what was dropped before stays away; `floriday sync --full` reads again what Floriday still serves")
    if done is not None:
        print_line(f"{warehouse.path}: {file_size(done.before)} before, {file_size(done.after)} after")
    _renew_copy(warehouse, settings)
    print_line(
        "not known to this program, and for you to remove: backups, exports, dashboards and files of --output and"
        " --export that were made before"
    )
    _remove_old_copies(warehouse, settings)


def _feeds(warehouse: Warehouse) -> list[Table]:
    from pipelines.catalogue import catalogue_of
    from pipelines.catalogue.tables import tables_of
    from pipelines.warehouse.schema.owner import require_owner

    with warehouse.reading() as connection:
        belongs = require_owner(connection, warehouse.path)
    return [tables_of(source) for source in catalogue_of(belongs.api).sources]


def _hashes(
    warehouse: Warehouse,
    feeds: list[Table],
    settings: LocalSettings,
    stands: StoredPolicy,
    text: str,
    *,
    containing: bool,
) -> set[str]:
    """What to erase, as keyed hashes."""
    from pipelines.errors import SettingError, UsageError
    from pipelines.normalize.personal import keyed_hash
    from pipelines.warehouse.privacy.rewrite import find_texts as texts_containing

    key = settings.personal_data_key
    if not text.strip():
        raise UsageError("--erase expects a text that is not blank")
    if key is None:
        raise SettingError(
            "FLORIDAY_PERSONAL_DATA_KEY is missing: --erase expects it, to know the value again without keeping it"
        )
    if not containing:
        return {keyed_hash(key, text)}
    if stands.treatment != "keep":
        raise UsageError(
            f"--containing looks into texts, and the warehouse has none: personal data are {stands.treatment}"
        )
    with warehouse.reading() as connection:
        return {keyed_hash(key, each) for each in {text, *texts_containing(connection, feeds, text)}}


def _told(treatment: str) -> str:
    return {"keep": "personal data are kept", "hash": "personal data are hashed", "drop": "personal data are dropped"}[
        treatment
    ]


def _print_figures(warehouse: Warehouse, feeds: list[Table], asked: Change) -> None:
    from pipelines.cli.console import Heading, print_table
    from pipelines.warehouse.privacy.redact import count_changes

    found = count_changes(warehouse, feeds, asked)
    if not found:
        print_line("no stored value changes")
        return
    headings = ["values", "in history", "in raw", "rejected"]
    print_table(
        [Heading("table"), *(Heading(each, is_number=True) for each in headings)],
        [
            (one.table, *(f"{number:,}" for number in (one.values, one.versions, one.payloads, one.rejected)))
            for one in found
        ],
    )


def _renew_copy(warehouse: Warehouse, settings: LocalSettings) -> None:
    """The copy for readers must not hold what the warehouse has lost."""
    from pipelines.errors import PipelineError
    from pipelines.warehouse.file.publish import publish
    from pipelines.warehouse.file.removal import remove_database_file

    if settings.published is None:
        return
    try:
        publish(warehouse, settings.published)
    except PipelineError as error:
        remove_database_file(settings.published)
        print_error(f"{error.message}; the copy for readers was removed, for it held the old values")


def _remove_old_copies(warehouse: Warehouse, settings: LocalSettings) -> None:
    """Remove the copies of older settings, which nobody renews and which hold the old values."""
    from pipelines.warehouse.file.known_copies import old_copies, remove_copies

    for path in remove_copies(old_copies(warehouse, settings.published)):
        print_line(f"{path} was removed: a copy for readers of an older setting, with the old values")
