"""The settings as types: those of local commands, and those for calls to Floriday."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import BeforeValidator, Field, SecretStr, ValidationInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pipelines.errors import UsageError
from pipelines.lake_address import (
    DEFAULT_SCHEMA,
    LONGEST_NAME,
    LakeAddress,
    LakeCells,
    LakeText,
    WarehouseAddress,
    data_place,
    parse_lake,
    path_of,
    schema_name,
)
from pipelines.lake_address import PREFIX as LAKE_PREFIX
from pipelines.paths import default_published_path, is_database_or_companion
from pipelines.settings import receivers, values
from pipelines.settings.addresses import checked_address, host_of
from pipelines.settings.overrides import current

ONLY_CELL = "main"
Api = Literal["suppliers", "customers"]  # Floriday's two APIs: for suppliers (growers) and for customers (buyers)


def _from_text(read: Callable[[str], object]) -> BeforeValidator:
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


def _warehouse(value: str | LakeText, info: ValidationInfo) -> WarehouseAddress:
    cells = info.data.get("cells")
    if isinstance(value, str):
        if cells:
            raise ValueError(f"expects {LAKE_PREFIX}postgres:… beside FLORIDAY_CELLS: a file has no cells")
        for name, is_set in _set_for_a_lake(info).items():
            if is_set and not current().warehouse:
                raise ValueError(f"expects {LAKE_PREFIX}postgres:… beside {name}, which is of no use for a file")
        return values.warehouse_file(value)
    schema = info.data.get("lake_schema", DEFAULT_SCHEMA)
    lake = parse_lake(value.text, info.data.get("lake_data"), schema, value.base / "data")
    return LakeCells(lake, tuple(cells), tuple(cells.items())) if cells else lake


def _set_for_a_lake(info: ValidationInfo) -> dict[str, bool]:
    schema = info.data.get("lake_schema", DEFAULT_SCHEMA)
    return {
        "FLORIDAY_LAKE_DATA": info.data.get("lake_data") is not None,
        "FLORIDAY_LAKE_SCHEMA": schema != DEFAULT_SCHEMA,
    }


def _cells(value: str | None, info: ValidationInfo) -> dict[str, tuple[str, ...]] | None:
    if value is None or current().warehouse:  # a file that the command names has no cells
        return None
    return values.cells(value, LONGEST_NAME - len(f"{info.data.get('lake_schema', DEFAULT_SCHEMA)}_"))


def _published(value: str | None, info: ValidationInfo) -> Path | None:
    warehouse: WarehouseAddress | None = info.data.get("warehouse")
    if isinstance(warehouse, LakeAddress | LakeCells):
        if value is None or value.casefold() == "off":
            return None
        raise ValueError("expects off: readers of a lake keep no writer out, so that it needs no published copy")
    if value is None:
        return warehouse and default_published_path(warehouse)
    if value.casefold() == "off":
        return None
    path = values.duckdb_file(value)
    if warehouse is not None and is_database_or_companion(path, warehouse):
        raise ValueError("expects another path than FLORIDAY_WAREHOUSE and the files that belong to it, or off")
    return path


def _personal_data_key(value: str | None, info: ValidationInfo) -> SecretStr | None:
    if value is None and info.data.get("personal_data") == "hash":
        raise ValueError(
            f"is missing: FLORIDAY_PERSONAL_DATA=hash expects a secret of {values.MIN_KEY_LENGTH} characters or more"
        )
    return None if value is None else values.long_secret(value)


class AlertSettings(BaseSettings):
    """The addresses for alerts; ``load_alerts`` creates the object."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    alerts: Annotated[tuple[SecretStr, ...], _from_text(receivers.alerts)] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the name is the library's
        init_settings: PydanticBaseSettingsSource,
        *_: Any,
        **__: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use the given values only: ``variables`` handles the environment, `.env` and ``…_FILE``."""
        return (init_settings,)


class LocalSettings(AlertSettings):
    """The settings that work without credentials: for the warehouse, its published copy, Dagster and reports.

    A field is the variable ``FLORIDAY_<FIELD>``; ``load_local_settings`` creates the object. Paths are absolute.
    ``base_url``, ``feeds``, ``scopes`` and ``automation`` are None where they are not set.
    """

    base_url: Annotated[str | None, _from_text(values.api_address)] = None
    scopes: Annotated[tuple[str, ...] | None, _from_text(values.scopes)] = None
    feeds: Annotated[tuple[str, ...] | None, _from_text(values.feeds)] = None
    lake_data: Annotated[str | None, _from_text(data_place)] = None
    lake_schema: Annotated[str, _from_text(schema_name)] = DEFAULT_SCHEMA
    cells: Annotated[dict[str, tuple[str, ...]] | None, BeforeValidator(_cells)] = None
    warehouse: Annotated[WarehouseAddress, BeforeValidator(_warehouse)]
    published: Annotated[Path | None, BeforeValidator(_published)] = None
    publish_every: Annotated[timedelta, _from_text(values.duration)] = timedelta(minutes=15)
    history_start: Annotated[date, _from_text(values.monday)] = Field(default_factory=values.a_year_ago)
    automation: Annotated[bool | None, _from_text(values.switch)] = None
    base_supply_weeks: Annotated[tuple[int, int], _from_text(values.weeks)] = (-2, 8)
    selected_assortment_only: Annotated[bool, _from_text(values.boolean)] = False
    language: Annotated[Literal["auto", "en", "nl"], _from_text(values.language)] = "auto"
    personal_data: Annotated[Literal["keep", "hash", "drop"], _from_text(values.treatment)] = "keep"
    personal_data_key: Annotated[SecretStr | None, BeforeValidator(_personal_data_key)] = None
    mcp_token: Annotated[SecretStr | None, _from_text(values.long_secret)] = None

    @property
    def beside(self) -> Path:
        """The path of the warehouse file; of a lake, the path that its companion files are beside."""
        return path_of(self.warehouse)

    @property
    def cell_names(self) -> tuple[str, ...]:
        """The cells; a warehouse without ``FLORIDAY_CELLS`` is the cell ``main``."""
        return tuple(self.cells or (ONLY_CELL,))

    def in_cell(self, name: str) -> Self:
        """The settings of one cell, as if it were alone: with its lake and its accounts.

        Raises:
            UsageError: there is no such cell.
        """
        if name not in self.cell_names:
            raise UsageError(f"there is no cell {name!r}; there are: {', '.join(self.cell_names)}")
        if not isinstance(self.warehouse, LakeCells):
            return self
        return self.model_copy(update={"warehouse": self.warehouse.cell(name), "cells": None, **self._only(name)})

    def _only(self, cell: str) -> dict[str, Any]:  # noqa: ARG002 - for the settings with API keys
        """The fields that differ from one cell to another, beside the warehouse."""
        return {}

    @property
    def api(self) -> Api:
        """The API of the base address; that of suppliers if no address is set."""
        return cast("Api", values.api_and_version(self.base_url)[0]) if self.base_url else "suppliers"

    @property
    def version(self) -> str | None:
        """The API's version, such as ``2026v1``; None if no base address is set."""
        return values.api_and_version(self.base_url)[1] if self.base_url else None


