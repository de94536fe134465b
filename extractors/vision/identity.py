"""Whom a question is put to, as far as it decides the answer; and the keys under which its replies are kept."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
        _pictures(request), request.first_answer, request.faults, asking.grammar, *_order(request),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _pictures(request: VisionRequest) -> list[list[Any]]:
    return [[page.page, *(picture.sha256 for picture in page.pictures)] for page in request.pages]


def _order(request: VisionRequest) -> list[str]:
    """Nothing where the instructions come first, as they always did: those replies count."""
    return ["pictures first"] if request.pictures_first else []


def former_key(request: VisionRequest, model: str, sampling: Mapping[str, Any], asking: Asking) -> str:
    """The key of earlier versions, which held the first model alone of whom was asked: what they paid for counts."""
    parts = [
        model, request.system, request.instructions, request.schema, dict(sampling), asking.answer_tokens,
        _pictures(request), request.first_answer, request.faults,
        *([] if asking.grammar else ["without grammar"]), *_order(request),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Keys:
    """Where an answer to a question may be kept.

    Attributes:
        own: each endpoint's key, by its name, in the order in which they are asked.
        former: the key of earlier versions for each of their models.
    """

    own: Mapping[str, str]
    former: Sequence[str]

    @property
    def first(self) -> str:
        """The first endpoint's: the question's name."""
        return next(iter(self.own.values()))

    def among(self, *, first: bool) -> list[str]:
        """All of them, or the first endpoint's alone: own ones before former ones, each once."""
        most = 1 if first else None
        return list(dict.fromkeys([*list(self.own.values())[:most], *self.former[:most]]))


def keys_of(
    request: VisionRequest, endpoints: Sequence[Endpoint], sampling: Mapping[str, Any], asking: Asking
) -> Keys:
    """The keys of a question, made once: putting it into JSON takes longer than looking for its reply."""
    return Keys(
        {endpoint.name: key_of(request, endpoint, sampling, asking) for endpoint in endpoints},
        [former_key(request, endpoint.model, sampling, asking) for endpoint in endpoints],
    )
