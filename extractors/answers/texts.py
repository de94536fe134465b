"""Where a text is printed on a page: all of its letters and digits, in order, and no more of an identifier. Pure."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

from extractors.answers.page_text import TOKEN, PageText, Place, folded
from extractors.answers.wholeness import goes_on, is_whole
from schemas.amounts import read

_DIGIT = re.compile(r"\d")
_NO_BLANKS = re.compile(r"[\u3005\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]")
"""Letters of Chinese, Japanese and Thai, which set no blanks between words."""
_KATAKANA = re.compile(r"[\u30a0-\u30ff]{2}")
"""Two letters of one foreign word: a part of it is none."""
_MARK = re.compile(r"(?<=\d)[.,](?=\d)")
_HYPHENS = frozenset("-\u2010\u2011\u00ad")
_LONG_NUMBER = re.compile(r"[a-z]{2}\d\d[a-z\d]{11,30}|\d{15,19}", re.ASCII)
"""An IBAN or a card's number, printed in groups of four."""
_LEAST_DIGITS, _SEVERAL, _CODE = 6, 2, 3
_MOST_STARTS, _MOST_TOKENS, _MOST_NAMES = 12, 80, 4
_REACH, _FEW_LINES = 2.6, 4.0
"""Line heights down to the next line of a cell at most, and between two parts of an address."""


def text_places(value: str, text: PageText) -> list[Place]:
    """Where the page prints the text, over line breaks and inside split words too."""
    if not TOKEN.search(value):
        return [text.run(number, number) for number, word in enumerate(text.words) if word.text == value.strip()]
    found = [
        place for place in _runs(value, text) if _is_all(value, place, text) or _is_hyphenated(place, text, value)
    ]
    return found or (_blocks(value, text) if _in_fours(value) else [])


def laid_out_places(value: str, text: PageText) -> list[Place]:
    """Where a reader sees the text, whatever order the file has: in a line, in a cell of several, in parts."""
    tokens = _in_fours(value) or TOKEN.findall(folded(value))
    if value.isascii() and not all(token in text.letters for token in tokens):
        return []
    return _in_lines(value, text) or _blocks(value, text) or _in_parts(value, text) or _surname_first(value, text)


def _in_lines(value: str, text: PageText) -> list[Place]:
    """Where it stands in a line, as a reader goes through it."""
    seen, order = text.as_seen
    return [seen_at(place, order) for place in _runs(value, seen) if _is_all(value, place, seen)]


def seen_at(place: Place, order: list[int]) -> Place:
    """A place among the words as they are seen, told by their order in the file."""
    return replace(place, words=tuple([order[number] for number in place.words]))


def _in_parts(value: str, text: PageText) -> list[Place]:
    """A text of several parts ("Main Street 1, 12345 Town") whose parts stand apart, each near another."""
    parts = [part for part in re.split(r"[,;\n]", value) if TOKEN.search(part)]
    if len(parts) < _SEVERAL:
        return []
    found = [text_places(part, text) or _in_lines(part, text) or _blocks(part, text) for part in parts]
    if not all(found):
        return []
    ways = [way for first in found[0] if (way := _together(first, found[1:], text))]
    if not ways:
        return []
    lines = text.lines
    together = min(ways, key=lambda way: sum(abs(lines[place.first] - lines[way[0].first]) for place in way))
    return [Place(text.page, tuple(sorted({number for place in together for number in place.words})))]


def _surname_first(value: str, text: PageText) -> list[Place]:
    """Where a person's name is printed as in a list: "SMITH, John" for "John Smith"."""
    names = value.split()
    if not _SEVERAL <= len(names) <= _MOST_NAMES or _DIGIT.search(value):
        return []
    return [
        place
        for given in range(1, len(names))
        for place in _runs(" ".join(names[given:] + names[:given]), text)
        if len(place.words) == len(names) and text.words[place.words[-given - 1]].text.endswith(",")
    ]


def _together(first: Place, others: list[list[Place]], text: PageText) -> list[Place]:
    """The places of all parts that are nearest to one of the first; none where one stands apart from the rest."""
    lines, chosen = text.lines, [first]
    for places in others:
        nearest = sorted(places, key=lambda each: abs(lines[each.first] - lines[first.first]))
        for place in nearest[:_MOST_STARTS]:
            if any(_is_near(place, other, text) for other in chosen):
                chosen.append(place)
                break
        else:
            return []
    return chosen


