"""What a question costs is counted with margin, learned from what endpoints tell, and a cut prompt is noticed."""

import json
import random
from dataclasses import replace
from typing import Any

import bounded
import pytest

from extractors.asking import planning
from extractors.documents import Fault, PageImage, Usage, VisionRequest, Window
from extractors.errors import Kind
from extractors.vision.cut_prompts import prompt_cut
from extractors.vision.endpoints import PROFILES, Endpoint
from extractors.vision.estimating import estimate, size_of, text_tokens
from extractors.vision.learning import Learned, Seen
from extractors.vision.wire import Told
from flows.schema_lookup import find_schema

PRICED = Endpoint("x", "http://x", "m", price_input=1.0, price_output=1.0)


def question(pages: int, schema: str = "invoice") -> VisionRequest:
    """A window of A4 pages."""
    images = tuple(PageImage(page, b"", 1089, 1540, str(page)) for page in range(1, pages + 1))
    return planning.request(planning.plan(find_schema(schema)), Window(images), whole=True)


def test_an_estimate_is_no_less_than_what_a_real_server_counted() -> None:
    """Tekken packs 3.35 characters of the invoice's prompt into a token: with the page, that is what vLLM tells."""
    asked = question(1)
    real = (len(asked.system) + len(asked.instructions)) / 3.35 + 2_200 + 40
    assert estimate(asked, PROFILES["vllm"]).input >= real


@pytest.mark.parametrize(("text", "least"), [("請求書の合計" * 50, 300), ("сумма" * 60, 300), ("1234567890" * 9, 90)])
def test_other_scripts_and_digits_cost_a_token_each(text: str, least: int) -> None:
    """Four characters a token hold for English only."""
    assert text_tokens(text) >= least


@pytest.mark.parametrize(
    "answer",
    [
        {"total": ["no"] * 300},
        [{"a": None, "b": None, "c": []}] * 100,
        [{"description": "Walnut shelf", "quantity": "2", "unit_price": "49.50", "amount": "99.00"}] * 100,
        [f"{number * 7919:x}".upper() for number in range(300)],
        ["😀🧾💶"] * 100,
    ],
)
@pytest.mark.parametrize("how", [{}, {"indent": 2}, {"separators": (",", ":")}])
def test_a_refused_answer_is_counted_at_what_the_tokenizer_makes_of_it_at_least(answer: Any, how: Any) -> None:
    """Short values in JSON are pieces of their own, not three characters a token: the repair round has to fit."""
    text = json.dumps(answer, ensure_ascii=False, **how)
    asked = question(1)
    again = planning.repair(asked, text, [Fault(Kind.INVALID_ANSWER, "total", "is no amount")])
    assert size_of(again).prompt - size_of(asked).prompt >= bounded.text_tokens(text)


def test_a_schema_is_counted_where_it_is_sent_beside_the_prompt() -> None:
    """In `response_format` or as a tool; an endpoint that only has it in the prompt is not charged for it twice."""
    asked = question(1)
    assert estimate(asked, PRICED).input > estimate(asked, replace(PRICED, schema_by="text")).input


def test_what_an_endpoint_bills_beyond_its_estimate_is_reserved_next_time() -> None:
    """12,000 billed where 3,077 were estimated; the factor fades with honest calls, and is never under 1."""
    learned, estimated = Learned(PRICED), Usage(3_077, 1_000)
    learned.hears(Seen(estimated, Usage(12_000, 100, 0, 0.0121)))
    assert learned.reserved(estimated).cost_usd >= 0.0121
    for _ in range(500):
        learned.hears(Seen(estimated, Usage(1_000, 100, 0, 0.0011)))
    assert learned.reserved(estimated).cost_usd == pytest.approx(0.004077, rel=0.01)


def test_a_price_that_is_told_beyond_the_list_is_learned_too() -> None:
    """Also of an endpoint that the list has for free."""
    for endpoint in (PRICED, replace(PRICED, price_input=0.0, price_output=0.0)):
        learned = Learned(endpoint)
        learned.hears(Seen(Usage(1_000, 100), Usage(1_000, 100, 0, 0.05)))
        assert learned.reserved(Usage(1_000, 100)).cost_usd == pytest.approx(0.05)


@pytest.mark.parametrize(("pages", "told"), [(8, 900), (1, 900), (8, 4096), (8, 2047), (3, 4096)])
def test_a_count_below_the_text_or_at_the_edge_of_a_context_is_a_cut_prompt(pages: int, told: int) -> None:
    """The server read less than it was sent, and says so in its own numbers."""
    assert prompt_cut(question(pages), Told(told, 60))


def test_honest_counts_are_never_taken_for_a_cut_prompt() -> None:
    """Images at 85, 256 or 1,000 tokens or as the estimate has them, texts only, packed as tokenizers do, none."""
    dice = random.Random(1)
    for _ in range(300):
        asked = question(dice.randint(1, 8), dice.choice(("invoice", "receipt", "bank_statement")))
        text = (len(asked.system) + len(asked.instructions)) / dice.uniform(2.5, 5.5)
        told = round(text + len(asked.pages) * dice.choice((0, 85, 256, 1_000, 2_200)))
        edge = any(abs(count - 2**power) <= 2 for power in range(10, 16) for count in (told, told + 300))
        assert edge or prompt_cut(asked, Told(told, 300)) is None, told
    assert prompt_cut(question(8), Told(0, 60)) is None
    assert prompt_cut(question(8), Told(None, 60)) is None


def test_nothing_is_asked_beyond_the_stated_context() -> None:
    """What the context leaves bounds the answer; where it leaves nothing, nothing is asked."""
    ollama = PROFILES["ollama"]
    left = size_of(question(1, "receipt")).room(ollama)
    assert 0 < left < ollama.context - 2_200
    assert size_of(question(1)).room(ollama) == 0
    assert size_of(question(1)).room(replace(ollama, context=16_384)) > 8_000
