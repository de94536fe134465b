"""What the settings say about the gate: limits of a document, and passwords for locked ones."""

from extractors.errors import BadConfiguration
from extractors.limits import Limits
from flows.settings import Settings


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
