"""Where a message keeps its answer: as text, in parts, in a tool's arguments, or beside an empty content."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

_THOUGHTS = ("thinking", "reasoning", "redacted_thinking", "thought")
"""Types of the parts in which a model thinks aloud."""


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
    """A tool's call, or a piece of one: which of the message's calls it is of, the tool's name and its arguments."""

    place: int
    name: str | None
    arguments: str


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
    for number, each in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(each, dict):
            place = each.get("index")
            yield from _call(place if isinstance(place, int) else number, each.get("function"))
    yield from _call(-1, message.get("function_call"))


def _call(place: int, function: Any) -> Iterator[Call]:
    if not isinstance(function, dict):
        return
    name, given = function.get("name"), function.get("arguments")
    told = given if isinstance(given, str) else _json(given) if isinstance(given, dict) else ""
    if told or isinstance(name, str):
        yield Call(place, name if isinstance(name, str) and name else None, told)


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
