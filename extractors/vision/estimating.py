"""What a question will cost before it is asked, counted with margin, and what it usually costs."""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from extractors.documents import PageImage, Picture, Usage, VisionRequest, labelled_pictures
from extractors.vision.endpoints import Endpoint
from extractors.vision.wire import cost, repair_words

_ASCII, _OTHER = 3.0, 2.0
"""Characters of ASCII, and bytes of UTF-8 of any other script, for a token at least: Tekken packs 3.35 of the
invoice's prompt; Cyrillic comes to one token a letter, Chinese and Japanese to one and a half."""

_PIECES = re.compile(r"[A-Z]{2}(?![a-z])|[A-Z]?[a-z]{1,5}|[A-Z0-9]|[!-/:-@\[-`{-~]{1,3}|[\t\n\r]| {2,16}")
"""What tokenizers cut a text into at least: short values in JSON, codes, numbers are pieces of their own, in which
there are fewer characters for a token than in words."""

_WIDE = re.compile("[\U00010000-\U0010ffff]")
"""Signs of four bytes, which may be a token each byte."""

_REPAIRED = 1.15
"""By how much more a refused answer is counted: hashes and codes in capitals exceed even their pieces."""

_USUAL = 1.2
"""By how much the cautious count of a text exceeds what tokenizers of today make of it, for Latin scripts."""

_PER_PICTURE, _PER_CHAT = 20, 48
"""Tokens of the marks around a picture and its label; of a chat's template."""

_SHOWN = frozenset({"json_schema", "tool"})
"""Ways to send the schema beside the prompt in which an endpoint may count it once more."""

_LEAST_ANSWER = 200
"""Tokens that must be left for an answer, or nothing is asked."""

FEWEST_ANSWER = 300
"""Tokens of an answer without which no page is planned: what a short receipt takes."""

Count = Callable[[str], int]
"""Tokens of a text."""


@dataclass(frozen=True)
class Size:
    """Tokens of a question.

    Attributes:
        prompt: its texts and images, at most.
        schema: what its schema may cost beside the prompt, at most.
        answer: the answer's limit.
        usual: texts and images as they usually count.
    """

    prompt: int
    schema: int
    answer: int
    usual: int

    def plus(self, tokens: int) -> "Size":
        """With so many tokens more in the prompt."""
        return replace(self, prompt=self.prompt + tokens, usual=self.usual + tokens) if tokens else self

    def input_for(self, endpoint: Endpoint) -> int:
        """Tokens that an endpoint may count at most."""
        return self.prompt + (self.schema if endpoint.schema_by in _SHOWN else 0)

    def at_most(self, endpoint: Endpoint, answer_tokens: int) -> Usage:
        """Tokens and cost of one call at most, by the price list; the answer is as long as its limit."""
        sent = self.input_for(endpoint)
        return Usage(sent, answer_tokens, 0, cost(endpoint, sent, answer_tokens))

    def in_context(self, endpoint: Endpoint) -> int:
        """Tokens of the endpoint's context that it takes: a tool stands in the prompt, a response format does not."""
        return self.prompt + (self.schema if endpoint.schema_by == "tool" else 0)

    def room(self, endpoint: Endpoint) -> int:
        """Tokens that the endpoint's context leaves for an answer; 0 where that is too little for any."""
        left = endpoint.context - self.in_context(endpoint)
        return left if left >= _LEAST_ANSWER else 0


def size_of(request: VisionRequest, count: Count | None = None) -> Size:
    """Counts a question, its images as `image_tokens` has them.

    Args:
        request: the question.
        count: of the texts that are Octavo's own; None: the cautious one, as reservations need it.
    """
    again = [request.first_answer] if request.first_answer else []
    again += [repair_words(request)] if request.faults else []
    own = sum(map(count or text_tokens, (request.system, request.instructions)))
    text = own + math.ceil(_REPAIRED * sum(map(text_tokens, again)))
    images = sum(image_tokens(picture) for _, picture in request.pictures)
    around = _PER_CHAT + sum(label_tokens(label) for label, _ in request.pictures)
    schema = text_tokens(json.dumps(request.schema))
    return Size(text + images + around, schema, request.answer_tokens, math.ceil(text / _USUAL) + images + around)


@lru_cache(maxsize=64)
def text_tokens(text: str) -> int:
    """Tokens of a text at most, by script and by the pieces that it is cut into; digits are a token each."""
    plain = sum(map(text.count, "0123456789"))
    ascii_only = len(text.encode("ascii", "ignore"))
    other = (len(text.encode("utf-8", "replace")) - ascii_only) / _OTHER + 2 * len(_WIDE.findall(text))
    return math.ceil(max((ascii_only - plain) / _ASCII + plain, len(_PIECES.findall(text))) + other)


def image_tokens(picture: Picture) -> int:
    """`(columns + 1) * rows` of 28-px cells (source: mistral-common's image encoder)."""
    return (math.ceil(picture.width / 28) + 1) * math.ceil(picture.height / 28)


def label_tokens(label: str) -> int:
    """Tokens of a picture's label and of the marks around both, at most."""
    return _PER_PICTURE + text_tokens(label)


def page_tokens(page: PageImage) -> int:
    """Tokens of a page's pictures and labels, at most."""
    return sum(image_tokens(picture) + label_tokens(label) for label, picture in labelled_pictures(page))


def estimate(request: VisionRequest, endpoint: Endpoint, answer_tokens: int | None = None) -> Usage:
    """What one call of a question costs at most (`Size.at_most`)."""
    size = size_of(request)
    return size.at_most(endpoint, answer_tokens or size.answer)
