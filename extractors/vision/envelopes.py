"""Where a message keeps its answer: as text, in parts, in a tool's arguments, or beside an empty content."""

import json
from collections.abc import Mapping
from typing import Any

_THOUGHTS = ("thinking", "reasoning", "redacted_thinking", "thought")
"""Types of the parts in which a model thinks aloud."""


def answer_of(message: Mapping[str, Any]) -> str | None:
    """The answer's text, or None where the message holds none.

    The content goes first, unless it is a remark without an object beside a tool's arguments; then the arguments;
    what a server put into the reasoning counts only where there is nothing else.
    """
    content, arguments = words_of(message.get("content")), arguments_of(message)
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


def arguments_of(message: Mapping[str, Any]) -> str:
    """The arguments of a message's tool calls, one after the other; empty where there are none."""
    calls = message.get("tool_calls")
    functions = [call.get("function") for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    given = [each.get("arguments") for each in (*functions, message.get("function_call")) if isinstance(each, dict)]
    return "\n".join(each if isinstance(each, str) else _json(each) for each in given if isinstance(each, str | dict))


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
