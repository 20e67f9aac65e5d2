"""``floriday redact``: apply the setting for personal data to stored data, or erase one person."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.console import print_error, print_line, print_table
from pipelines.cli.terminal.layout import Heading, by_schema, same, spilled

if TYPE_CHECKING:
    from pipelines.catalogue.tables import Table
    from pipelines.settings import LocalSettings
    from pipelines.warehouse.file.connection import Warehouse
    from pipelines.warehouse.privacy.redact import Change

EraseOption = Annotated[
    str | None,
    typer.Option(
        "--erase",
        metavar="TEXT",
        help="Erase every personal value equal to TEXT, now and in later syncs. - reads TEXT from standard input.",
    ),
]
ContainingOption = Annotated[
    bool,
    typer.Option("--containing", help="With --erase: also erase values that contain TEXT, in upper or lower case."),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show how many values would change, and write nothing.")]


def redact(erase: EraseOption = None, containing: ContainingOption = False, dry_run: DryRunOption = False) -> None:
    """Apply FLORIDAY_PERSONAL_DATA to stored data, or erase one person.

    It counts the values in every table, including history and raw log, writes the warehouse into a new file without
    the old values, and replaces the old file in one step. The published copy is renewed. This temporarily needs the
    size of the warehouse again as free disk space. Published copies at the path of an older FLORIDAY_PUBLISHED are
    removed. Backups, exports, dashboards and other files that you made are not known to this program; remove them
    yourself. In a lake, the values are changed in one transaction; then the old ones are removed from PostgreSQL and
    from the Parquet files.

    Hashes cannot be converted back, and dropped values do not come back: hash can only be followed by drop, and after
    drop, only values that Floriday serves from then on are kept or hashed.

    --erase removes values that are equal to TEXT, such as a user's name. It stores a keyed hash of TEXT, so that the
    value is also removed when Floriday serves it again; this needs FLORIDAY_PERSONAL_DATA_KEY. --containing finds
    remarks that contain a name, in what is stored now.

    For example:

        floriday redact --dry-run

        floriday redact --erase "Jan de Vries" --containing
    """
    from pipelines.cli.cells import in_each_cell
    from pipelines.errors import UsageError
    from pipelines.settings import load_local_settings

    if containing and erase is None:
        raise UsageError("--containing needs --erase: the text to erase")
    text = sys.stdin.readline().rstrip("\r\n") if erase == "-" else erase
    in_each_cell(load_local_settings(), lambda cell: _redact(cell, text, containing=containing, dry_run=dry_run))


def _redact(settings: LocalSettings, text: str | None, *, containing: bool, dry_run: bool) -> None:
    from pipelines.warehouse.opening import hold_sync_lock, open_warehouse

    warehouse = open_warehouse(settings.warehouse)
    warehouse.require()
    with hold_sync_lock(warehouse.address, "floriday redact"):
        _run(warehouse, settings, text, containing=containing, dry_run=dry_run)


def _run(warehouse: Warehouse, settings: LocalSettings, text: str | None, *, containing: bool, dry_run: bool) -> None:
    from pipelines.warehouse.privacy.policy import stored_policy
    from pipelines.warehouse.privacy.redact import plan_change, remove_old_values

    tables = _tables(warehouse)
    with warehouse.reading() as connection:
        policy = stored_policy(connection)
    before = policy.treatment
    hashes = _hashes(warehouse, tables, settings, before, text, containing=containing) if text is not None else ()
    change = plan_change(policy, settings.personal_data, settings.personal_data_key, hashes)
    if change is None:
        done = _in_words(settings.personal_data) if text is None else "the text is erased"
        print_line(f"nothing to do: {done} in {warehouse.name} already")
        if (before != "keep" or policy.erased) and not dry_run:
            remove_old_values(warehouse)  # an earlier redaction may have been killed before it did this
            _remove_old_copies(warehouse, settings)
        return
    _print_counts(warehouse, tables, change)
    if dry_run:
        _print_old_copies(warehouse, settings)
    else:
        _apply(warehouse, tables, settings, before, change, is_erasing=text is not None)


def _apply(
    warehouse: Warehouse, tables: list[Table], settings: LocalSettings, before: str, change: Change, *, is_erasing: bool
) -> None:
    from pipelines.cli.terminal.status_line import elapsed_time
    from pipelines.text_format import file_size
    from pipelines.warehouse.privacy.redact import redact as redact_warehouse

    with elapsed_time("rewriting the warehouse"):
        done = redact_warehouse(warehouse, tables, change, settings.published)
    if is_erasing:
        print_line(f"the text is erased in {warehouse.name}, and again whenever Floriday serves it")
    if not is_erasing or settings.personal_data != before:
        print_line(f"{_in_words(settings.personal_data)} in {warehouse.name} from now on")
    if before == "drop" and settings.personal_data != "drop":
        print_line("dropped values do not come back; `floriday sync --full` reads again what Floriday still serves")
    if done is not None:
        print_line(f"{warehouse.name}: {file_size(done.before)} before, {file_size(done.after)} after")
    _renew_copy(warehouse, settings)
    print_line(
        "not known to this program, and for you to remove: backups, exports, dashboards and files of --output and"
        " --export that were made before"
    )
    _remove_old_copies(warehouse, settings)


def _tables(warehouse: Warehouse) -> list[Table]:
    from pipelines.catalogue import catalogue_of
    from pipelines.catalogue.tables import tables_of
    from pipelines.warehouse.schema.owner import require_owner

    with warehouse.reading() as connection:
        owner = require_owner(connection, warehouse.name)
    return [tables_of(source) for source in catalogue_of(owner.api, owner.api_version).sources]


def _hashes(
    warehouse: Warehouse, tables: list[Table], settings: LocalSettings, before: str, text: str, *, containing: bool
) -> set[str]:
    """The keyed hashes of the values to erase."""
    from pipelines.errors import SettingError, UsageError
    from pipelines.normalize.personal import keyed_hash
    from pipelines.warehouse.privacy.rewrite import find_texts

    key = settings.personal_data_key
    if not text.strip():
        raise UsageError("--erase expects a text that is not blank")
    if key is None:
        raise SettingError(
            "FLORIDAY_PERSONAL_DATA_KEY is missing: --erase expects it, to recognize the value later without storing it"
        )
    if not containing:
        return {keyed_hash(key, text)}
    if before != "keep":
        raise UsageError(f"--containing searches texts, and the warehouse has none: {_in_words(before)}")
    with warehouse.reading() as connection:
        return {keyed_hash(key, each) for each in {text, *find_texts(connection, tables, text)}}


def _in_words(treatment: str) -> str:
    words = {"keep": "kept", "hash": "hashed", "drop": "dropped"}
    return f"personal data are {words[treatment]}"


def _print_counts(warehouse: Warehouse, tables: list[Table], change: Change) -> None:
    from pipelines.warehouse.privacy.redact import count_changes

    counts = count_changes(warehouse, tables, change)
    if not counts:
        print_line("no stored value changes")
        return
    columns = ("values", "in history", "in raw", "rejected")
    print_table(
        [Heading("table"), *(Heading(name, is_number=True) for name in columns)],
        [
            (each.table, *(f"{number:,}" for number in (each.values, each.versions, each.payloads, each.rejected)))
            for each in counts
        ],
        (same("rejected"), by_schema("table"), same("in history"), same("in raw"), same("values"), spilled),
    )


def _renew_copy(warehouse: Warehouse, settings: LocalSettings) -> None:
    """Renew the published copy, or remove it, because it contains the old values."""
    from pipelines.errors import PipelineError
    from pipelines.warehouse.file.publish import publish
    from pipelines.warehouse.file.removal import remove_database_file

    if settings.published is None:
        return
    try:
        publish(warehouse, settings.published)
    except PipelineError as error:
        remove_database_file(settings.published)
        print_error(f"{error.message}; the published copy was removed, because it contained the old values")


def _print_old_copies(warehouse: Warehouse, settings: LocalSettings) -> None:
    from pipelines.warehouse.file.known_copies import old_copies

    for path in old_copies(warehouse, settings.published).confirmed:
        print_line(f"{path} would be removed: a published copy of an older setting")
    print_line("nothing was written")


def _remove_old_copies(warehouse: Warehouse, settings: LocalSettings) -> None:
    """Remove the published copies of older settings, which are not renewed and contain the old values."""
    from pipelines.warehouse.file.known_copies import old_copies, remove_copies

    for path in remove_copies(old_copies(warehouse, settings.published)):
        print_line(f"{path} was removed: a published copy of an older setting, with the old values")
