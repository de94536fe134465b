"""Streams in pieces: events of OpenAI's chat completions and of Anthropic's Messages, as bytes."""

import json
from typing import Any


def event_of(chunk: dict[str, Any]) -> bytes:
    """One of OpenAI's events."""
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def event(kind: str, **fields: Any) -> bytes:
    """One of Anthropic's events."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def message_events(text: str, *, tool: bool = True, stop: str = "tool_use") -> list[bytes]:
    """A message as it is streamed: the tool's input, or a text, in pieces of a few characters."""
    block = {"type": "tool_use", "id": "t", "name": "receipt", "input": {}} if tool else {"type": "text", "text": ""}
    kind, field = ("input_json_delta", "partial_json") if tool else ("text_delta", "text")
    begun = {"input_tokens": 400, "cache_read_input_tokens": 600, "output_tokens": 1}
    return [
        event("message_start", message={"id": "msg_1", "type": "message", "model": "m-2506", "usage": begun}),
        event("content_block_start", index=0, content_block=block),
        event("ping"),
        *(
            event("content_block_delta", index=0, delta={"type": kind, field: text[at : at + 7]})
            for at in range(0, len(text), 7)
        ),
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": stop}, usage={"output_tokens": 77}),
        event("message_stop"),
    ]
