"""The single values that a schema asks for: of what kind each is, and under which names documents print it."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

from schemas.folding import fold, without_accents, words
from schemas.joining import NotPortable, joined
from schemas.synonyms import names_beside, same_names

_TWO, _FEW_WORDS = 2, 3
HEAD = 4
"""Letters by which a word is told to begin no label."""
_SHARES = frozenset({"rate", "percent", "percentage", "pct", "share", "ratio", "yield", "margin"})
_TAKES_AWAY = frozenset({
    "discount", "discounts", "allowance", "allowances", "rebate", "deduction", "deductions", "prepaid", "paid",
    "deposit", "advance", "credit", "debit", "refund", "change", "payment", "payments", "withdrawal", "withdrawals",
    "loss", "losses", "rabatt", "skonto", "remise", "acompte", "rounding",
})  # fmt: skip
"""Words of a field whose amounts are printed with a minus by some and without by others: "Discount -5.00"."""


class LeafKind(StrEnum):
    """How a value is looked for on a page."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CURRENCY = "currency"
    CHOICE = "choice"
    """One of a list: printed as it is, or judged by the model."""
    JUDGEMENT = "judgement"
    """Yes or no, or the one value that may stand there."""


@dataclass(frozen=True)
class Leaf:
    """A single value of a schema.

    Attributes:
        kind: how it is looked for.
        labels: folded names that documents print beside or above it, the surest first.
        unsigned: whether a minus may be printed or left out without a change of meaning.
        rate: a percentage, which may be answered as a share: 0.19 for "19 %".
    """

    kind: LeafKind
    labels: tuple[str, ...] = ()
    unsigned: bool = False
    rate: bool = False


@dataclass(frozen=True)
class Leaves:
    """All single values of a schema.

    Attributes:
        by_path: path without list positions (`line_items.amount`) -> what stands there, in the schema's order.
    """

    by_path: Mapping[str, Leaf] = field(default_factory=dict)

    @cached_property
    def by_label(self) -> dict[str, frozenset[str]]:
        """Folded label -> the paths that it may be a label of."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for path, leaf in self.by_path.items():
            for label in leaf.labels:
                found[label].add(path)
        return {label: frozenset(paths) for label, paths in found.items()}

    @cached_property
    def heads(self) -> frozenset[str]:
        """The first letters of every label: what begins with none of them begins no label."""
        return frozenset(label[:length] for label in self.by_label for length in range(1, HEAD + 1))


def leaves_of(schema: dict[str, Any]) -> Leaves:
    """The single values that a JSON schema asks for."""
    return Leaves(dict(_leaves(schema, schema, "", ())))


def _leaves(node: Any, root: dict[str, Any], path: str, refs: tuple[str, ...]) -> Iterator[tuple[str, Leaf]]:
    if not isinstance(node, dict):
        return
    try:
        node, refs = joined(node, root, path, refs)
    except NotPortable:
        return
    choices = [child for child in (*node.get("anyOf", ()), *node.get("oneOf", ())) if isinstance(child, dict)]
    if node.get("properties"):
        for name, child in node["properties"].items():
            yield from _leaves(child, root, f"{path}.{name}" if path else str(name), refs)
        return
    if "items" in node:
        inner = node["items"]
        about = {key: node[key] for key in ("labels", "description") if key in node}
        yield from _leaves({**about, **inner} if isinstance(inner, dict) else inner, root, path, refs)
        return
    told = [choice for choice in choices if choice.get("type") != "null"]
    deep = [choice for choice in told if "type" not in choice or choice["type"] in {"object", "array"}]
    if deep:
        about = {key: node[key] for key in ("labels", "description") if key in node}
        for choice in deep:
            yield from _leaves({**about, **choice}, root, path, refs)
        return
    if path:
        own = words(path.rpartition(".")[2])
        yield (
            path,
            Leaf(
                _kind(node, told), _labels(path, node), not _TAKES_AWAY.isdisjoint(own), not _SHARES.isdisjoint(own)
            ),
        )


def _kind(node: dict[str, Any], choices: list[dict[str, Any]]) -> LeafKind:
    nodes = [node, *choices]
    kinds = {kind for each in nodes for kind in _types(each)}
    if any("const" in each or len(each.get("enum", (1, 2))) == 1 for each in nodes) or kinds == {"boolean"}:
        return LeafKind.JUDGEMENT
    if any(each.get("enum") for each in nodes):
        return LeafKind.CHOICE
    formats = {each.get("format") for each in nodes}
    if "decimal" in formats or kinds & {"number", "integer"}:
        return LeafKind.NUMBER
    if formats & {"date", "date-time"}:
        return LeafKind.DATE
    return LeafKind.CURRENCY if "currency" in formats else LeafKind.TEXT


def _types(node: dict[str, Any]) -> set[str]:
    kind = node.get("type")
    return ({kind} if isinstance(kind, str) else set(kind or ())) - {"null"}


def _labels(path: str, node: dict[str, Any]) -> tuple[str, ...]:
    """Declared labels, the field's name, and what the names mean in other languages."""
    name = path.rpartition(".")[2]
    said = words(name)
    turned = ["".join(reversed(said))] if len(said) == _TWO else []
    declared = node.get("labels")
    named = [*(declared if isinstance(declared, list) else ()), name, *turned]
    described = words(str(node.get("description") or ""))
    own = [form for text in named if isinstance(text, str) for form in (fold(text), _letters(text))]
    own += ["".join(described)] if 0 < len(described) <= _FEW_WORDS else []
    same = [other for text in own for other in (*same_names(text), *names_beside(text))]
    return tuple(dict.fromkeys(plain for text in (*own, *same) if len(plain := text.replace("%", "")) > 1))


def _letters(text: str) -> str:
    """Its letters and digits in any script, without case and accents."""
    return "".join(re.findall(r"[^\W_]+", without_accents(text.casefold())))
