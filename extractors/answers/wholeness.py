"""Whether an identifier that stands on a page is all that is printed there, and no part of a longer one. Pure."""

import re
from collections.abc import Sequence

from extractors.answers.page_text import TOKEN, PageText
from schemas.amounts import plain_characters

_DIGIT = re.compile(r"\d")
_BESIDE = frozenset(":#=([{<>|;,&*\"'„“”’°º№~§")
_POSTCODE = re.compile(r"([A-Z]{1,3})-(\d{4,5}),?")
_LANDS = (
    " A AT B BE BG CH CY CZ D DE DK E EE ES F FI FIN FL FR GR H HR HU I IT L LI LT LU LV MT N NL NO P PL PT RO S SE"
    " SI SK SLO "
)
"""What is printed before a European postcode; RE is Réunion too, but mostly a bill."""
_GROUP, _FIRST_GROUP = re.compile(r"\d+[.,;:]?"), re.compile(r"\+?\d+|[A-Z]{2}\d\d")
_SEVERAL, _CODE = 2, 3


def is_whole(value: str, first: int, after: int, text: PageText) -> bool:
    """Whether an identifier is not a part of a longer one: "18-31" is not "R18-31"."""
    head, tail = text.owners[first], text.owners[after - 1]
    if "@" in value:
        return not _is_longer_mail(value, "".join([word.text for word in text.words[head : tail + 1]]))
    if not _DIGIT.search(value):
        return True
    if goes_on(range(head, tail + 1), text):
        return False
    if len(value.split()) > 1:
        return True
    before, behind = first - text.first_tokens[head], after - text.first_tokens[tail]
    return (_may_stand(text.words[head].text, before, before=True) or _is_postcode(value, head, text)) and _may_stand(
        text.words[tail].text, behind, before=False
    )


def _is_longer_mail(value: str, printed: str) -> bool:
    """Whether an address of a mailbox is cut from another: "info@acme.com" from "info@acme.com.au"."""
    mail = re.escape(value.strip().casefold())
    return re.search(rf"\w[.+-]?{mail}|{mail}[.-]?\w", printed.casefold()) is not None


def goes_on(words: Sequence[int], text: PageText) -> bool:
    """Whether a number in groups has one more of them right before or behind it: "123 456" in "123 456 789"."""
    if len(words) < _SEVERAL:
        return False
    return _are_groups(words[0] - 1, words[1], text) or _are_groups(words[-2], words[-1] + 1, text)


def _are_groups(first: int, last: int, text: PageText) -> bool:
    """Whether three words are the groups of one number: digits close together, before them perhaps an IBAN's land."""
    groups = [word.text for word in text.words[max(0, first) : last + 1]]
    return (
        len(groups) == _SEVERAL + 1
        and _FIRST_GROUP.fullmatch(groups[0]) is not None
        and all(map(_GROUP.fullmatch, groups[1:]))
        and text.is_close(first, last)
    )


def _is_postcode(value: str, word: int, text: PageText) -> bool:
    """Whether a land's letters stand before a postcode and its town behind it: "D-10115 Berlin"."""
    code = _POSTCODE.fullmatch(plain_characters(text.words[word].text))
    if code is None or f" {code[1]} " not in _LANDS or code[2] != value or word + 1 == len(text.words):
        return False
    return text.words[word + 1].text[:1].isupper() and text.lines[word] == text.lines[word + 1]


def _may_stand(word: str, tokens: int, *, before: bool) -> bool:
    """Whether what stands between a word's token and those of the value is a label's mark, and no joint of a code."""
    word = plain_characters(word)
    spans = [match.span() for match in TOKEN.finditer(word)]
    if (before and not tokens) or tokens >= len(spans) or not tokens:
        return True
    between = word[spans[tokens - 1][1] : spans[tokens][0]]
    if any(character in _BESIDE for character in between):
        return True
    if not before:
        return False
    label = word[spans[tokens - 1][0] : spans[tokens - 1][1]]
    if between == "." and label.isalpha():
        return True
    return len(label) > _CODE and not label.casefold().strip("x") and set(between) <= {"-"}
