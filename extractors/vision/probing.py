"""Whether an endpoint is there, and what it does with one tiny question."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from extractors.documents import PageImage, Usage, VisionRequest
from extractors.errors import BadConfiguration, RunawayAnswer, TruncatedAnswer
from extractors.vision import anthropic_messages
from extractors.vision.calling import Answered, asked_of, post
from extractors.vision.connections import open_http, proxy_for
from extractors.vision.endpoints import Endpoint
from extractors.vision.estimating import estimate
from extractors.vision.outcomes import REFUSALS, failure_of
from extractors.vision.refusals import not_taken, schema_fields, sent_fields, without
from extractors.vision.sampling import sampling_of
from extractors.vision.wire import Asking, Told

_PATIENCE, _ANSWER = 5.0, 60.0
"""Seconds to be there; to answer."""

_TINY = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywtQFdBRkxO"
    "UlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09P"
    "T09PT09PT0//wAARCAA4AHADASIAAhEBAxEB/8QAGgABAAIDAQAAAAAAAAAAAAAAAAQFAQIGB//EACUQAAICAQQCAgIDAAAAAAAA"
    "AAACAQMEBRESISIxE1EUYSMyQv/EABQBAQAAAAAAAAAAAAAAAAAAAAD/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIRAxEA"
    "PwD04AAAAAAAAAAAAAAAAAAAABGz8/H07HbIy5sWpYlmZKnfjERvMzxido2I763gJvze9eK8n3xrI+OPtvHxjqe529Sb65j25eha"
    "hjY687rsaytF3iN2lZiI3n9kZ0zMPMz2owWylzGWxGh0WEaEVOLcpidvGJ3iJ9z19hJfV8NMxcSfyJueJZYXGsaGiNt5hoXaY8o7"
    "327No1TCaLpi/f4b1x38Z6sZoWI9d9tEbx17+pIePgZGFfpnBZvXC06yhmiYiWfenjHf3wYrH0fUcWqpq4tzHt+CzIXlWvF670sm"
    "F/rvvytnuZ9R2B1ZXRrumTi15K5PKmznxdUaY2RuLNO0dLE/6nr9mcurI1PTLKVV8FrJ4tFyq8yu/ceD+pjr3uU6YOo1aeuBfgzd"
    "VbkZDXvjxWv8TWs0JEM/pt95+o699gdQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA//Z"
)
"""A JPEG of 112 x 56 pixels that says TOTAL 42."""

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"total": {"type": "string"}, "colour": {"type": "string", "enum": ["red", "green"]}},
    "required": ["total", "colour"],
    "additionalProperties": False,
}


@dataclass(frozen=True)
class Probed:
    """What one question showed.

    Attributes:
        failure: why there was no answer, or None.
        unended: why the answer did not come to its end (cut off, ran away): then nothing is known of the schema.
        left_out: parameters that the endpoint refused, and that a run does not send then.
        answer: the text of the answer.
        honours_schema: the answer is an object of exactly the schema's shape, which no model would choose unasked.
        reads_image: the answer holds what the image says.
        tells_usage: tokens are reported.
        streams: a streamed answer came; None when it was not tried.
        seconds: for the plain answer.
        cost_usd: of both.
        estimated: tokens of the question before it was asked.
        counted: the same as the endpoint counts them without answering; None where it does not.
    """

    failure: str | None
    unended: str | None = None
    left_out: tuple[str, ...] = ()
    answer: str = ""
    honours_schema: bool = False
    reads_image: bool = False
    tells_usage: bool = False
    streams: bool | None = None
    seconds: float = 0.0
    cost_usd: float = 0.0
    estimated: int = 0
    counted: int | None = None


@dataclass(frozen=True)
class Reached:
    """What asking for the endpoint's models showed.

    Attributes:
        status: HTTP status, or None when there was no answer.
        error: why there was none.
        models: those that it lists, none when it lists none in OpenAI's way.
    """

    status: int | None
    error: str = ""
    models: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether it answered as asked."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's success

    def lists(self, model: str) -> bool:
        """Whether the model may be asked for, as far as the list says; Ollama adds tags to names."""
        return not self.models or any(model in {name, name.partition(":")[0]} for name in self.models)


def reach(endpoint: Endpoint) -> Reached:
    """Asks for the endpoint's models."""
    try:
        url = httpx.URL(f"{endpoint.base_url}/models")
        # As the run's own connections go: the same proxy, the same certificates.
        with httpx.Client(proxy=proxy_for(url), verify=httpx.create_ssl_context(), trust_env=False) as http:
            answer = http.get(url, headers=endpoint.auth_headers(), timeout=_PATIENCE)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return Reached(None, type(error).__name__)
    except BadConfiguration as error:
        return Reached(None, str(error))
    return Reached(answer.status_code, models=_names(answer.text) if answer.is_success else ())


