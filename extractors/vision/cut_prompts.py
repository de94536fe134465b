"""Whether a server cut the prompt: it tells fewer tokens than what it was sent can be. Pure.

Ollama does so in silence where a prompt is longer than its context (ollama#3839, paperless-gpt#218). Honest servers
count images as they like (85, 256, 1,000 tokens a page), or texts only, or nothing; none of them is taken for one.
"""

from extractors.documents import VisionRequest
from extractors.errors import AnswerError, PromptCut
from extractors.vision import outcomes
from extractors.vision.estimating import size_of
from extractors.vision.wire import Asking, Spoken, Told

_PACKED = 8
"""Characters that no tokenizer packs into one token on average, in prompts of words and JSON."""

_NO_COUNT = 512
"""Tokens below which what is told is no count of a prompt: no context is so small."""

_TINY = 2
"""How many times what is told a prompt is by estimate, pictures included, where even its text is longer."""

_FAR, _NEAR = 1.5, 2
"""How much larger than the context a prompt is by estimate; tokens between a count and the context that it fills."""


def failure_of(
    request: VisionRequest, said: Spoken, asking: Asking, context: int | None = None
) -> AnswerError | None:
    """Why what was said to a question is no answer, or None."""
    return prompt_cut(request, said.told, context) or outcomes.failure_of(said, asking)


def prompt_cut(request: VisionRequest, told: Told, context: int | None = None) -> PromptCut | None:
    """Why an answer is not of the whole prompt, or None.

    Args:
        request: what was sent.
        told: what the server says that it counted.
        context: the endpoint's, as its profile states it.
    """
    sent = told.input
    if sent is None or sent < _NO_COUNT:
        return None
    usual = size_of(request).usual
    characters = len(request.system) + len(request.instructions)
    fills = any(_fills(count, context) for count in (sent, sent + (told.output or 0)))
    tiny = sent * _PACKED < characters and sent * _TINY < usual
    if not tiny and not (fills and usual > _FAR * sent):
        return None
    return PromptCut(
        f"the server read {sent:,} tokens of a prompt of about {usual:,}: it cut the rest off, so the pages were not "
        "all seen"
    )


def _fills(count: int, context: int | None) -> bool:
    """Whether a count stops where a context ends: at the stated one, or at a power of two."""
    power = 1 << max(10, count.bit_length() - 1)
    return any(abs(count - edge) <= _NEAR for edge in (power, 2 * power, *([context] if context else [])))
