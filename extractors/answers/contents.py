"""Whether pages show anything that a schema asks for, by their words. Pure.

Pages of terms behind an invoice show no label of it and no row of a table: then "nothing" is an answer.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from extractors.documents import Word
from schemas.printed_numbers import printed_numbers

_TOKEN = re.compile(r"[^\W_]+")
_DIGIT = re.compile(r"\d")

Labels = frozenset[tuple[str, ...]]
"""Labels as their words, folded."""


def labels_of(schema: Mapping[str, Any]) -> Labels:
    """How documents print the names of a JSON schema's fields: its `labels`, and the names themselves."""
    found: set[tuple[str, ...]] = set()
    left: list[Any] = [schema]
    while left:
        node = left.pop()
        if isinstance(node, list):
            left += node
        if not isinstance(node, Mapping):
            continue
        named = node.get("labels")
        found |= {_tokens(label) for label in (named if isinstance(named, list) else ()) if isinstance(label, str)}
        properties = node.get("properties")
        if isinstance(properties, Mapping):
            found |= {_tokens(str(name).replace("_", " ")) for name in properties}
        left += node.values()
    return frozenset(found - {()})


def shows_content(pages: Sequence[Sequence[Word]], labels: Labels) -> bool | None:
    """Whether some pages show a label with a value beside it, or an amount as tables have them.

    Args:
        pages: the words of each, in reading order.
        labels: of the schema.

    Returns:
        None where a page has no words to look at.
    """
    if not all(pages):
        return None
    longest = max(map(len, labels), default=0)
    return any(_is_content(line, labels, longest) for words in pages for line in _lines(words))


def _is_content(line: Sequence[str], labels: Labels, longest: int) -> bool:
    text = " ".join(line)
    if any(one.reading.cents for one in printed_numbers(text)):
        return True
    tokens = _tokens(text)
    length = next((size for size in range(min(longest, len(tokens)), 0, -1) if tokens[:size] in labels), 0)
    rest = tokens[length:]
    return bool(length) and (not rest or any(map(_DIGIT.search, rest)) or text.rstrip().endswith(":"))


def _tokens(text: str) -> tuple[str, ...]:
    return tuple(_TOKEN.findall(text.casefold()))


def _lines(words: Sequence[Word]) -> Iterator[list[str]]:
    """The words' texts, line by line in reading order."""
    line: list[str] = []
    middle = 0.0
    for word in words:
        here = (word.box[1] + word.box[3]) / 2
        if line and abs(here - middle) > (word.box[3] - word.box[1]) / 2:
            yield line
            line = []
        line.append(word.text)
        middle = here
    if line:
        yield line
