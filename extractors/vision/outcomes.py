"""What a response means: one consequence for every way of failing. Pure.

answer      go on with it
busy        ask again later; the endpoint is ill, or cannot be reached
overloaded  likewise, and fewer at once
hollow      200 without an answer: ask again, a few times only, for each may be billed
unread      200 with an answer that nobody can read: ask again, once
out         the endpoint will not serve this run: credentials, credit, address
denied      nor as it seems: forbidden, or not found; where it serves others, it refuses this very request
no_grammar  it cannot compile the schema: ask without, the prompt holds the schema
too_big     too many images or tokens: a smaller window may do
rejected    it refuses this very request
declined    it refuses what stands on these very pages
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from extractors.errors import AnswerError, InvalidAnswer, Refused, RunawayAnswer, TruncatedAnswer
from extractors.vision.endings import ending_of
from extractors.vision.runaways import runs_away
from extractors.vision.waits import number, wait_of
from extractors.vision.wire import Asking, Spoken, plain, read_json, told_error

Kind = Literal[
    "answer",
    "busy",
    "overloaded",
    "hollow",
    "unread",
    "out",
    "denied",
    "no_grammar",
    "too_big",
    "rejected",
    "declined",
]

REFUSALS = frozenset({"denied", "rejected", "too_big", "no_grammar", "declined"})
"""Outcomes by which an endpoint will not take a request as it is."""

_GOOD = 200
_OVERLOADED = {408, 429, 503, 529}
_BUSY = {409, 425, 500, 502, 504, 520, 521, 522, 523, 524}
_OUT = {
    401: "refuses the key",
    402: "has no credit left",
    403: "forbids the request",
    404: "does not know the model or the address",
}
_DENIED = {403, 404}
_TRANSIENT_402 = "openrouter_in_flight_budget"
_MODERATED = ("flagged", "moderation")
_BIG = (
    "too large",
    "too long",
    "context length",
    "context_length",
    "maximum context",
    "exceed",
    "at most",
    "too many",
)
_NONE_AT_ALL = re.compile(r"(?i)at most 0\b")
_NO_KEY = re.compile(
    r"(?i)(?:invalid|incorrect|wrong|missing|expired|revoked|unknown|malformed|no)\b.{0,20}api.?key"
    r"|api.?key.{0,40}(?:invalid|not valid|not found|incorrect|wrong|missing|expired|revoked|required|malformed)"
    r"|unauthori[sz]ed|authentication (?:failed|error|required)"
)
_NO_MODEL = re.compile(r"(?i)(?:invalid|unknown|no such|not a valid) model|model.{0,80}(?:not found|does not exist)")
_NO_CREDIT = re.compile(r"(?i)credit|quota|balance|payment")
_BLIND = re.compile(
    r"(?i)image input is not supported|(?:not|n't) support (?:image|vision|multimodal)|not a multimodal"
    r"|for image input"
)
"""How servers refuse pictures as an error of their own. Sources: llama.cpp's and Ollama's servers."""

_STATUS_OF = (
    (_NO_MODEL, 404),
    (re.compile(r"(?i)api.?key|unauthori[sz]ed|authentication"), 401),
    (_NO_CREDIT, 402),
    (re.compile(r"(?i)rate.?limit|too many requests|overloaded|capacity"), 429),
    (
        re.compile(
            r"(?i)unsupported|not (?:be )?supported|n[o']t support|multimodal|at most \d+ image|context length"
            r"|too (?:large|long)\b|extra (?:input|field)|\bmust be\b|not permitted"
            r"|\b(?:invalid|unknown|unrecogni[sz]ed|unexpected) (?:request|param|arg|field|name|value|json)"
        ),
        400,
    ),
)
"""What an error inside a 200 means that tells no code."""

_LONGEST_WORDS = 300


@dataclass(frozen=True)
class Outcome:
    """What to do about a response.

    Attributes:
        kind: see above.
        why: in the endpoint's words, for a person.
        wait: seconds that the endpoint asks to wait, or None.
        about: names of fields that a refusal points at.
    """

    kind: Kind
    why: str = ""
    wait: float | None = None
    about: tuple[str, ...] = ()


def outcome(status: int, headers: Mapping[str, str], text: str, said: Spoken) -> Outcome:
    """The consequence of a whole response.

    Args:
        status: HTTP status.
        headers: with lower-case names.
        text: the body as it came.
        said: the body as the dialect reads it.
    """
    code, words = said.error or (None, "")
    if status == _GOOD and said.error is None:
        return _of_good(said)
    decoded = read_json(text)
    wait = retry_after(headers, decoded)
    if status == _GOOD:
        # An error inside a 200 is treated as the error inside.
        told = next((meant for sign, meant in _STATUS_OF if sign.search(words)), 502)
        status = code if code is not None and code >= 400 else told  # noqa: PLR2004 - HTTP's errors
    why = f"HTTP {status}: {words or _words(text, decoded)}"[:_LONGEST_WORDS]
    if status in _OVERLOADED or (status == 402 and _TRANSIENT_402 in text):  # noqa: PLR2004 - payment required
        return Outcome("overloaded", why, wait)
    blind = status == 501 or (status == 500 and _BLIND.search(why))  # noqa: PLR2004 - not implemented
    if (status in _BUSY or status >= 500) and not blind:  # noqa: PLR2004 - the server's own errors
        # An answer that was begun may be billed: it is not tried again for ever.
        return Outcome("hollow" if said.begun else "busy", why, wait)
    if status == 403 and any(word in why.lower() for word in _MODERATED):  # noqa: PLR2004 - forbidden: this input
        return Outcome("declined", why)
    if 300 <= status < 400:  # noqa: PLR2004 - HTTP's redirects: a key is not sent after them
        return Outcome("out", f"redirects to {plain(headers.get('location') or 'nowhere')[:200]} (HTTP {status})")
    return _of_refused(status, why, _about(decoded))


def _of_good(said: Spoken) -> Outcome:
    ending = ending_of(said.finish_reason)
    if ending == "failed":
        return Outcome("hollow", f"HTTP 200, but the answer broke off ({plain(str(said.finish_reason))})")
    if not said.known:
        return Outcome("unread", "HTTP 200 with an answer of an unknown shape")
    if said.text is None and not said.refusal and ending == "whole":
        instead = (
            f", but a call of the tool {said.called}: tool_choice does not force the record's" if said.called else ""
        )
        return Outcome("hollow", f"HTTP 200 without an answer{instead}")
    return Outcome("answer")


def _of_refused(status: int, why: str, about: tuple[str, ...]) -> Outcome:
    lowered = why.lower()
    told = 404 if _NO_MODEL.search(why) else 401 if _NO_KEY.search(why) else status
    if status in _OUT or told != status:
        # Of an endpoint that serves others, what it forbids or does not find is this very request.
        denied = status in _DENIED and not _NO_CREDIT.search(why)
        return Outcome("denied" if denied else "out", f"{_OUT[status if status in _OUT else told]} ({why})")
    if "grammar" in lowered or ("response_format" in lowered and "schema" in lowered):
        return Outcome("no_grammar", why, about=about)
    big = any(word in lowered for word in _BIG) and not _NONE_AT_ALL.search(why)
    if status == 413 or big:  # noqa: PLR2004 - content too large
        return Outcome("too_big", why, about=about)
    return Outcome("rejected", why, about=about)


def _about(decoded: Any) -> tuple[str, ...]:
    """The fields that an error points at: OpenAI's `param`, and the places of pydantic's details."""
    if not isinstance(decoded, dict):
        return ()
    error = decoded.get("error")
    inside = error if isinstance(error, dict) else decoded
    details: list[Any] = next(
        (each["detail"] for each in (decoded, inside) if isinstance(each.get("detail"), list)), []
    )
    places = [each.get("loc") for each in details[:20] if isinstance(each, dict)]
    named = [step for place in places if isinstance(place, list) for step in place]
    return tuple(name for name in (inside.get("param"), *named) if isinstance(name, str))


def failure_of(said: Spoken, asking: Asking) -> AnswerError | None:
    """Why a reply that was stored is no answer, or None. It is derived anew each time, so that parsers may change."""
    ending = ending_of(said.finish_reason)
    if ending == "runaway" or (ending == "cut" and runs_away(said.text or "")):
        return RunawayAnswer("the answer ran away (white space or a cycle without end)")
    if ending == "cut":
        return TruncatedAnswer(f"the answer is cut off at {asking.answer_tokens} tokens", asking.answer_tokens)
    if said.refusal or ending == "declined":
        return Refused(f"the model declined: {plain(said.refusal or str(said.finish_reason))}")
    if ending == "failed":
        return InvalidAnswer(f"the answer broke off ({plain(str(said.finish_reason))})")
    return InvalidAnswer("the reply holds no text") if said.text is None else None


def retry_after(headers: Mapping[str, str], decoded: Any) -> float | None:
    """Seconds to wait, as header or body say.

    Sources: RFC 9110 section 10.2.3 (seconds or a date), OpenAI's `retry-after-ms`, ModelsLab's body `retry_after`,
    OpenRouter's `error.availability.retry_after` and `error.metadata.retry_after`.
    """
    milliseconds = number(headers.get("retry-after-ms"))
    if milliseconds is not None and milliseconds >= 0:
        return milliseconds / 1000
    seconds = wait_of(headers.get("retry-after"))
    if seconds is not None:
        return seconds
    if not isinstance(decoded, dict):
        return None
    error = decoded.get("error")
    inside = error if isinstance(error, dict) else {}
    for place in (decoded, inside, inside.get("availability"), inside.get("metadata")):
        if isinstance(place, dict):
            seconds = wait_of(place.get("retry_after"))
            if seconds is not None:
                return seconds
    return None


def _words(text: str, decoded: Any) -> str:
    if isinstance(decoded, dict):
        return told_error(decoded)[1]
    return plain(" ".join(text[:1000].split()))[:200] or "no message"
