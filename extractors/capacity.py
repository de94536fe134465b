"""What one request may hold: a kind of question, and how many of its pages fit beside it.

`asking` knows the question, `vision` whom it is put to; neither knows the other, so this travels between them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

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
        pictures = [picture for page in pages for picture in page.pictures]
        return (
            len(pictures) <= self.pictures
            and sum(len(picture.jpeg) for picture in pictures) <= self.jpeg
            and sum(map(self.tokens_of, pages)) + self.answer(len(pages)) <= self.tokens
        )
