"""What endpoints' refusals say, word for word: what is left out, how much less is asked for, how long is waited."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.vision.calling import speaks
from extractors.vision.endpoints import PROFILES
from extractors.vision.outcomes import outcome
from extractors.vision.refusals import Lowered, alike, lowered, not_taken, sent_fields, what_to_change, without
from extractors.vision.sampling import sampling_of
from extractors.vision.waits import wait_of
from extractors.vision.wire import Asking

cap, room = partial(Lowered, lasting=True), partial(Lowered, lasting=False)
SENT = sent_fields(PROFILES["openrouter"], sampling_of({"stop": ["END"], "top_k": 5}), Asking(500, stream=True))


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ('{"error": {"message": "Unrecognized request argument supplied: seed"}}', {"seed"}),
        ('{"error": {"message": "Invalid JSON payload. Unknown name \\"top_k\\": Cannot find field."}}', {"top_k"}),
        ('{"error": {"message": "property \'seed\' is unsupported", "param": "seed"}}', {"seed"}),
        ('{"error": {"message": "This value is not supported.", "param": "temperature"}}', {"temperature"}),
        ('{"detail": [{"loc": ["top_k"], "msg": "Extra inputs not permitted", "input": {"seed": 1}}]}', {"top_k"}),
        ('{"message": "seed: Extra inputs are not permitted; top_k: likewise"}', {"seed", "top_k"}),
        ('{"error": {"message": "This response_format type is unavailable now"}}', {"response_format"}),
        ('{"error": {"message": "\'response_format.type\' must be \'text\'"}}', {"response_format"}),
        ('{"error": {"message": "Structured outputs are not supported by this model"}}', {"response_format"}),
        ('{"error": {"message": "stream_options is not supported"}}', {"stream_options"}),
        ('{"error": {"message": "`temperature` and `top_p` cannot both be specified"}}', {"top_p"}),
        ('{"error": {"message": "\'stop\' is not supported with this model"}}', {"stop"}),
        ('{"error": {"message": "Unsupported: please stop sending this"}}', set()),
        ('{"error": {"message": "cannot decode image"}}', set()),
        ('{"error": {"message": "the seed is a fine number"}}', set()),
    ],
)  # fmt: skip
def test_what_is_not_taken(body: str, named: set[str]) -> None:
    """Only what was sent, and only where the words are a refusal of it; not what a body repeats."""
    assert not_taken(outcome(400, {}, body, speaks(body)), SENT) == named


@pytest.mark.parametrize(
    ("words", "asked", "less"),
    [
        ("max_tokens is too large: 20000. It supports at most 16384 completion tokens", 20_000, cap(16384)),
        ("max_tokens: 20000 > 8,192, which is the maximum number of output tokens", 20_000, cap(8192)),
        ("`max_tokens` must be less than or equal to `8192`", 10_000, cap(8192)),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 8192]", 10_000, cap(8192)),
        ("max_tokens: Input should be less than or equal to 4096", 5000, cap(4096)),
        ("max_tokens is too large", 5000, cap(2500)),
        ("max_tokens is too large", 100, None),
        (
            ("This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (3000 in the "
            "messages, 2000 in the completion)."), 2000, room(1096),
        ),
        (
            ("'max_tokens' or 'max_completion_tokens' is too large: 2000. This model's maximum context length is "
            "4096 tokens and your request has 3000 input tokens (2000 > 4096 - 3000)."), 2000, room(1096),
        ),
        (
            ("You passed 3000 input tokens and requested 2000 output tokens. However, the model's context length is "
            "only 4096 tokens."), 2000, room(1096),
        ),
        (
            ("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000, decrease input length or "
            "`max_tokens` and try again"), 20_000, room(10_000),
        ),
        (
            ("This endpoint's maximum context length is 32768 tokens. However, you requested about 40000 tokens "
            "(20000 of text input, 20000 in the output)."), 20_000, room(12_768),
        ),
        (
            ("This model's maximum context length is 4096 tokens. However, you requested 9000 tokens (7000 in the "
            "messages, 2000 in the completion)."), 2000, None,
        ),
        ("prompt is too long: 210000 tokens > 200000 maximum", 2000, None),
        ("At most 0 image(s) may be provided in one prompt.", 2000, None),
        ("Unsupported parameter: 'max_tokens' is not supported with this model", 2000, None),
    ],
)  # fmt: skip
def test_how_much_less_is_asked_for(words: str, asked: int, less: Lowered | None) -> None:
    """What the endpoint says it takes, else half; nothing where the pages alone are too much."""
    assert lowered(f"HTTP 400: {words}", asked) == less


@given(st.text(max_size=200), st.integers(1, 100_000), st.sampled_from(["max_tokens too large ", "context length "]))
def test_a_lowered_answer_is_smaller(words: str, asked: int, begun: str) -> None:
    """Whatever an endpoint says, each refusal leaves less to ask for: there is no endless round."""
    less = lowered(f"HTTP 400: {begun}{words}", asked)
    assert less is None or 0 < less.tokens < asked


def test_refusals_are_alike_but_for_what_differs_from_call_to_call() -> None:
    """Ids, numbers and addresses do not count; the status and the words do."""
    first = alike("HTTP 400: no route (request req_19af, 17 tokens, see https://a.b/c?d=1)")
    assert first == alike("HTTP 400: No route (request req_20bc, 9 tokens, see https://e.f/)")
    assert first != alike("HTTP 422: no route (request req_19af, 17 tokens, see https://a.b/c?d=1)")
    assert first != alike("HTTP 400: no model (request req_19af, 17 tokens, see https://a.b/c?d=1)")


def test_the_answers_limit_is_only_renamed() -> None:
    """No question goes out without one: where no other name is told, nothing is left out."""
    endpoint = PROFILES["vllm"]
    assert without(endpoint, frozenset({"max_tokens"}), "max_tokens is unsupported") is None
    renamed = without(endpoint, frozenset({"max_tokens"}), "'max_tokens' is unsupported, use 'max_completion_tokens'")
    assert renamed is not None
    assert renamed.parameters["max_completion_tokens"] == "max_completion_tokens"


@given(st.text(max_size=300))
def test_there_is_always_something_to_change(why: str) -> None:
    """Whatever an endpoint says, the line ends with a setting."""
    assert what_to_change(PROFILES["vllm"], why)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("6m0s", 360), ("120ms", 0.12), ("1h30m", 5400), ("2d", 172_800), ("1.5s", 1.5), ("20", 20), (20, 20),
        ("0", 0), ("1700000000", 0),
        ("soon", None), ("", None), (None, None), (True, None), ("-3", None), ("nan", None), ("1e999", None),
    ],
)  # fmt: skip
def test_a_wait_is_read_in_any_form(told: object, seconds: float | None) -> None:
    """A stretch of time, or a moment that is past; what is neither says nothing."""
    assert wait_of(told) == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    "written",
    [
        lambda moment: str(moment.timestamp()),
        lambda moment: str(int(moment.timestamp() * 1000)),
        format_datetime,
        lambda moment: moment.isoformat(),
    ],
)
def test_a_moment_is_waited_for(written: Callable[[datetime], str]) -> None:
    """An epoch in seconds or milliseconds, HTTP's date, ISO's."""
    wait = wait_of(written(datetime.now(UTC) + timedelta(seconds=600)))
    assert wait is not None
    assert 590 < wait <= 600


@given(st.text(max_size=120) | st.integers() | st.floats())
def test_a_wait_is_a_number_or_nothing(told: object) -> None:
    """No header stops a run."""
    wait = wait_of(told)
    assert wait is None or wait >= 0
