"""The names under which documents print a field, from its own name and from the labels it declares."""

from itertools import product

from extractors.local_model.vocabulary import (
    CONCEPTS,
    ISSUER_WORDS,
    NUMBER_WORDS,
    RECIPIENT_WORDS,
    SPECIFIC_DATES,
    word_set,
)
from schemas.folding import fold, words
from schemas.synonyms import same_names

_JOINTS = ("", "s", "n", "de", "of", "du", "del", "della", "d", "der", "van")
_EMPTY = word_set("value field text str string the of a an as is has was are")
_ENDS = word_set("start end from to first last begin until through")
_SAYS_LITTLE = NUMBER_WORDS | {"id", "code", "name", "address", "date", "amount"}
_LONGEST = 3


def printed_names(own: list[str], labels: tuple[str, ...], about: str, kind: str) -> tuple[tuple[str, float], ...]:
    """Folded names, each with how surely it means the field, best first.

    Declared labels come first, in their order; then the field's name, as it is and in other languages, in
    both orders (`invoice_date`: `invoicedate`, `dateofinvoice`, `datedefacture`, `rechnungsdatum`).
    """
    names: dict[str, float] = {}

    def add(name: str, sure: float) -> None:
        if len(name) > 1:
            names[name] = max(sure, names.get(name, 0.0))

    for place, label in enumerate(labels):
        sure = max(0.85, 1 - 0.01 * place)
        add(fold(label), sure)
        for variant in _number_variants(words(label)):
            add(variant, sure - 0.02)
    said = [word for word in own if word not in _EMPTY]
    for known in (*(fold(label) for label in labels), "".join(said)):
        for place, name in enumerate(same_names(known)):
            add(name, max(0.85, 0.98 - 0.003 * place))
    alone = 0.5 if labels and set(said) <= _SAYS_LITTLE else 0.9
    for variant, sure in _variants(said):
        add(variant, alone * sure)
    for variant, sure in _shorter_variants(said, kind):
        add(variant, sure)
    described = words(about)
    if not labels and 0 < len(described) <= _LONGEST:
        add("".join(described), 0.8)
    return tuple(sorted(names.items(), key=lambda item: (-item[1], item[0])))


def _shorter_variants(said: list[str], kind: str) -> list[tuple[str, float]]:
    return [(variant, sure * same) for shorter, sure in _shorter(said, kind) for variant, same in _variants(shorter)]


def _shorter(said: list[str], kind: str) -> list[tuple[list[str], float]]:
    """The name without the words that documents leave out."""
    roles = ISSUER_WORDS | RECIPIENT_WORDS
    found = [([word for word in said if word not in roles], 0.75), ([w for w in said if w not in _ENDS], 0.7)]
    found = [(kept, sure) for kept, sure in found if not set(kept) <= _SAYS_LITTLE]
    if kind == "identifier":
        found.append(([word for word in said if word not in NUMBER_WORDS | {"id", "code"}], 0.6))
    if kind == "date":
        found.append((["date"] if "date" in said and not set(said) & SPECIFIC_DATES else [], 0.7))
        if set(said) & _ENDS:
            found.append(([*(word for word in said if word not in _ENDS), "date"], 0.75))
            found.append(([*(word for word in said if word not in _ENDS), "period"], 0.65))
    if kind == "amount":
        found.append(([word for word in said if word != "amount"], 0.75))
        found.append(([*said, "amount"] if "amount" not in said else [], 0.8))
    return [(kept, sure) for kept, sure in found if kept and kept != said]


def _variants(said: list[str]) -> list[tuple[str, float]]:
    """The words joined, with the words that mean the same, in either order when there are two."""
    if not said:
        return []
    if len(said) > _LONGEST:
        return [("".join(said), 1.0)]
    others = [_same(word) for word in said]
    found = [("".join(said), 1.0)]
    if len(said) == 1:
        return found + [(word, 0.93) for word in others[0]]
    joints = _JOINTS if len(said) == 2 else ("",)  # noqa: PLR2004 - two words
    found += [(joint.join(parts), 0.95) for parts in product(*others) for joint in joints]
    if len(said) == 2:  # noqa: PLR2004
        found += [(joint.join(reversed(parts)), 0.9) for parts in product(*others) for joint in joints]
    return found


def _same(word: str) -> tuple[str, ...]:
    if word in NUMBER_WORDS:
        return CONCEPTS["number"]
    rows = [row for concept, row in CONCEPTS.items() if concept == word]
    return tuple(dict.fromkeys([word, *(other for row in rows for other in row)]))


def _number_variants(label: list[str]) -> list[str]:
    """`Invoice No.` is printed `Invoice #` and `Invoice number` as well."""
    if not set(label) & NUMBER_WORDS or len(label) == 1:
        return []
    spelled = [CONCEPTS["number"] if word in NUMBER_WORDS else (word,) for word in label]
    return ["".join(parts) for parts in product(*spelled)]