def _is_near(one: Place, other: Place, text: PageText) -> bool:
    """Whether two places are on one line, or a few lines apart in one column: side by side stand two parties."""
    if not {text.lines[word] for word in one.words}.isdisjoint({text.lines[word] for word in other.words}):
        return True
    (_, top, _, bottom), (_, others_top, _, others_bottom) = text.box_of(one), text.box_of(other)
    between = max(top, others_top) - min(bottom, others_bottom)
    return between < _FEW_LINES * text.height and _share_column(one.words, other.words, text)


def _runs(value: str, text: PageText) -> Iterator[Place]:
    """Runs of words whose letters and digits are the value's."""
    needle = "".join(TOKEN.findall(folded(value)))
    at = text.letters.find(needle) if needle else -1
    while at >= 0:
        first, after = bisect_left(text.offsets, at), bisect_left(text.offsets, at + len(needle))
        whole = text.offsets[first] == at and text.offsets[after] == at + len(needle)
        if whole and is_whole(value, first, after, text):
            if not _leaves_column(text.owners[first], text.owners[after - 1], text):
                yield text.run(text.owners[first], text.owners[after - 1])
        elif not whole and _runs_together(needle, at, text.letters):
            head = bisect_right(text.offsets, at) - 1
            yield text.run(text.owners[head], text.owners[after - 1])
        at = text.letters.find(needle, at + 1)


def _leaves_column(first: int, last: int, text: PageText) -> bool:
    """Whether a run goes on in another column's next line, where columns stand side by side."""
    if first == last:
        return False
    lines = text.lines
    for number in range(first, last):
        if lines[number + 1] == lines[number] + 1 and not _share_column([number], [number + 1], text):
            both = text.of_line[lines[number]], text.of_line[lines[number + 1]]
            return all(text.cell_of(line[0]) is not text.cell_of(line[-1]) for line in both)
    return False


def _share_column(ones: Sequence[int], others: Sequence[int], text: PageText) -> bool:
    """Whether the cells of some words are over those of others."""
    (left, right), (others_left, others_right) = (
        text.edges_of(Place(text.page, tuple(number for word in words for number in text.cell_of(word))))
        for words in (ones, others)
    )
    return left < others_right and others_left < right


def _runs_together(needle: str, at: int, letters: str) -> bool:
    """Whether a text in a script without blanks stands inside what no blank parts: 山田太郎 in 山田太郎様."""
    if needle.isascii() or len(needle) < _SEVERAL or any(map(str.isdecimal, needle)):
        return False
    before, behind = letters[at - 1 : at] if at else "", letters[at + len(needle) : at + len(needle) + 1]
    if not all(map(_NO_BLANKS.match, (*before, needle[0], needle[-1], *behind))):
        return False
    return not (_KATAKANA.fullmatch(before + needle[0]) or _KATAKANA.fullmatch(needle[-1] + behind))


def _is_all(value: str, place: Place, text: PageText) -> bool:
    """Whether a run says the value and no other: its marks between digits, its case where it is a code."""
    printed = text.text_of(place)
    if _is_code(value):
        return value in TOKEN.findall(printed)
    if not _DIGIT.search(value):
        return len(value.split()) > 1 or len(place.words) == 1 or text.is_close(place.first, place.words[-1])
    if len(place.words) > 1 and len(value.split()) == 1:
        digits = sum(map(str.isdecimal, value))
        if not text.is_close(place.first, place.words[-1]) or (digits == len(value) and digits < _LEAST_DIGITS):
            return False
    own, shown = _marks(value), _marks(printed)
    numbered = value.isdecimal() and len(value) >= _LEAST_DIGITS
    if own == shown or (numbered and len(shown) > 1 and not read(printed, units=True).values):
        return True
    one, other = read(value, units=True).values, read(printed.strip(" .,:;"), units=True).values
    if one or other:
        return not set(map(abs, one)).isdisjoint(map(abs, other))
    return (not own and len(shown) > 1) or (not shown and len(own) > 1)


def _is_hyphenated(place: Place, text: PageText, value: str) -> bool:
    """Whether a word goes on after a hyphen at its line's end; what has digits, after a hyphen of its own."""
    words = [text.words[number].text for number in place.words]
    if len(words) == 1 or not all(word[-1:] in _HYPHENS and len(word) > 1 for word in words[:-1]):
        return False
    if any(text.lines[number] + 1 != text.lines[number + 1] for number in place.words[:-1]):
        return False
    return not _DIGIT.search(value) or "".join(words) == value


