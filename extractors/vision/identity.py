"""Whom a question is put to, as far as it decides the answer; and the keys under which its replies are kept."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from extractors.documents import VisionRequest
from extractors.vision.endpoints import Endpoint
from extractors.vision.wire import Asking


def whom(endpoint: Endpoint, sampling: Mapping[str, Any]) -> dict[str, Any]:
    """What decides an endpoint's answer, as JSON data; its name and address do not, and neither does its price."""
    more = {
        "dialect": endpoint.dialect if endpoint.dialect != "openai" else None,
        "schema_by": endpoint.schema_by,
        "routing": endpoint.routing,
        "provider": dict(endpoint.provider) or None,
        "models": list(endpoint.models) or None,
        "extra_body": dict(endpoint.extra_body) or None,
    }
    told = {name: value for name, value in more.items() if value is not None}
    return {"model": endpoint.model, "sampling": dict(sorted(sampling.items())), "endpoint": told}


def key_of(request: VisionRequest, endpoint: Endpoint, sampling: Mapping[str, Any], asking: Asking) -> str:
    """sha256 of everything that decides the answer: the question, its pictures, and whom it is put to."""
    parts = [
        whom(endpoint, sampling), request.system, request.instructions, request.schema, asking.answer_tokens,
        [[page.page, page.sha256] for page in request.pages], request.first_answer, request.faults, asking.grammar,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def former_key(request: VisionRequest, model: str, sampling: Mapping[str, Any], asking: Asking) -> str:
    """The key of earlier versions, which held the first model alone of whom was asked: what they paid for counts."""
    parts = [
        model, request.system, request.instructions, request.schema, dict(sampling), asking.answer_tokens,
        [[page.page, page.sha256] for page in request.pages], request.first_answer, request.faults,
        *([] if asking.grammar else ["without grammar"]),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def keys_of(
    request: VisionRequest, endpoints: Sequence[Endpoint], sampling: Mapping[str, Any], asking: Asking
) -> list[str]:
    """Where an answer may be kept: each endpoint's own key, in the order in which they are asked, then the former."""
    own = [key_of(request, endpoint, sampling, asking) for endpoint in endpoints]
    former = [former_key(request, endpoint.model, sampling, asking) for endpoint in endpoints]
    return list(dict.fromkeys([*own, *former]))
