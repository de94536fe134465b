"""What may stand at each place of an answer, made once from a JSON schema, and what an answer means by it.

A word for "nothing" ("N/A", "-") in a field that may be null is null, and an enum's word in another case or
spacing is that word, as is the name of a field: read so wherever exactly one word can be meant, and nowhere else.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.folding import without_accents

_NOTHING = frozenset({
    "na", "null", "none", "nil", "notavailable", "notapplicable", "notprovided", "notspecified", "notstated",
    "notgiven", "notfound", "notpresent", "notshown", "notmentioned", "nodata", "novalue", "undefined", "nan",
    "ka", "keine", "keineangabe", "keineangaben", "nichtangegeben", "nichtvorhanden", "entfallt", "entfällt",
    "nonindiqué", "nonprécisé", "nonspecificato", "nondisponibile", "nodisponible", "noespecificado", "noaplica",
    "nvt", "nietvantoepassing", "nietbekend", "brak", "nemá", "saknas", "puuttuu", "なし", "无", "нет",
})  # fmt: skip
"""Folded: letters and digits only."""

_NOTHING_TYPED = _NOTHING | {"unknown", "unbekannt", "inconnu", "onbekend", "no", "so", "sin", "senza", "sans", "tbd"}
"""In a field that takes no free text more words can mean nothing: no amount, date or code is called so."""

_SPACING = re.compile(r"(?<=\w)[\s_-]+(?=\w)|^\s+|\s+$")
_NO = frozenset({"no", "n", "false", "off"})
_CODE = 2
"""Letters of a country's code: of a text of exactly so many, NA is one."""

_MOST_BRANCHES, _DEEPEST, _LONGEST = 64, 32, 40


@dataclass(frozen=True)
class Shape:
    """What may stand at one place.

    Attributes:
        properties: of an object; empty where none may stand.
        items: of a list; None where none may stand.
        nullable: null may stand.
        free: any text may stand.
        words: folded -> the one word of an enum that folds so.
        unaccented: the same without accents.
        numbers: of an enum.
        own: words that are values here in any case, whatever they mean elsewhere (enum, const, examples, "no" of a
            boolean), as `_spelled`.
        patterns: of a text: what matches one of them and looks like a word for nothing is a value (NA is Namibia).
        required: properties that may not be left out.
    """

    properties: Mapping[str, "Shape"] = field(default_factory=dict)
    items: "Shape | None" = None
    nullable: bool = False
    free: bool = False
    words: Mapping[str, str] = field(default_factory=dict)
    unaccented: Mapping[str, str] = field(default_factory=dict)
    numbers: frozenset[float] = frozenset()
    own: frozenset[str] = frozenset()
    patterns: tuple[re.Pattern[str], ...] = ()
    required: frozenset[str] = frozenset()


def shape_of(document: Mapping[str, Any]) -> Shape:
    """The shape that a JSON schema describes; what it says twice (`allOf`, `anyOf`) is taken together."""
    return _shape([document], document, 0)


def meant(answer: Any, shape: Shape) -> Any:
    """The same answer, with null for words that mean nothing and with an enum's own words."""
    if isinstance(answer, dict) and shape.properties:
        return {
            name: value
            for name, child in _named(answer, shape).items()
            for value in [_field(child, shape.properties.get(name), optional=name not in shape.required)]
            if value is not _LEFT_OUT
        }
    if isinstance(answer, list) and shape.items is not None:
        return [meant(child, shape.items) for child in answer]
    if isinstance(answer, str):
        return _word(answer, shape)
    if isinstance(answer, int) and not isinstance(answer, bool) and not shape.free and answer not in shape.numbers:
        return str(answer) if str(answer) in shape.words.values() else answer
    return answer


def of_fields(value: Any, shape: Shape) -> Any:
    """The same answer without what no field is called."""
    if isinstance(value, dict) and shape.properties:
        own = shape.properties
        return {name: of_fields(child, own[name]) for name, child in value.items() if name in own}
    if isinstance(value, list) and shape.items is not None:
        return [of_fields(child, shape.items) for child in value]
    return value


