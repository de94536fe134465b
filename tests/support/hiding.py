"""Draws words on a page so that a reader sees them, or so that nobody does, for the tests of hidden text."""

import io
from collections.abc import Callable
from typing import Any

import pymupdf
from PIL import Image, ImageDraw, ImageFont

HEIGHT, WIDTH, SIZE = 36.0, 170.0, 11.0
"""Of the place that a word gets, and of its font, in points of an A4 page."""

Way = Callable[["Place", str], None]


class Place:
    """A place of its own for one word: `scale` units of the page are a point of A4."""

    def __init__(self, page: Any, x: float, y: float, scale: float) -> None:
        self.page, self.scale = page, scale
        self.rect = pymupdf.Rect(x, y, x + WIDTH * scale, y + HEIGHT * scale)
        self.start = pymupdf.Point(x + 12 * scale, y + 24 * scale)

    def write(self, text: str, size: float = SIZE, **style: Any) -> None:
        """Writes in the middle of the place."""
        self.page.insert_text(self.start, text, fontsize=size * self.scale, **style)

    def box(self, text: str, size: float = SIZE) -> Any:
        """What covers such a text."""
        wide, one = pymupdf.get_text_length(text, fontsize=size * self.scale), self.scale
        x, y = self.start
        return pymupdf.Rect(x - 3 * one, y - 1.1 * size * one, x + wide + 3 * one, y + 0.4 * size * one)

    def fill(self, colour: tuple[float, float, float], rect: Any = None) -> None:
        """Fills the place, or a part of it."""
        self.page.draw_rect(self.rect if rect is None else rect, fill=colour, color=None, width=0)

    def picture(self, image: Image.Image) -> None:
        """A picture over the whole place."""
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        self.page.insert_image(self.rect, stream=buffer.getvalue(), keep_proportion=False)


def _scan(text: str) -> Image.Image:
    """What a scanner made of a place with a word on it."""
    image = Image.new("L", (int(WIDTH * 4), int(HEIGHT * 4)), 235)
    font = ImageFont.load_default(SIZE * 4)
    wide = ImageDraw.Draw(image).textlength(text, font=font)
    drawn = Image.new("L", (int(wide) + 2, int(SIZE * 6)), 235)
    ImageDraw.Draw(drawn).text((0, 0), text, fill=30, font=font)
    wanted = pymupdf.get_text_length(text, fontsize=SIZE)
    drawn = drawn.resize((int(wanted * 4), drawn.height))
    top = int(24 * 4 - ImageFont.load_default(SIZE * 4).getbbox("X")[3])
    image.paste(drawn, (12 * 4, top))
    return image


def _photo() -> Image.Image:
    return Image.radial_gradient("L").resize((300, 60))


def _outlined(place: Place, text: str) -> None:
    """Text as vector paths, with the same as invisible text over it, as printers make it."""
    place.picture(_scan(text).point(lambda level: 255 if level > 128 else 0))
    place.write(text, render_mode=3)


def _scanned(place: Place, text: str) -> None:
    place.picture(_scan(text))
    place.write(text, render_mode=3)


def _behind_its_picture(place: Place, text: str) -> None:
    place.write(text)
    place.picture(_scan(text))


def _on(ground: tuple[float, float, float], ink: tuple[float, float, float]) -> Way:
    def draw(place: Place, text: str) -> None:
        place.fill(ground)
        place.write(text, color=ink)

    return draw


def _over_a_photo(place: Place, text: str) -> None:
    place.picture(_photo().point(lambda level: 128 + level // 2))
    place.write(text)


def _twice(place: Place, text: str) -> None:
    """Printed again over a ground, as some table headers are."""
    for _ in range(2):
        place.fill((0.88, 0.88, 0.88), place.box(text))
        place.write(text)


def _framed(place: Place, text: str) -> None:
    place.write(text)
    place.page.draw_rect(place.box(text), color=(0, 0, 0), width=place.scale)


SEEN: dict[str, Way] = {
    "black": lambda place, text: place.write(text),
    "grey": lambda place, text: place.write(text, color=(0.6, 0.6, 0.6)),
    "watermark": lambda place, text: place.write(text, fill_opacity=0.3),
    "fine print": lambda place, text: place.write(text, size=4.0),
    "large": lambda place, text: place.write(text, size=16.0),
    "white on blue": _on((0.1, 0.2, 0.6), (1, 1, 1)),
    "red on yellow": _on((1, 0.9, 0.2), (0.8, 0, 0)),
    "shaded": _on((0.85, 0.85, 0.85), (0, 0, 0)),
    "over a photo": _over_a_photo,
    "scanned": _scanned,
    "outlined": _outlined,
    "behind a picture of it": _behind_its_picture,
    "twice": _twice,
    "framed": _framed,
}
"""Ways to draw a word that a reader sees."""


def _covered(place: Place, text: str) -> None:
    place.write(text)
    place.fill((0, 0, 0), place.box(text))


def _whitened(place: Place, text: str) -> None:
    place.write(text)
    place.fill((1, 1, 1), place.box(text))


def _replaced(place: Place, text: str) -> None:
    """Covered, and something else written there."""
    _whitened(place, text)
    place.write("x" + text[1:-1][::-1])


def _behind(place: Place, text: str) -> None:
    place.write(text)
    place.picture(_photo())


def _unseen_over(image: Callable[[], Image.Image]) -> Way:
    def draw(place: Place, text: str) -> None:
        place.picture(image())
        place.write(text, render_mode=3)

    return draw


def _switched_off(place: Place, text: str) -> None:
    place.write(text, oc=place.page.parent.add_ocg("hidden", on=False))


def _outside(place: Place, text: str) -> None:
    place.page.insert_text((-500 * place.scale, place.start.y), text, fontsize=SIZE * place.scale)


HIDDEN: dict[str, Way] = {
    "white": lambda place, text: place.write(text, color=(1, 1, 1)),
    "nearly white": lambda place, text: place.write(text, color=(0.97, 0.97, 0.97)),
    "black on black": _on((0, 0, 0), (0.03, 0.03, 0.03)),
    "blue on blue": _on((0.1, 0.2, 0.6), (0.1, 0.2, 0.6)),
    "invisible": lambda place, text: place.write(text, render_mode=3),
    "two percent": lambda place, text: place.write(text, fill_opacity=0.02),
    "tiny": lambda place, text: place.write(text, size=2.2),
    "covered": _covered,
    "whitened": _whitened,
    "replaced": _replaced,
    "behind a photo": _behind,
    "invisible over a photo": _unseen_over(_photo),
    "invisible over paper": _unseen_over(lambda: Image.new("L", (300, 60), 240)),
    "switched off": _switched_off,
    "outside": _outside,
}
"""Ways to draw a word that nobody sees."""
