"""A PDF being drawn: text, rules and fills, measured in points from the page's top left corner."""

from collections.abc import Sequence
from typing import Any, Literal

import pymupdf

A4 = (595.0, 842.0)
LETTER = (612.0, 792.0)

Colour = tuple[float, float, float]
INK: Colour = (0.1, 0.1, 0.12)
GREY: Colour = (0.42, 0.42, 0.45)
WHITE: Colour = (1.0, 1.0, 1.0)

Face = Literal["helv", "hebo", "cour", "cobo"]
Align = Literal["left", "right"]

_MADE = "D:20250301090000Z"


class Paper:
    """Pages of one size. The same calls make the same bytes: dates are fixed and no id is written."""

    def __init__(self, size: tuple[float, float] = A4) -> None:
        self.width, self.height = size
        self._pdf = pymupdf.open()
        self._fonts: dict[str, Any] = {}
        self._texts: dict[Colour, Any] = {}
        self._shape: Any = None
        self._page: Any = None

    def new_page(self) -> None:
        """Ends the page, if there is one, and begins the next."""
        self._end_page()
        self._page = self._pdf.new_page(width=self.width, height=self.height)
        self._shape = self._page.new_shape()

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 9,
        face: Face = "helv",
        align: Align = "left",
        colour: Colour = INK,
    ) -> None:
        """Writes one line whose baseline is at `y` and which begins, or ends, at `x`."""
        font = self._fonts.setdefault(face, pymupdf.Font(face))
        left = x - font.text_length(text, fontsize=size) if align == "right" else x
        writer = self._texts.setdefault(colour, pymupdf.TextWriter(self._page.rect))
        writer.append((left, y), text, font=font, fontsize=size)

    def lines(self, x: float, y: float, lines: Sequence[str], *, leading: float = 12, **style: Any) -> float:
        """Writes lines below each other; returns the baseline after the last."""
        for line in lines:
            self.text(x, y, line, **style)
            y += leading
        return y

    def rule(self, x0: float, y: float, x1: float, *, weight: float = 0.5, colour: Colour = GREY) -> None:
        """Draws a horizontal line."""
        self._shape.draw_line((x0, y), (x1, y))
        self._shape.finish(width=weight, color=colour)

    def fill(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """Fills a box."""
        self._shape.draw_rect(pymupdf.Rect(x0, y0, x1, y1))
        self._shape.finish(width=0, fill=colour, color=colour)

    def picture(self, image: bytes, *, rotate: int = 0) -> None:
        """Fills the page with an image; a viewer turns the page by `rotate` degrees, clockwise."""
        self._page.insert_image(self._page.rect, stream=image)
        self._page.set_rotation(rotate)

    def pdf(self, title: str) -> bytes:
        """The finished file, its fonts reduced to the letters used."""
        self._end_page()
        self._pdf.set_metadata(
            {"title": title, "producer": "Octavo samples", "creationDate": _MADE, "modDate": _MADE}
        )
        self._pdf.subset_fonts()
        made: bytes = self._pdf.tobytes(garbage=3, deflate=True, use_objstms=1, no_new_id=True)
        self._pdf.close()
        return made

    def _end_page(self) -> None:
        if self._page is None:
            return
        self._shape.commit()
        for colour, writer in self._texts.items():
            writer.write_text(self._page, color=colour)
        self._texts.clear()