def _is_code(value: str) -> bool:
    return len(value) <= _CODE and value.isalpha() and value.isupper() and value.isascii()


def _marks(value: str) -> list[int]:
    """After how many letters and digits a dot or comma stands between two digits."""
    if "." not in value and "," not in value:
        return []
    return [len("".join(TOKEN.findall(value[: match.start()]))) for match in _MARK.finditer(value)]


def _blocks(value: str, text: PageText) -> list[Place]:
    """The text as a cell of several lines, whose words are not all in a run where columns stand side by side."""
    fours = _in_fours(value)
    tokens = fours or TOKEN.findall(folded(value))
    if not _SEVERAL <= len(tokens) <= _MOST_TOKENS or not (fours or any(map(_is_word, tokens))):
        return []
    if not all(token in text.at for token in tokens):
        return []
    found = []
    for start in text.at[tokens[0]][:_MOST_STARTS]:
        block = _block(tokens, start, text)
        words = tuple(dict.fromkeys(text.owners[token] for token in block or ()))
        if block and _leaves_nothing_out(block, text) and not goes_on(words, text):
            found.append(Place(text.page, words))
    return found


def _block(tokens: list[str], start: int, text: PageText) -> list[int] | None:
    """Tokens from one on, each right behind the one before it or on the next line under the block."""
    block = [start]
    for token in tokens[1:]:
        here = next((n for n in _following(block, text) if text.tokens[n] == token and n not in block), None)
        if here is None:
            return None
        block.append(here)
    return block


def _is_word(token: str) -> bool:
    return token.isalpha() and len(token) > _SEVERAL


def _leaves_nothing_out(block: list[int], text: PageText) -> bool:
    """Whether a block leaves out no token of its words: of a code or an amount every one counts."""
    taken, words = set(block), {text.owners[token] for token in block}
    return all(n in taken for word in words for n in range(text.first_tokens[word], _end(word, text)))


def _following(block: list[int], text: PageText) -> Iterator[int]:
    """What may come next: in the same word, behind it on its line (before it where one writes so), or below."""
    last = block[-1]
    word = text.owners[last]
    if last + 1 < len(text.tokens) and not _leaves_column(word, text.owners[last + 1], text):
        yield last + 1
    line = [number for number in text.of_line[text.lines[word]] if _has_tokens(number, text)]
    at = line.index(word)
    beside = line[at + 1 : at + 2]
    from_right = any(text.is_from_right(text.owners[token]) for token in block)
    if at and from_right:
        beside.append(line[at - 1])
    end, start = (0, -1) if from_right else (-1, 0)
    if word == _in_cell(word, text)[end]:
        beside += [number for number in _below(block, text) if number == _in_cell(number, text)[start]]
    for number in beside:
        yield text.first_tokens[number]


def _below(block: list[int], text: PageText) -> list[int]:
    """The words of the next line under a block and its cell."""
    word = text.owners[block[-1]]
    left, right = text.edges_of(Place(text.page, (*(text.owners[token] for token in block), *text.cell_of(word))))
    _, top, _, bottom = text.words[word].box
    number = text.lines[word] + 1
    while number in text.of_line:
        line = text.of_line[number]
        if text.words[line[0]].box[1] - top > _REACH * (bottom - top):
            break
        under = [n for n in line if text.words[n].box[0] < right and left < text.words[n].box[2]]
        if under := [n for n in under if _has_tokens(n, text)]:
            return under
        number += 1
    return []


def _in_cell(word: int, text: PageText) -> list[int]:
    """The words of a word's cell on its line, without lone marks."""
    return [number for number in text.cell_of(word) if _has_tokens(number, text)]


def _in_fours(value: str) -> list[str]:
    """The groups of an IBAN or of a card's number; none of another text."""
    letters = "".join(value.split()).lower()
    return re.findall(".{1,4}", letters) if _LONG_NUMBER.fullmatch(letters) else []


def _has_tokens(word: int, text: PageText) -> bool:
    first = text.first_tokens[word]
    return first < len(text.owners) and text.owners[first] == word


def _end(word: int, text: PageText) -> int:
    token = text.first_tokens[word]
    while token < len(text.owners) and text.owners[token] == word:
        token += 1
    return token
