"""What one request may hold: a kind of question, and how many of its pages fit beside it.

`asking` knows the question, `vision` whom it is put to; neither knows the other, so this travels between them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from extractors.documents import PageImage


@dataclass(frozen=True)
class Form:
    """A kind of question, before its pages are known.

    Attributes:
        name: what it asks for, the schema's.
        system: the system prompt.
        instructions: the text before the pages, in each of its forms.
        schema: the answer's, as some endpoints are sent it beside the prompt.
        most_pages: wanted in one request.
        usual: pixels of a page as they usually are, at most.
        answer: tokens of the answer's budget, by the number of pages.
    """

    name: str
    system: str
    instructions: tuple[str, ...]
    schema: dict[str, Any]
    most_pages: int
    usual: tuple[int, int]
    answer: Callable[[int], int]


class Load(NamedTuple):
    """What a page takes of a request: pictures, bytes of JPEG, tokens with its labels."""

    pictures: int
    jpeg: int
    tokens: int


@dataclass(frozen=True)
class Capacity:
    """What every endpoint of a run takes in one request of a form.

    Attributes:
        pages: of the usual size; one at least.
        pictures: at most.
        jpeg: bytes of all pictures.
        tokens: of the pages and the answer's budget, beside the prompt.
        answer: tokens of the answer's budget, by the number of pages.
        tokens_of: of a page with its labels.
    """

    pages: int
    pictures: int
    jpeg: int
    tokens: int
    answer: Callable[[int], int]
    tokens_of: Callable[[PageImage], int]

    def holds(self, pages: Sequence[PageImage]) -> bool:
        """Whether one request takes these pages, with all of the budget for their answer."""
        return self.takes([self.load_of(page) for page in pages])

    def load_of(self, page: PageImage) -> Load:
        """What a page takes."""
        pictures = page.pictures
        return Load(len(pictures), sum(len(picture.jpeg) for picture in pictures), self.tokens_of(page))

    def takes(self, loads: Sequence[Load]) -> bool:
        """Whether one request takes pages of these loads, likewise."""
        pictures, jpeg, tokens = map(sum, zip(*loads, strict=True))
        return pictures <= self.pictures and jpeg <= self.jpeg and tokens + self.answer(len(loads)) <= self.tokens
