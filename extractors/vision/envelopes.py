"""Where a message keeps its answer: as text, in parts, in a tool's arguments, or beside an empty content."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

_THOUGHTS = ("thinking", "reasoning", "redacted_thinking", "thought")
"""Types of the parts in which a model thinks aloud."""

_LONG = 10
"""Digits that no index has."""


@dataclass(frozen=True)
class Tools:
    """Which tools' calls are the answer.

    Attributes:
        answer: the tools that it is asked for by.
        others: those that the model may call besides: their calls are no answer.
    """

    answer: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()


NO_TOOLS = Tools()


class Call(NamedTuple):
    """A tool's call, or a piece of one.

    Attributes:
        place: which of the message's calls it is of; None where that is not told.
        name: the tool's.
        arguments: as JSON, or a piece of it.
        id: the call's own.
    """

    place: int | None
    name: str | None
    arguments: str
    id: str | None = None


def answer_of(message: Mapping[str, Any], tools: Tools = NO_TOOLS) -> str | None:
    """The answer's text, or None where the message holds none.

    The arguments of the answer's own tool go first; then the content, unless it is a remark without an object beside
    a tool's arguments; then these; what a server put into the reasoning counts only where there is nothing else.
    """
    calls = [call for call in calls_of(message) if call.name not in tools.others and call.arguments.strip()]
    own = [call.arguments for call in calls if call.name in tools.answer]
    if own:
        return "\n".join(own)
    content, arguments = words_of(message.get("content")), "\n".join(call.arguments for call in calls)
    if arguments.strip() and "{" not in (content or ""):
        return arguments
    if content and content.strip():
        return content
    thoughts = (words_of(message.get(name), thoughts=True) for name in ("reasoning_content", "reasoning"))
    return next((each for each in thoughts if each and each.strip()), content)


def words_of(content: Any, *, thoughts: bool = False) -> str | None:
    """The text of a content: a string, a list of parts (those of thinking are skipped), or an object."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        found = [words for part in content if (words := _part(part, thoughts=thoughts)) is not None]
        return "".join(found) if found else None
    if isinstance(content, dict):
        return _part(content, thoughts=thoughts) if {"type", "text"} & content.keys() else _json(content)
    return None


def calls_of(message: Mapping[str, Any]) -> list[Call]:
    """A message's tool calls, or in a stream's event the pieces of some."""
    return list(_calls(message))


def _calls(message: Mapping[str, Any]) -> Iterator[Call]:
    listed = message.get("tool_calls")
    calls = listed if isinstance(listed, list) else []
    for number, each in enumerate(calls):
        if isinstance(each, dict):
            # Those of one event are told apart by their order; one alone may be of any call.
            place = _number(each.get("index"), number if len(calls) > 1 else None)
            yield from _call(place, each.get("function"), each.get("id"))
    yield from _call(-1, message.get("function_call"))


def _number(index: Any, otherwise: int | None) -> int | None:
    """An index, which some servers send as text."""
    if isinstance(index, str) and index.isdecimal() and len(index) < _LONG:
        return int(index)
    return index if isinstance(index, int) and not isinstance(index, bool) and index >= 0 else otherwise


def _call(place: int | None, function: Any, given_id: Any = None) -> Iterator[Call]:
    if not isinstance(function, dict):
        return
    name, given = function.get("name"), function.get("arguments")
    told = given if isinstance(given, str) else _json(given) if isinstance(given, dict) else ""
    if told or isinstance(name, str):
        known = given_id if isinstance(given_id, str) and given_id else None
        yield Call(place, name if isinstance(name, str) and name else None, told, known)


def refusal_of(message: Mapping[str, Any]) -> str | None:
    """The model's words of refusal, or None."""
    told = message.get("refusal")
    if isinstance(told, str) and told.strip():
        return told
    parts = message.get("content")
    refused = (
        part.get("refusal")
        for part in (parts if isinstance(parts, list) else ())
        if isinstance(part, dict) and part.get("type") == "refusal"
    )
    return next((str(each)[:300] for each in refused if each), None)


def _part(part: Any, *, thoughts: bool) -> str | None:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict) or (part.get("type") in _THOUGHTS and not thoughts):
        return None
    text = part.get("text")
    if isinstance(text, dict):
        text = text.get("value")
    return text if isinstance(text, str) else None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
