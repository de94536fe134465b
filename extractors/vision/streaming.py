"""Streamed answers: server-sent events gathered into the body that the same answer would have come in.

Raw bytes are looked at every few KiB, so that thousands of events a second stay cheap. One that runs away
(`runaways`) is cut off, and costs no more.
"""

import json
import re
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from extractors.vision.called import Calls
from extractors.vision.endings import BROKEN_OFF, RUNAWAY, ending_of
from extractors.vision.envelopes import calls_of, refusal_of, words_of
from extractors.vision.message_events import as_chunk, ends
from extractors.vision.openai_chat import is_error
from extractors.vision.runaways import WATCHED, runs_away
from extractors.vision.usages import OF_THE_ANSWER
from extractors.vision.wire import number, read_json

_LOOK_EVERY = 4096  # bytes of the stream
_RAW = 16
"""Bytes of events for one byte of an answer at most: each piece of a word comes in an envelope of its own."""

_TELLING = re.compile(rb'"(?:finish|stop)_reason": ?"|\[DONE\]|message_stop|"error": ?[{"]')
"""What is looked at as soon as it comes: after it a server may hold the connection open, saying nothing."""

_UNSTORABLE = re.compile("[\ud800-\udfff]")
_NAMES = ("id", "model", "provider")
_CUMULATIVE = 16
"""Characters from which a message that begins with all that was said is told anew, not gone on with."""


