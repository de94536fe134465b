"""The tool calls of a streamed answer, put together from their pieces.

Not every server numbers them: `index` may be missing, or 0 for all. Then the id, the name, or an object that is
closed tells where the next call begins; but some repeat the id and the name with each piece, or make up a new id.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from extractors.vision.envelopes import Call

_MARKS = re.compile(r'\\.?|["{}]', re.DOTALL)


@dataclass
class Called:
    """What one call said so far."""

    place: int | None
    id: str | None
    name: str | None
    pieces: list[str] = field(default_factory=list)
    _depth: int = 0
    _opened: bool = False
    _quoted: bool = False
    _escape: str = ""

    def hear(self, call: Call) -> None:
        """Takes one more piece."""
        self.id, self.name = self.id or call.id, self.name or call.name
        self.pieces.append(call.arguments)
        marks = _MARKS.findall(self._escape + call.arguments)
        self._escape = "\\" if marks and marks[-1] == "\\" else ""
        for mark in marks:
            if mark == '"':
                self._quoted = not self._quoted
            elif mark in "{}" and not self._quoted:
                self._opened = True
                self._depth += 1 if mark == "{" else -1

    def is_followed_by(self, call: Call) -> bool:
        """Whether a piece in its place begins another call."""
        if call.name and self.name and call.name != self.name:
            return True
        if call.id and call.id == self.id:
            return False
        if self._opened and self._depth <= 0:
            # Nothing goes on after a whole object; a call of nothing that is opened so harms nobody.
            return bool(call.id or call.name or call.arguments.lstrip().startswith("{"))
        # An index says more than an id: some servers make up an id for each piece.
        return call.place is None and bool(call.id and self.id)

    def whole(self) -> dict[str, Any]:
        """As it would have come in one piece."""
        named = {"name": self.name} if self.name else {}
        known = {"id": self.id} if self.id else {}
        return {**known, "type": "function", "function": {**named, "arguments": "".join(self.pieces)}}


@dataclass
class Calls:
    """The calls of one answer, in the order in which they began."""

    all: list[Called] = field(default_factory=list)
    _by_id: dict[str, Called] = field(default_factory=dict)
    _last: dict[int | None, Called] = field(default_factory=dict)
    """In each place; under None, the one that was heard last."""

    def hear(self, call: Call) -> None:
        """Adds a piece to the call that it is of, or as a new one."""
        called = self._by_id.get(call.id or "")
        if called is None or (call.place is not None and call.place != called.place):
            called = self._last.get(call.place)
        if called is None or called.is_followed_by(call):
            called = Called(call.place, call.id, call.name)
            self.all.append(called)
            self._last[call.place] = called
        called.hear(call)
        self._last[None] = called
        if called.id is not None:
            self._by_id.setdefault(called.id, called)
