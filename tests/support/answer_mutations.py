"""Answers of a model server as production has seen them, and broken in ways that it has not: whole HTTP responses."""

import gzip
import json
import random
from collections.abc import Callable
from typing import Any

RECORD = {"merchant": "Corner Shop", "total": "12.00", "currency": "EUR", "items": [{"description": "Tea"}]}
GOOD = json.dumps(RECORD)

_ODD: tuple[Callable[[random.Random], str], ...] = (
    lambda _: "", lambda _: " ", lambda _: "null", lambda _: "[]", lambda _: "{}", lambda _: "no JSON",
    lambda _: "```" + "\n" * 40_000, lambda _: "```json\n" * 5_000, lambda _: '{"a":' * 900 + "1" + "}" * 900,
    lambda _: "[" * 5_000, lambda _: '{"merchant": ' + "[" * 300 + "]" * 300 + "}",
    lambda _: json.dumps({f"k{n}": n for n in range(20_001)}), lambda _: "{" + '"a": 1, ' * 20_001 + '"b": 2}',
    lambda _: "{" * 50_000, lambda _: '{"' * 50_000, lambda _: '"\\' * 50_000, lambda _: '{"a' + '\\"' * 50_000,
    lambda _: '{"merchant": "a\\u0000b\\ud800"}', lambda _: '{"merchant": "\x01\ud800"}', lambda _: '{"total": NaN}',
    lambda _: '{"total": 1e999}', lambda _: '{"total": ' + "9" * 5_000 + "}", lambda _: '{"total": -Infinity}',
    lambda _: '{"total": {"total": {"total": "1"}}}', lambda _: f"<think>{{20.00}} {GOOD[:30]}</think>{GOOD}",
    lambda _: f"<think>{GOOD}", lambda _: f"[THINK]{{x}}[/THINK]\n```json\n{GOOD}\n```", lambda _: GOOD + GOOD,
    lambda _: f"{GOOD}\n{GOOD.replace('12', '13')}", lambda _: f'{{"receipt": {GOOD}}}', lambda _: f"[{GOOD}]",
    lambda _: f'{{"receipt": [{GOOD}, {GOOD}]}}', lambda _: f"Here {{it}} is: {GOOD} Anything {{else}}?",
    lambda _: '{"items": [' + ",".join(['{"description": "Tea", "amount": "1.00"}'] * 3_000) + "]}",
    lambda _: '{"items": [' + '{"description": "Tea"},' * 3_000, lambda _: GOOD[:-1] + " " * 3_000,
    lambda _: json.dumps({**RECORD, "address": "x" * 300_000}), lambda _: '{"items": [' + "1," * 60_000 + "1]}",
    lambda rng: json.dumps({**RECORD, "total": "".join(rng.choices("0123456789.,- ", k=8))}),
)  # fmt: skip
_USAGES: tuple[Any, ...] = (
    None, {}, [], "much", {"prompt_tokens": 10**40, "completion_tokens": 10**40}, {"prompt_tokens": -1},
    {"prompt_tokens": True, "completion_tokens": "7"}, {"completion_tokens": 1e300}, {"prompt_tokens": float("inf")},
    {"prompt_tokens": float("nan"), "cost": float("nan")}, {"cost": float("inf")}, {"cost": True}, {"cost": -3},
    {"cost": 10**400}, {"total_tokens": 5}, {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 10**9}},
)  # fmt: skip
_REASONS = (
    "stop", None, "length", "model_length", "max_tokens", "content_filter", "error", "abort", "tool_calls", "eos",
    "", "STOP", "what", 7, {}, "end_turn", "refusal",
)  # fmt: skip
_TYPES = ("application/json", "text/event-stream", "text/plain; charset=latin-1", "x", "application/json; charset=no")


