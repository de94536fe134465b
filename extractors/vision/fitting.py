"""Whether an endpoint's context holds a question: its prompt, pages of the usual size, and room for an answer.

Decided before the first call: an endpoint that has no room for one page would refuse every document, or read half of
it. What is planned is counted as what is sent is (`estimating`), by the model's own tokenizer where that matters.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from extractors.capacity import Capacity, Form
from extractors.documents import PageImage
from extractors.vision.endpoints import Endpoint
from extractors.vision.estimating import (
    LEAST_ANSWER,
    Count,
    Size,
    page_tokens,
    prompt_tokens,
    size_of,
    text_tokens,
)
from extractors.vision.flow import Flow
from extractors.vision.question import Question
from extractors.vision.tokenizers import has_own_tokenizer, own_counts

_PACKED = 8
"""Characters that no tokenizer packs into one token on average: a count by them is the least."""

_USUAL_ANSWER = 8
"""How many times its usual answer a budget is."""

_SETTINGS = {
    "ollama": "start Ollama with OLLAMA_CONTEXT_LENGTH={context} and set context = {context} under {table}",
    "vllm": "serve it with --max-model-len {context} or more, and raise context under {table} if it is set there",
    "custom": (
        "raise the server's context to {context} (vLLM: --max-model-len, llama.cpp: --ctx-size, Ollama: "
        "OLLAMA_CONTEXT_LENGTH) and set context = {context} under {table}"
    ),
}
_SETTING = "set context = {context} under {table} if the model has it"


@dataclass(frozen=True)
class Fit:
    """One page of the usual size under a form, in an endpoint's context.

    Attributes:
        endpoint: whose context.
        form: what is asked.
        prompt: tokens before any page.
        page: tokens of the page.
        answer: tokens of the answer's budget.
    """

    endpoint: Endpoint
    form: Form
    prompt: int
    page: int
    answer: int

    @property
    def left(self) -> int:
        """Tokens for the answer."""
        return self.endpoint.context - self.prompt - self.page

    @property
    def spare(self) -> int:
        """Tokens beyond those of a usual answer: of several forms, that with the fewest decides."""
        return self.left - self.answer // _USUAL_ANSWER

    @property
    def holds(self) -> bool:
        """Whether an answer is possible at all."""
        return self.left >= LEAST_ANSWER

    @property
    def is_tight(self) -> bool:
        """Whether usual answers will be cut off."""
        return self.spare < 0

    def told(self) -> str:
        """What does not fit, and the setting that helps, as one line."""
        name, needed = self.endpoint.name, self.prompt + self.page + self.answer
        what = (
            f"leaves {self.left:,} for the answer to one page under {self.form.name}, which may be cut off so"
            if self.holds
            else f"does not hold one page under {self.form.name}"
        )
        advice = _SETTINGS.get(name, _SETTING).format(
            context=1 << (needed - 1).bit_length(), table=f"[endpoint.{name}] of octavo.toml"
        )
        return (
            f"{name}'s context of {self.endpoint.context:,} tokens {what}: the prompt takes {self.prompt:,}, a page "
            f"{self.page:,}, its answer up to {self.answer:,} ({needed:,} together): {advice}"
        )


def fit_of(flow: Flow, form: Form, most: int | None = None) -> Fit:
    """How one page fits; `most` bounds the answers of the run."""
    return _fit(flow.endpoint, form, flow.count, most)


def _fit(endpoint: Endpoint, form: Form, count: Count, most: int | None) -> Fit:
    prompt = prompt_tokens(form, endpoint, count)
    return Fit(endpoint, form, prompt, _usual_page(form), _bounded(form.answer(1), most))


def capacity(flows: Sequence[Flow], form: Form, most: int | None = None) -> Capacity:
    """What each of some endpoints takes in one request of a form.

    Args:
        flows: of the endpoints that may be asked, one at least.
        form: what is asked.
        most: tokens of any answer of the run, or None.
    """
    endpoints = [flow.endpoint for flow in flows]
    tokens = min(flow.endpoint.context - prompt_tokens(form, flow.endpoint, flow.count) for flow in flows)
    pictures = min(endpoint.images for endpoint in endpoints)
    return Capacity(
        pages=_pages(form, tokens, pictures, most),
        pictures=pictures,
        # Base64 makes four bytes of three; the rest is the prompt's.
        jpeg=min(endpoint.body_bytes for endpoint in endpoints) * 3 // 4 - 100_000,
        tokens=tokens,
        answer=lambda pages: _bounded(form.answer(pages), most),
        tokens_of=page_tokens,
    )


def _pages(form: Form, tokens: int, pictures: int, most: int | None) -> int:
    """Pages of the usual size that fit beside the prompt, with all of their answer's budget; one at least."""
    page = _usual_page(form)
    held = (
        pages
        for pages in range(min(form.most_pages, pictures), 1, -1)
        if pages * page + _bounded(form.answer(pages), most) <= tokens
    )
    return next(held, 1)


def _usual_page(form: Form) -> int:
    width, height = form.usual
    return page_tokens(PageImage(1, b"", width, height, sha256=""))


def _bounded(answer: int, most: int | None) -> int:
    return answer if most is None else min(answer, most)


def pages_of(endpoint: Endpoint, form: Form, most: int | None = None) -> tuple[int, Fit]:
    """Pages of the usual size that a run would plan for one request, and how one of them fits."""
    flow = Flow(endpoint, 1, streams=False)
    asyncio.run(count_where_it_matters([flow], [form], most))
    return capacity([flow], form, most).pages, fit_of(flow, form, most)


def room_for(flow: Flow, question: Question, size: Size) -> int:
    """Tokens that an endpoint's context leaves for an answer, 0 where too few; `size` is as counted cautiously.

    Only where the cautious count does not leave all that is wanted, the question is counted once more.
    """
    room = size.room(flow.endpoint)
    if room < question.asking.answer_tokens and flow.count is not text_tokens:
        return size_of(question.request, flow.count).room(flow.endpoint)
    return room


async def count_where_it_matters(flows: Sequence[Flow], forms: Sequence[Form], most: int | None = None) -> None:
    """Counts the forms' texts by the model's own tokenizer where more pages, or one at all, may fit by it then."""
    asked = [flow for flow in flows if has_own_tokenizer(flow.endpoint)]
    asked = [flow for flow in asked if any(_may_matter(flow.endpoint, form, most) for form in forms)]
    if asked:
        texts = {text for form in forms for text in (form.system, *form.instructions)}
        counts = await asyncio.to_thread(own_counts, sorted(texts))
        for flow in asked:
            flow.count = by(counts)


def _may_matter(endpoint: Endpoint, form: Form, most: int | None) -> bool:
    def planned(count: Count) -> tuple[int, bool, bool]:
        fit = _fit(endpoint, form, count, most)
        return _pages(form, endpoint.context - fit.prompt, endpoint.images, most), fit.holds, fit.is_tight

    return planned(text_tokens) != planned(lambda text: len(text) // _PACKED)


def by(counts: Mapping[str, int]) -> Count:
    """A count of texts that are known, or begin with one that is; what is not known is counted cautiously."""

    def count(text: str) -> int:
        known = max((each for each in counts if text.startswith(each)), key=len, default="")
        return counts.get(known, 0) + text_tokens(text[len(known) :])

    return count