@dataclass
class _Choice:
    """What one of the answers said so far."""

    pieces: list[str] = field(default_factory=list)
    calls: Calls = field(default_factory=Calls)
    thoughts: list[str] = field(default_factory=list)
    refusal: str = ""
    finish_reason: str | None = None

    def hear(self, told: Mapping[str, Any], said: list[str]) -> None:
        """Takes a choice of an event; what is new of the answer goes into `said`, too."""
        if isinstance(told.get("finish_reason"), str):
            self.finish_reason = told["finish_reason"]
        delta = told.get("delta")
        message = delta if isinstance(delta, dict) else told.get("message")
        if not isinstance(message, dict):
            message = {"content": told.get("text")}
        elif message is not delta:
            self._begin_anew(words_of(message.get("content")) or "")
        self.refusal += refusal_of(message) or ""
        thoughts = words_of(message.get("reasoning_content") or message.get("reasoning"), thoughts=True)
        for kept, piece in ((self.pieces, words_of(message.get("content"))), (self.thoughts, thoughts)):
            if piece:
                kept.append(piece)
                said.append(piece)
        for call in calls_of(message):
            self.calls.hear(call)
            said.append(call.arguments)

    def _begin_anew(self, words: str) -> None:
        """Some servers send the whole message again at the end, or with each event."""
        before = "".join(self.pieces)
        if len(before) >= _CUMULATIVE and words.startswith(before):
            self.pieces.clear()

    def message(self) -> dict[str, Any]:
        """As it would have come in one piece."""
        message: dict[str, Any] = {
            "role": "assistant",
            "content": "".join(self.pieces),
            "refusal": self.refusal or None,
        }
        if self.calls.all:
            message["tool_calls"] = [called.whole() for called in self.calls.all]
        if self.thoughts:
            message["reasoning_content"] = "".join(self.thoughts)
        return message

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing, as far as its end or its last brace says."""
        if self.finish_reason is not None:
            return ending_of(self.finish_reason) != "failed"
        texts = ["".join(self.pieces)] if self.pieces else ["".join(each.pieces) for each in self.calls.all]
        said = [text.strip() for text in texts if text.strip()]
        return bool(said) and all(map(_is_object, said))


class Stream:
    """Server-sent events as they are heard.

    Attributes:
        ended: the answer, or an error, is there: what may follow is its usage.
        told: its usage is there, too.
        over: it ran away, or is longer than an answer may be: the rest is not to be heard.
        begun_at: when (monotonic) the first piece of the answer came, or of the thoughts before it.
    """

    def __init__(self, most: int) -> None:
        """Hears nothing yet; `most` is bytes of an answer."""
        self.ended = self.told = self.over = False
        self.begun_at: float | None = None
        self._most = most
        self._buffer, self._looked, self._raw, self._size = bytearray(), 0, 0, 0
        self._has_line = False
        self._pending: list[bytes] = []
        self._said: list[str] = []
        self._choices: defaultdict[int, _Choice] = defaultdict(_Choice)
        self._usage: dict[str, Any] | None = None
        self._is_counted = False
        self._named: dict[str, str] = {}
        self._error: Any = None
        self._garbled = False

    def add(self, chunk: bytes) -> None:
        """Takes some more bytes."""
        self._buffer += chunk
        self._looked += len(chunk)
        self._raw += len(chunk)
        self._has_line = self._has_line or b"\n" in chunk or b"\r" in chunk
        if self._raw > self._most * _RAW or len(self._buffer) > self._most * 2:
            self._cut_off()
        elif self._has_line and (
            self._looked >= _LOOK_EVERY or self.ended or self.begun_at is None or _TELLING.search(chunk)
        ):
            self._look()

    def body(self) -> str:
        """The answer in one piece; its finish reason is `runaway` or `broken_off` where it has none of its own."""
        if not self.over:
            self._buffer += b"\n\n"
            self._take_lines()
        choice = self._chosen()
        usage = {**self._named, **self._told_usage(counted=self._is_counted or choice.is_whole)}
        if self._error is not None and not choice.is_whole:
            partial = [{"message": choice.message()}] if self._size else []
            return _json({"error": self._error, "choices": partial, **usage})
        reason = choice.finish_reason
        if self._garbled or (reason is None and not choice.is_whole):
            reason = RUNAWAY if self.over else BROKEN_OFF
        told = {"index": 0, "message": choice.message(), "finish_reason": reason or "stop"}
        return _json({"object": "chat.completion", "choices": [told], **usage})

    def _told_usage(self, *, counted: bool) -> dict[str, Any]:
        """What was told of tokens and cost; of an answer that broke off, nobody knows its length then."""
        usage = self._usage or {}
        if not counted:
            usage = {name: value for name, value in usage.items() if name not in {*OF_THE_ANSWER, "cost"}}
        return {"usage": usage} if usage else {}

    @property
    def _watched(self) -> str:
        return "".join(self._said[-WATCHED:])

    def _look(self) -> None:
        self._looked, self._has_line = 0, False
        self._take_lines()
        if self.ended:
            return
        if self._size > self._most or runs_away(self._watched[-WATCHED:], lambda: "".join(self._said)):
            self._cut_off()

    def _cut_off(self) -> None:
        """What is left of the buffer is an event cut in two, and is not heard."""
        self.over = True
        choice = self._chosen()
        choice.finish_reason = choice.finish_reason or RUNAWAY

    def _chosen(self) -> _Choice:
        """The first choice, or the first that says something."""
        order = sorted(self._choices)
        said = (index for index in order if self._choices[index].pieces or self._choices[index].calls.all)
        return self._choices[next(said, order[0] if order else 0)]

    def _take_lines(self) -> None:
        """Hears every whole line of the buffer and leaves the rest. A line ends with LF, CR LF or CR alone."""
        buffer = self._buffer
        if b"\r" in buffer:
            cut = buffer.endswith(b"\r")  # its LF may be still to come
            self._buffer = buffer = bytearray(
                bytes(buffer[: len(buffer) - cut]).replace(b"\r\n", b"\n").replace(b"\r", b"\n") + b"\r" * cut
            )
        end = buffer.rfind(b"\n")
        if end < 0:
            return
        for line in bytes(buffer[:end]).split(b"\n"):
            if line.startswith(b"data:"):
                self._take_data(line[5:].strip())
            elif not line:
                self._dispatch()
        if not buffer[end + 1 :].strip():
            self._dispatch_if_whole()
        del buffer[: end + 1]

    def _take_data(self, data: bytes) -> None:
        """An event's data may stand on several lines; some servers forget the blank line between two events."""
        if data.startswith(b"{") or data == b"[DONE]":
            self._dispatch_if_whole()
        self._pending.append(data)

    def _dispatch_if_whole(self) -> None:
        if self._pending and (self._pending[-1].endswith(b"}") or self._pending[-1] == b"[DONE]"):
            self._dispatch()

    def _dispatch(self) -> None:
        if self._pending:
            data = b"\n".join(self._pending)
            self._pending.clear()
            self._hear(data)

    def _hear(self, data: bytes) -> None:
        if data == b"[DONE]":
            self._end()
            return
        heard = _event(data)
        if not isinstance(heard, dict):
            # Something of the answer may be lost with it, unless the answer had ended.
            self._garbled = self._garbled or (bool(data) and not self.ended)
            return
        event = as_chunk(heard)
        usage = event.get("usage")
        if self.begun_at is None or usage is not None or self.ended:
            self._named |= {name: event[name] for name in _NAMES if isinstance(event.get(name), str) and event[name]}
        if isinstance(usage, dict):
            self._usage = _added(self._usage or {}, usage)
            self.told = self.ended
        if is_error(event):
            self._fail(event.get("error") or event)
        choices = event.get("choices")
        for place, told in enumerate(choices if isinstance(choices, list) else ()):
            if isinstance(told, dict):
                index = told.get("index", place)
                self._hear_choice(index if isinstance(index, int) else place, told)
        self._is_counted = self._is_counted or (self.ended and isinstance(usage, dict))
        if ends(heard):
            self._end()

    def _end(self) -> None:
        self.ended = self.told = True
        self._is_counted = self._usage is not None
        choice = self._chosen()
        if self._error is None:
            choice.finish_reason = choice.finish_reason or "stop"

    def _hear_choice(self, index: int, told: Mapping[str, Any]) -> None:
        before = len(self._said)
        self._choices[index].hear(told, self._said)
        self._size += sum(map(len, self._said[before:]))
        if self._size and self.begun_at is None:
            self.begun_at = time.monotonic()
        if told.get("error"):
            self._fail(told["error"])
        self.ended = self.ended or all(choice.finish_reason is not None for choice in self._choices.values())
        self.told = self.ended and self._usage is not None

    def _fail(self, error: Any) -> None:
        self._error = self._error or error
        self.ended = True


def _is_object(text: str) -> bool:
    return text.startswith("{") and text.endswith("}") and isinstance(read_json(text), dict)


def _added(before: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Usage as told so far: counts only grow, and what is null or 0 later takes nothing back."""
    news = {name: value for name, value in told.items() if value is not None}
    shrunk = {
        name
        for name, value in news.items()
        if (now := number(value)) is not None and (known := number(before.get(name))) is not None and now < known
    }
    return {**before, **{name: value for name, value in news.items() if name not in shrunk}}


def _event(data: bytes) -> Any:
    """An event decoded; a byte that is no UTF-8 is shown as such in the text, for the rest of it is good."""
    if len(data) > _LOOK_EVERY:
        return read_json(data.decode("utf-8", "replace"))
    try:
        return json.loads(data)
    except UnicodeDecodeError:
        return read_json(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None


def _json(body: Mapping[str, Any]) -> str:
    """To the letter: what no database stores as it is stays escaped."""
    text = json.dumps(body, ensure_ascii=False)
    return json.dumps(body, ensure_ascii=True) if _UNSTORABLE.search(text) else text