def _named(answer: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """The object with its fields' own names, where exactly one is written in another case or spacing: `issueDate`."""
    unknown = [name for name in answer if name not in shape.properties]
    if not unknown:
        return answer
    free: dict[str, list[str]] = {}
    for name in shape.properties.keys() - answer.keys():
        free.setdefault(_folded(name), []).append(name)
    asked = Counter(map(_folded, unknown))
    own = {
        name: free[letters][0]
        for name in unknown
        if (letters := _folded(name)) and asked[letters] == 1 and len(free.get(letters, ())) == 1
    }
    return {own.get(name, name): child for name, child in answer.items()}


_LEFT_OUT = object()


def _field(value: Any, shape: Shape | None, *, optional: bool) -> Any:
    if shape is None:
        return value
    if isinstance(value, str) and (optional or shape.nullable) and _is_nothing(value, shape):
        value = None
    if value is None:
        # A field that has a default of its own takes no null: it is left out, as if the model had not named it.
        return None if shape.nullable or not optional else _LEFT_OUT
    return meant(value, shape)


def _word(text: str, shape: Shape) -> Any:
    if len(text) > _LONGEST:
        return text
    if shape.numbers and not shape.free and text not in shape.words.values():
        for number in shape.numbers:
            if _is_number(text, number):
                return number
    if not shape.words:
        return text
    letters = _folded(text)
    # "n/a" is no other spelling of NA: where a word could mean nothing, only its case and spacing may differ.
    if letters in _NOTHING_TYPED and _spelled(text) not in shape.own:
        return text
    if text in shape.words.values():
        return text
    return shape.words.get(letters) or shape.unaccented.get(_unaccented(text), text)


def _unaccented(text: str) -> str:
    """Its letters without accents, where they are Latin; elsewhere a mark makes another letter: は is not ば."""
    plain = without_accents(_folded(text))
    return plain if plain.isascii() else _folded(text)


def _is_number(text: str, number: float) -> bool:
    try:
        return Decimal(text.strip()) == Decimal(str(number))
    except InvalidOperation:
        return False


def _is_nothing(text: str, shape: Shape) -> bool:
    if len(text) > _LONGEST or _spelled(text) in shape.own:
        return False
    letters = _folded(text)
    if letters and any(pattern.search(text) for pattern in shape.patterns):
        return False
    if not letters:
        # Dashes and dots: where nothing is printed, a line often is.
        return not any(map(str.isalnum, text)) and set(text.strip()) <= set("-–—−_.")
    return letters in (_NOTHING if shape.free else _NOTHING_TYPED)


def _folded(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _spelled(text: str) -> str:
    """The word without case and spacing; its other marks stay: "n/a" is not NA."""
    return _SPACING.sub("", text.casefold())


def _shape(nodes: list[Any], document: Mapping[str, Any], depth: int) -> Shape:
    schemas = list(branches(nodes, document))
    if depth > _DEEPEST:
        return Shape(nullable=True, free=True)
    objects = [node for node in schemas if isinstance(node.get("properties"), dict)]
    names = dict.fromkeys(name for node in objects for name in node["properties"])
    lists = [node["items"] for node in schemas if isinstance(node.get("items"), dict)]
    words = [word for node in schemas for word in _enum(node)]
    texts = [word for word in words if isinstance(word, str)]
    examples = [each for node in schemas for each in node.get("examples") or () if isinstance(each, str)]
    return Shape(
        properties={name: _shape(_properties(objects, name), document, depth + 1) for name in names},
        items=_shape(lists, document, depth + 1) if lists else None,
        nullable=any(_allows(node, "null") for node in schemas) or None in words,
        free=any(_allows(node, "string") and "format" not in node and not _enum(node) for node in schemas),
        words=_meaning_one(texts, _folded),
        unaccented=_meaning_one(texts, _unaccented),
        numbers=frozenset(word for word in words if isinstance(word, int | float) and not isinstance(word, bool)),
        own=frozenset(_spelled(word) for word in [*words, *examples] if isinstance(word, str))
        | (_NO if any(_allows(node, "boolean") for node in schemas) else frozenset()),
        patterns=tuple(found for node in schemas if (found := _telling(node)) is not None),
        required=_required(schemas),
    )  # fmt: skip


def _meaning_one(words: list[str], fold: Callable[[str], str]) -> dict[str, str]:
    """Folded -> the one word that folds so."""
    folded: dict[str, set[str]] = {}
    for word in words:
        folded.setdefault(fold(word), set()).add(word)
    return {key: next(iter(found)) for key, found in folded.items() if key and len(found) == 1}


def _properties(objects: list[dict[str, Any]], name: str) -> list[Any]:
    return [node["properties"][name] for node in objects if name in node["properties"]]


def _required(schemas: list[dict[str, Any]]) -> frozenset[str]:
    """What some branch asks for: whether that one is meant is for the validator to say."""
    return frozenset(name for node in schemas for name in node.get("required") or ())


def _enum(node: Mapping[str, Any]) -> list[Any]:
    return [*(node.get("enum") or ()), *([node["const"]] if "const" in node else [])]


def _telling(node: Mapping[str, Any]) -> re.Pattern[str] | None:
    """A pattern that takes some words and no "n/a": one of codes, not one of any text."""
    shortest, longest = node.get("minLength"), node.get("maxLength")
    if isinstance(node.get("pattern"), str):
        with suppress(re.error):
            found = re.compile(node["pattern"])
            return None if found.search("n/a") or found.search("N/A") or found.search("none") else found
    return re.compile(rf"(?s)\A\w{{{shortest}}}\Z") if shortest == longest == _CODE else None


def _allows(node: Mapping[str, Any], name: str) -> bool:
    kinds = node.get("type")
    return kinds == name or (isinstance(kinds, list) and name in kinds)


def branches(nodes: list[Any], document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas and all that they refer to or are made of."""
    seen: list[int] = []
    left = list(nodes)
    while left and len(seen) < _MOST_BRANCHES:
        node = left.pop(0)
        if not isinstance(node, dict) or id(node) in seen:
            continue
        seen.append(id(node))
        yield node
        for key in ("anyOf", "oneOf", "allOf"):
            left += node.get(key) or ()
        if str(node.get("$ref", "")).startswith("#/"):
            left.append(_target(str(node["$ref"]), document))


def _target(ref: str, document: Mapping[str, Any]) -> Any:
    target: Any = document
    for step in ref.removeprefix("#/").split("/"):
        target = target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, Mapping) else None
    return target
