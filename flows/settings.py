"""Settings: environment variables `OCTAVO_*`, or `octavo.toml` in the working directory; read once, at the start."""

import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from extractors.errors import BadConfiguration
from extractors.pages.limits import Limits
from extractors.vocabulary import Ground
from flows.setting_names import PREFIX, meant, unknown_variable

FILE = Path("octavo.toml")

_LongSecret = Annotated[SecretStr, Field(min_length=16)]


class Settings(BaseSettings):
    """What a run needs to know beside its command.

    Attributes:
        store: SQLAlchemy URL of the database.
        endpoints: profiles in order of preference; empty: the first whose key is set, else `local`.
        base_url: of the profile for one's own server: `custom`, else `vllm` or `ollama`.
        model: of the same.
        api_key: of the same.
        concurrency: calls in flight.
        max_cost: USD for one run, or None for no limit.
        max_cost_per_day: USD for all runs of a store on a day (UTC), or None for no limit.
        give_up_after: seconds without one good answer before a run pauses.
        timeout: seconds for one call; of a streamed answer, for its silence.
        max_answer_bytes: of an answer, unpacked.
        stream: whether answers are streamed: `auto` once an endpoint has shown a runaway, `always` or `never`.
        pages_per_request: pages in one request at most.
        ground: whether values are looked for on their pages: `off`, `text` (the text layer) or `ocr`.
        render_workers: processes that open and draw documents.
        max_bytes: of one document.
        max_pages: of one document.
        max_page_pixels: of one page: an image file's pixels, a PDF page's at 72 dpi.
        max_image_pixels: of one image inside a PDF's page.
        document_seconds: for opening a document or drawing one window of it.
        document_memory: bytes that a renderer may take for a document.
        password: tried on locked PDFs.
        passwords_file: one password a line, tried likewise, after `password`.
        endpoint: per-profile overrides, as tables `[endpoint.NAME]` of octavo.toml.
        listen_token: that callers of `octavo listen` send as bearer token; several while one takes another's place.
        listen_secret: that they sign bodies with; likewise.
        listen_prefixes: where uploads may be announced from, as `s3://bucket/prefix`; empty: whatever keys reach.
        notify_url: where what needs a person is posted to; None: nowhere. It may hold a secret.
        notify_secret: that those bodies are signed with.
        notify: what is posted: `failures`, or `all`: also what should be looked at, and each run's end.
        metrics_token: that whoever asks for `/metrics` sends as bearer token; None: none is asked for.
        metrics_file: where runs without a port add what they counted, for node_exporter's textfile collector.
        log_format: of the services: `text` or `json`.
        sampling: request parameters of the model's page, as a table `[sampling]` of octavo.toml.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, toml_file=FILE, extra="forbid", hide_input_in_errors=True, validate_default=True,
        # compose.yaml and Kubernetes pass on what nobody has set as empty.
        env_ignore_empty=True,
    )  # fmt: skip

    store: str = "sqlite:///octavo.db"
    endpoints: Annotated[tuple[str, ...], NoDecode] = ()
    base_url: str | None = None
    model: str | None = None
    api_key: SecretStr | None = None
    concurrency: int = Field(64, ge=1, le=4096)
    max_cost: Decimal | None = Field(None, ge=0)
    max_cost_per_day: Decimal | None = Field(None, ge=0)
    give_up_after: float = Field(120.0, ge=0)
    timeout: float = Field(180.0, gt=0)
    max_answer_bytes: int = Field(4 << 20, ge=65_536, le=64 << 20)
    stream: Literal["auto", "always", "never"] = "auto"
    pages_per_request: int = Field(8, ge=1, le=256)
    ground: Ground = Ground.TEXT
    render_workers: int = Field(default_factory=lambda: max(1, os.cpu_count() or 1), ge=1)
    max_bytes: int = Field(500_000_000, ge=1)
    max_pages: int = Field(5_000, ge=1)
    max_page_pixels: int = Field(300_000_000, ge=1)
    max_image_pixels: int = Field(300_000_000, ge=1)
    document_seconds: float = Field(60.0, gt=0)
    document_memory: int = Field(2 << 30, ge=64 << 20)
    password: SecretStr | None = None
    passwords_file: Path | None = None
    listen_token: Annotated[tuple[_LongSecret, ...], NoDecode] = ()
    listen_secret: Annotated[tuple[_LongSecret, ...], NoDecode] = ()
    listen_prefixes: Annotated[tuple[str, ...], NoDecode] = ()
    notify_url: SecretStr | None = None
    notify_secret: SecretStr | None = Field(None, min_length=16)
    notify: Literal["failures", "all"] = "failures"
    metrics_token: SecretStr | None = Field(None, min_length=16)
    metrics_file: Path | None = None
    log_format: Literal["text", "json"] = "text"
    endpoint: dict[str, dict[str, Any]] = Field(default_factory=dict)
    sampling: dict[str, Any] = Field(default_factory=dict)

    @field_validator("endpoints", "listen_token", "listen_secret", "listen_prefixes", mode="before")
    @classmethod
    def _comma_separated(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(name.strip() for name in value.split(",") if name.strip())
        return value

    @field_validator("endpoint")
    @classmethod
    def _of_profiles(cls, value: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        if value:
            from extractors.vision.endpoints import PROFILES

            for name in value.keys() - PROFILES.keys():
                raise ValueError(f"there is no endpoint {name!r}{meant(name, PROFILES)}")
        return value

    @field_validator("listen_prefixes")
    @classmethod
    def _in_buckets(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for prefix in value:
            if not prefix.removeprefix("s3://").strip("/") or not prefix.startswith("s3://"):
                raise ValueError("each is s3://bucket or s3://bucket/prefix, with commas between them")
        return value

    @field_validator("notify_url")
    @classmethod
    def _of_the_web(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            parts = urlsplit(value.get_secret_value())
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("it is http://... or https://...")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - likewise
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in code wins over the environment, and the environment over octavo.toml."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def read_settings() -> Settings:
    """Reads environment and file; a program does it once, at its start, and hands them on.

    Raises:
        BadConfiguration: a value that means nothing, naming the setting but never the value.
    """
    misnamed = os.environ.get("OCTAVO_ENDPOINT") or "{"
    if not misnamed.lstrip().startswith("{"):
        raise BadConfiguration("OCTAVO_ENDPOINT is no setting: it is OCTAVO_ENDPOINTS, and names them")
    mistyped = unknown_variable(os.environ, Settings.model_fields)
    if mistyped:
        raise BadConfiguration(mistyped)
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(step) for step in first["loc"])
        told = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            raise BadConfiguration(f"{FILE}: {name} is no setting{meant(name, Settings.model_fields)}") from None
        raise BadConfiguration(f"setting {name} (OCTAVO_{name.upper()} or octavo.toml): {told}") from None
    except SettingsError as error:
        # Of a variable whose setting is a table; the value is not repeated.
        name = next((each for each in Settings.model_fields if f'"{each}"' in str(error)), "")
        raise BadConfiguration(f"{PREFIX}{name.upper()} is no JSON object, as in {{...}}") from None
    except ValueError as error:
        raise BadConfiguration(f"{FILE} cannot be read: {error}") from None


def limits_of(settings: Settings) -> Limits:
    """The limits that every document of a run is held to."""
    return Limits(
        max_bytes=settings.max_bytes,
        max_pages=settings.max_pages,
        max_page_pixels=settings.max_page_pixels,
        max_image_pixels=settings.max_image_pixels,
        seconds=settings.document_seconds,
        memory_bytes=settings.document_memory,
    )


def passwords_of(settings: Settings) -> tuple[str, ...]:
    """The passwords to try, in order: the single one, then the file's lines.

    Raises:
        BadConfiguration: the file cannot be read.
    """
    found = [settings.password.get_secret_value()] if settings.password else []
    if settings.passwords_file is not None:
        try:
            lines = settings.passwords_file.expanduser().read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise BadConfiguration(f"the passwords file cannot be read: {type(error).__name__}") from None
        found += [line for line in lines if line]
    return tuple(dict.fromkeys(found))
