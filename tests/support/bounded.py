"""A model server with a context, as strict as vLLM: prompt, images and `max_tokens` fit into it, or it is a 400.

Texts are counted by Mistral's own tokenizer, images as its encoder has them: what a server of Mistral Small counts.
"""

import io
import json
import math
from functools import cache
from pathlib import Path

import mistral_common
from fakes import Answer, Asked, Script
from mistral_common.tokens.tokenizers.tekken import Tekkenizer
from PIL import Image

from extractors.documents import VisionRequest

TEMPLATE = 8
"""Tokens of the marks around a chat's messages, and some more."""


@cache
def tekken() -> Tekkenizer:
    """Mistral's tokenizer, as the wheel brings it."""
    return Tekkenizer.from_file(Path(mistral_common.__file__).parent / "data" / "tekken_240911.json")


def text_tokens(text: str) -> int:
    """Tokens of a text, counted."""
    return len(tekken().encode(text, bos=False, eos=False))


def image_tokens(width: int, height: int) -> int:
    """Tokens of an image."""
    return (math.ceil(width / 28) + 1) * math.ceil(height / 28)


def asked_tokens(request: VisionRequest) -> int:
    """Tokens of a question's prompt as such a server counts it; of first questions, not of repairs."""
    texts = sum(map(text_tokens, (request.system, request.instructions, *(label for label, _ in request.pictures))))
    return TEMPLATE + texts + sum(image_tokens(each.width, each.height) for _, each in request.pictures)


class Bounded:
    """The script of a server with a context.

    Attributes:
        refused: what it refused, in its words.
        closest: the most that it was ever asked for, prompt and answer together.
    """

    def __init__(self, context: int, answer: Script) -> None:
        self.refused: list[str] = []
        self.closest = 0
        self._context, self._answer = context, answer

    def __call__(self, asked: Asked) -> Answer:
        """Counts a request, and answers it or refuses it."""
        sizes = [Image.open(io.BytesIO(jpeg)).size for jpeg in asked.images]
        prompt = TEMPLATE + text_tokens(asked.text) + sum(image_tokens(*size) for size in sizes)
        wanted = prompt + asked.body["max_tokens"]
        self.closest = max(self.closest, wanted)
        if wanted <= self._context:
            return self._answer(asked)
        self.refused.append(
            f"This model's maximum context length is {self._context} tokens. However, you requested {wanted} tokens "
            f"({prompt} in the messages, {asked.body['max_tokens']} in the completion)."
        )
        told = {"error": {"message": self.refused[-1], "type": "BadRequestError", "code": 400}}
        return Answer(status=400, body=json.dumps(told).encode())