def response(rng: random.Random) -> tuple[dict[str, str], list[bytes], bool]:
    """One response with status 200: headers, the body in pieces, and whether the connection breaks after them."""
    if rng.random() < 0.3:
        body = json.dumps(_envelope({"content": GOOD}, "stop", {"prompt_tokens": 9, "completion_tokens": 9})).encode()
        return {"Content-Type": "application/json"}, [body], False
    text = rng.choice(_ODD)(rng) if rng.random() < 0.6 else GOOD
    if rng.random() < 0.3:
        text = _mutated_text(text, rng)
    reason, usage = rng.choice((*_REASONS, *["stop"] * 20)), rng.choice(_USAGES)
    body = _events(text, reason, usage, rng) if rng.random() < 0.5 else _whole(text, reason, usage, rng)
    if rng.random() < 0.25:
        body = _mutated(body, rng)
    headers = {"Content-Type": rng.choice(_TYPES)}
    if rng.random() < 0.1:
        body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
        body = _mutated(body, rng) if rng.random() < 0.3 else body
    if rng.random() < 0.003:
        body, headers["Content-Encoding"] = BOMB, "gzip"
    cut = rng.random() < 0.02
    size = rng.choice((1 << 20, 5_000, 700)) if len(body) < 100_000 else 1 << 16
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return headers, pieces[: len(pieces) // 2 + 1] if cut else pieces, cut


BOMB = gzip.compress(b" " * 60_000_000 + b"{}", 9)


def _envelope(message: Any, reason: Any, usage: Any) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return {"object": "chat.completion", "choices": [choice], "usage": usage}


def _message(text: str, rng: random.Random) -> Any:
    call = {"type": "function", "function": {"name": "f", "arguments": text}}
    return rng.choice(
        (
            {"content": text}, {"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": text}]},
            {"content": None, "reasoning_content": text}, {"content": "", "reasoning": text},
            {"content": {"text": text}},
            {"content": None, "tool_calls": [call]}, {"content": None, "function_call": call["function"]},
            {"content": None, "tool_calls": [{"function": {"arguments": RECORD}}]}, {"content": RECORD},
            {"content": None, "refusal": "I cannot\x00\ud800"}, {"content": 7}, {"content": [[], 1, {"type": {}}]},
            {"content": None, "tool_calls": 3}, {"tool_calls": [None, {"function": 1}]}, [], text,
        )
    )  # fmt: skip


def _whole(text: str, reason: Any, usage: Any, rng: random.Random) -> bytes:
    envelope = _envelope(_message(text, rng), reason, usage)
    odd = rng.random()
    if odd < 0.1:
        blocks = rng.choice(([{"type": "text", "text": text}], [{"type": "tool_use", "input": RECORD}], text, 5))
        envelope = {"type": "message", "content": blocks, "stop_reason": reason, "usage": usage}
    elif odd < 0.15:
        envelope = rng.choice(
            (
                {}, {"output": text}, {"choices": text}, {"choices": []}, RECORD,
                {"error": {"message": text, "code": 500}}, {"error": json.loads("[" * 800 + "]" * 800)},
                {"choices": [{"error": text}]}, {"choices": [{"text": text}]},
            )
        )  # fmt: skip
    return json.dumps(envelope, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")


def _events(text: str, reason: Any, usage: Any, rng: random.Random) -> bytes:
    size = max(1, len(text) // 200) if len(text) > 200 else rng.choice((1, 3, 50))
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    shape = rng.randrange(6)
    events: list[Any] = []
    for piece in pieces:
        call = [{"index": 0, "function": {"arguments": piece}}]
        part: Any = ({"content": piece}, {"content": piece}, {"content": [{"type": "text", "text": piece}]},
                     {"tool_calls": call}, {"reasoning_content": piece}, {"content": piece})[shape]  # fmt: skip
        events.append({"choices": [{"index": 0, "message" if shape == 5 else "delta": part, "finish_reason": None}]})
    if rng.random() < 0.2:
        events.insert(0, {"choices": [{"index": 1, "delta": {"content": "other"}}]})
    if rng.random() < 0.9:
        events.append({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
    events.append({"choices": [], "usage": usage})
    if rng.random() < 0.2:
        events.insert(rng.randrange(len(events) + 1), {"error": {"message": "down", "code": 500}})
    if rng.random() < 0.1:
        events.insert(rng.randrange(len(events) + 1), rng.choice(("x", 3, [], {"choices": 3}, {"choices": [None]})))
    end = rng.choice(("\n", "\n", "\r\n", "\r"))
    lines = [_event(json.dumps(event), end, rng) for event in events]
    lines.insert(0, f": PING{end}{end}")
    if rng.random() < 0.7:
        lines.append(f"data: [DONE]{end}{end}")
    return "".join(lines).encode("utf-8", "surrogatepass")


def _event(data: str, end: str, rng: random.Random) -> str:
    if rng.random() < 0.02 and ", " in data:
        data = data.replace(", ", f",{end}data: ", 1)
    return f"data: {data}{end}" + (end if rng.random() < 0.98 else "")


def _mutated_text(text: str, rng: random.Random) -> str:
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(text) + 1)
        odd = rng.choice(
            ("\x00", "\ud800", "{", "}", '"', "\\", "```", "<think>", "</think>", "NaN", "\ufeff", "é", ",")
        )
        text = text[:at] + odd + text[at + rng.randrange(3) :]
    return text


def _mutated(body: bytes, rng: random.Random) -> bytes:
    made = bytearray(body)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(made) + 1)
        made[at : at + rng.choice((0, 1, 1, 40))] = rng.choice(
            (b"", b"\xff", b"\x00", b"{", b"\n", b"\r", rng.randbytes(3))
        )
    return bytes(made)
