"""The PDF that a worker has open."""

from typing import Any

from extractors.documents import Document
from extractors.errors import Damaged

_KEPT_PAGES = 64
"""Pages drawn of a document before it is opened anew."""

_MOST_STORED = 16 << 20
"""Bytes that MuPDF's store may hold, by estimate, before it is emptied."""


class KeptOpen:
    """The PDF that this worker drew last stays open for its next window: its fonts are read and drawn once.

    Not for ever: what MuPDF has parsed of a document grows with its pages.
    """

    def __init__(self) -> None:
        self._pdf: Any = None
        self._key: tuple[Any, ...] = ()
        self._pages = 0
        self._stored = 0

    def opened(self, document: Document, pages: int) -> Any:
        """The document, opened before or now, of which so many pages are to be drawn.

        Raises:
            Damaged: it cannot be opened.
        """
        import pymupdf

        key = (document.path, document.sha256, document.password)
        if key != self._key or self._pages > _KEPT_PAGES:
            self.let_go()
            try:
                pdf = pymupdf.open(document.path, filetype="pdf")
            except MemoryError:
                raise
            except Exception as error:  # noqa: BLE001 - MuPDF raises what it likes over broken bytes: recorded
                raise Damaged(f"the PDF cannot be opened: {one_line(error)}") from None
            if document.password is not None:
                pdf.authenticate(document.password)
            self._pdf, self._key = pdf, key
            self.stores(document.size)
        self._pages += pages
        return self._pdf

    def stores(self, size: int) -> None:
        """Hears of bytes that MuPDF may keep in its store: decoded images and fonts, also of closed documents.

        By itself it keeps up to 256 MB. Emptying it costs milliseconds, for how colours are converted is in it too
        and is worked out again: so that is done now and then.
        """
        import pymupdf

        self._stored += size
        if self._stored > _MOST_STORED:
            pymupdf.TOOLS.store_shrink(100)
            self._stored = 0

    def let_go(self) -> None:
        """Closes what is open."""
        if self._pdf is not None:
            self._pdf.close()
        self._pdf, self._key, self._pages = None, (), 0


KEPT = KeptOpen()
"""This worker's."""


def one_line(error: BaseException) -> str:
    """An error's words, as they fit into a cause."""
    return " ".join(str(error).split())[:200] or type(error).__name__