def _names(body: str) -> tuple[str, ...]:
    try:
        listed = json.loads(body)["data"]
        return tuple(entry["id"] for entry in listed if isinstance(entry["id"], str))
    except (ValueError, TypeError, KeyError, RecursionError):
        return ()


async def probe(endpoint: Endpoint, sampling: Mapping[str, Any], local_app: Any = None) -> Probed:
    """Asks one tiny question, and once more streamed where the endpoint can; it may cost a fraction of a cent.

    Args:
        endpoint: whom to ask.
        sampling: a person's parameters.
        local_app: the built-in model, when it is the one.
    """
    jpeg = base64.b64decode(_TINY)
    request = VisionRequest(
        system="You read images of document pages into one JSON object.",
        instructions=f"Give the total, and the colour of the ink.\nThe JSON Schema:\n{json.dumps(_SCHEMA)}",
        schema_name="probe",
        schema=_SCHEMA,
        pages=(PageImage(1, jpeg, 112, 56, "probe"),),
        answer_tokens=100,
    )
    async with open_http([endpoint], local_app=local_app) as http:
        expected, given = estimate(request, endpoint), sampling_of(sampling)
        plain, left_out = await _asked(http, endpoint, request, given, expected)
        failure = failure_of(plain.said, plain.asking) if plain.outcome.kind == "answer" else None
        unended = str(failure) if isinstance(failure, TruncatedAnswer | RunawayAnswer) else None
        if plain.outcome.kind != "answer" or (failure is not None and unended is None):
            return Probed(plain.outcome.why or str(failure))
        streamed: Answered | None = None
        if endpoint.streams:
            asking = replace(plain.asking, stream=True)
            streamed = await post(http, plain.endpoint, request, given, asking, patience=_ANSWER, expected=expected)
        counted = await _counted(http, plain.endpoint, request, plain.asking)
    answer = plain.said.text or ""
    usage = plain.usage + (streamed.usage if streamed else Usage())
    return Probed(
        failure=None,
        unended=unended,
        left_out=left_out,
        answer=answer,
        honours_schema=_honours(answer),
        reads_image="42" in answer,
        tells_usage=plain.said.told != Told(),
        streams=None if streamed is None else streamed.outcome.kind == "answer" and streamed.streamed,
        seconds=plain.seconds,
        cost_usd=usage.cost_usd,
        estimated=expected.input,
        counted=counted,
    )


async def _asked(
    http: httpx.AsyncBaseTransport, endpoint: Endpoint, request: VisionRequest, given: Mapping[str, Any],
    expected: Usage,
) -> tuple[Answered, tuple[str, ...]]:  # fmt: skip
    """The answer, and what had to be left out for it, as a run leaves it out."""
    asking, left_out = Asking(request.answer_tokens), set[str]()
    while True:
        answered = await post(http, endpoint, request, given, asking, patience=_ANSWER, expected=expected)
        named = not_taken(answered.outcome, sent_fields(endpoint, given, asking))
        for_schema = named & schema_fields(endpoint, asking)
        plainer = without(endpoint, named - for_schema, answered.outcome.why)
        if answered.outcome.kind not in REFUSALS or not named or plainer is None:
            return answered, tuple(sorted(left_out))
        endpoint, asking = plainer, replace(asking, grammar=asking.grammar and not for_schema)
        left_out |= named


async def _counted(
    http: httpx.AsyncBaseTransport, endpoint: Endpoint, request: VisionRequest, asking: Asking
) -> int | None:
    """The question's tokens as the endpoint counts them, where its dialect has a way to ask for that."""
    if endpoint.dialect != "anthropic":
        return None
    body = anthropic_messages.counting_body(request, endpoint, asking)
    asked = asked_of(endpoint, anthropic_messages.COUNT_PATH, body, _PATIENCE)
    try:
        answer = await http.handle_async_request(asked)
        told = json.loads(await answer.aread())
    except (httpx.TransportError, httpx.DecodingError, ValueError):
        return None
    counted = told.get("input_tokens") if isinstance(told, dict) else None
    return counted if isinstance(counted, int) else None


def _honours(text: str) -> bool:
    try:
        answer = json.loads(text)
    except ValueError:
        return False
    return isinstance(answer, dict) and set(answer) == set(_SCHEMA["properties"])