class Settings(LocalSettings):
    """The settings for calls to Floriday, complete."""

    base_url: Annotated[str, _from_text(values.api_address)] = Field(
        description="the API's address with its version, such as https://api.floriday.io/suppliers-api-2026v1"
    )
    auth_url: Annotated[str, _from_text(checked_address)] = Field(
        description="the token endpoint (it ends in /token) or the authorization server's address"
    )
    client_id: Annotated[str, _from_text(values.credential)] = Field(description="the application's client id")
    client_secret: Annotated[SecretStr, _from_text(values.secret)] = Field(
        description="the application's client secret"
    )
    api_key: Annotated[SecretStr | None, _from_text(values.secret)] = Field(None, repr=False)
    api_keys: Annotated[dict[str, SecretStr] | None, _from_text(values.named_keys)] = Field(None, repr=False)

    @property
    def accounts(self) -> dict[str, SecretStr]:
        """The API keys by account; a single key belongs to the account ``main``."""
        if self.api_key is not None:
            return {"main": self.api_key}
        return dict(self.api_keys or {})

    def _only(self, cell: str) -> dict[str, Any]:
        members = (self.cells or {})[cell]
        return {"api_key": None, "api_keys": {name: key for name, key in self.accounts.items() if name in members}}

    @property
    def version(self) -> str:
        """The API's version, such as ``2026v1``."""
        return values.api_and_version(self.base_url)[1]

    @property
    def environment(self) -> str:
        """The API's host name without port; a warehouse belongs to one environment."""
        return host_of(self.base_url)
