"""A portable JSON schema (`schemas.portable`) -> the fields to look for: kinds, printed names, roles."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from extractors.local_model.naming import printed_names
from extractors.local_model.vocabulary import ISSUER_WORDS, NUMBER_WORDS, RECIPIENT_WORDS, word_set
from schemas.folding import words

_FOLDED_IN = re.compile(
    r"\s*Labels: (?P<labels>.+?)\.(?=\s+Examples: |\s*$)|\s*Examples: (?P<examples>.+?)\.\s*$", re.DOTALL
)
_MEANING = re.compile(r"^- ([^:\n]+): (.+)$", re.MULTILINE)
_AMOUNT_WORDS = word_set(
    "amount total subtotal price sum cost fee balance gross net due paid payable revenue salary premium deposit "
    "discount tax vat charge charges freight shipping value"
)
_RATE_WORDS = word_set("rate percent percentage pct")
_COUNT_WORDS = word_set("quantity qty count hours units weight number")
_CODE_WORDS = word_set(
    "id code reference ref iban bic swift sku serial account isbn zip postcode invoice order contract policy vat ein "
    "siret siren license licence tracking lot batch key"
)
_MEANT = 0.75  # from here on a printed name may mean the field
_PATTERNED = ("iban", "email", "phone", "website", "bic")


@dataclass(frozen=True)
class Field:
    """One value to look for.

    Attributes:
        name: the property's name.
        kind: `amount`, `quantity`, `rate`, `integer`, `date`, `currency`, `boolean`, `enum`, `identifier`, `text`,
            or a pattern's name (`iban`, `email`, `phone`, `website`, `bic`).
        form: how the answer writes it: `decimal` text, JSON `number`, `iso` date, `date-time`, or as `printed`.
        words: the folded words of its name.
        about: the folded words of its description.
        names: folded printed names, each with how surely it means this field, 0 to 1.
        options: of an enum.
        examples: values as the answer holds them.
        role: `issuer` or `recipient` when it speaks of a party, else "".
        meanings: of an enum: options with what the description says of each, in a line `- option: ...`.
    """

    name: str
    kind: str
    form: str
    words: frozenset[str]
    about: frozenset[str]
    names: tuple[tuple[str, float], ...]
    options: tuple[Any, ...] = ()
    examples: tuple[str, ...] = ()
    role: str = ""
    meanings: tuple[tuple[str, str], ...] = ()

    @property
    def is_grand_total(self) -> bool:
        """Whether a bare `Total` means it."""
        named = any(name == "total" and sure >= _MEANT for name, sure in self.names)
        return self.kind == "amount" and named and not self.about & {"without", "before"}


@dataclass(frozen=True)
class Group:
    """An object: its children by name, and the party it describes, if any."""

    name: str
    children: "dict[str, Wanted]"
    role: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rows:
    """A list of objects; or of single values, when `single` is set."""

    name: str
    item: Group
    single: bool = False


Wanted = Field | Group | Rows


class UnusableSchema(ValueError):
    """A schema that is no object with typed properties; the message says where."""


def wanted(schema: dict[str, Any]) -> Group:
    """What a schema asks for.

    Raises:
        UnusableSchema: its root is no object, or a property has no type that can be filled.
    """
    root = _node("", schema, "")
    if not isinstance(root, Group):
        raise UnusableSchema("the schema's root must be an object with properties")
    return root


def _node(name: str, node: Any, around: str) -> Wanted:
    if not isinstance(node, dict):
        raise UnusableSchema(f"{name or 'the schema'} is not a JSON schema object")
    outer = str(node.get("description") or "")
    if "anyOf" in node:
        options = [option for option in node["anyOf"] if isinstance(option, dict) and option.get("type") != "null"]
        node = next((o for o in options if o.get("type") in {"object", "array"}), options[0] if options else {})
    told = about, labels, _ = _unfolded(outer or str(node.get("description") or ""))
    kind = _type_of(node)
    if kind == "object" or "properties" in node:
        role = around or _role(words(name), words(about))
        properties = node.get("properties")
        if not isinstance(properties, dict):
            raise UnusableSchema(f"{name or 'the schema'} is an object without properties")
        return Group(name, {key: _node(key, child, role) for key, child in properties.items()}, role, labels)
    if kind == "array":
        item = _node(name, node.get("items"), "")
        if isinstance(item, Group):
            return Rows(name, item)
        if isinstance(item, Rows):
            raise UnusableSchema(f"{name}: a list of lists")
        field = _field(name, node["items"], told, around)
        return Rows(name, Group(name, {name: field}), single=True)
    return _field(name, node, told, around)


def _type_of(node: dict[str, Any]) -> str:
    kind = node.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "string")
    return str(kind or ("string" if "enum" in node else ""))


def _field(name: str, node: dict[str, Any], told: tuple[str, tuple[str, ...], tuple[str, ...]], around: str) -> Field:
    about, labels, examples = told
    own, described = words(name), words(about)
    kind, form = _kind(node, own, about, labels, examples)
    return Field(
        name=name,
        kind=kind,
        form=form,
        words=frozenset(own),
        about=frozenset(described),
        names=printed_names(own, labels, about, kind),
        options=tuple(option for option in node.get("enum", ()) if option is not None),
        examples=examples,
        role=around or _role(own, described),
        meanings=tuple(_MEANING.findall(about)) if kind == "enum" else (),
    )


def _unfolded(description: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """A description, and the labels and examples that were folded into it."""
    found: dict[str, tuple[str, ...]] = {"labels": (), "examples": ()}
    for match in _FOLDED_IN.finditer(description):
        for kind, text in match.groupdict().items():
            if text is not None:
                found[kind] = tuple(part.strip() for part in text.split(";") if part.strip())
    return _FOLDED_IN.sub("", description).strip(), found["labels"], found["examples"]


def _role(own: list[str], described: list[str]) -> str:
    plain = set(own) <= {"name", "address", "city", "country"}
    for given in (set(own), set(described) if plain else set()):
        if given & ISSUER_WORDS or {"printed", "top"} <= given:
            return "issuer"
        if given & RECIPIENT_WORDS:
            return "recipient"
    return ""


def _kind(
    node: dict[str, Any], own: list[str], about: str, labels: tuple[str, ...], examples: tuple[str, ...]
) -> tuple[str, str]:
    """What kind of value it is, and the form of the answer."""
    if "enum" in node:
        return "enum", "printed"
    kind = _type_of(node)
    if kind in {"boolean", "integer"}:
        return kind, kind
    if kind == "number" or "decimal as text" in about:
        return _number_kind(own, about), "number" if kind == "number" else "decimal"
    if str(node.get("format", "")).startswith("date"):
        return "date", "iso" if node["format"] == "date" else "date-time"
    if kind != "string":
        raise UnusableSchema(f"a value of type {kind or 'unknown'} cannot be filled")
    return _text_kind(own, about, labels, examples), "printed"


def _number_kind(own: list[str], about: str) -> str:
    said = set(own) | set(words(about))
    if "amount" in words(about) and not said & _RATE_WORDS - {"rate"}:
        return "amount"
    if said & _RATE_WORDS:
        return "rate"
    return "amount" if set(own) & _AMOUNT_WORDS else "quantity" if said & _COUNT_WORDS else "amount"


def _text_kind(own: list[str], about: str, labels: tuple[str, ...], examples: tuple[str, ...]) -> str:
    said = set(words(about))
    if "currency" in own or "ISO 4217" in about:
        return "currency"
    patterned = [kind for kind in _PATTERNED if kind in own]
    if patterned:
        return patterned[0]
    numbered = bool(set(own) & NUMBER_WORDS or set(own[-1:]) & _CODE_WORDS) or any(
        "number" in words(o) for o in labels
    )
    coded = bool(examples) and all(re.search(r"\d", text) and len(text.split()) == 1 for text in examples)
    if (
        {"date", "day", "dated"} & set(own)
        or own[-1:] in (["from"], ["to"], ["start"], ["end"], ["until"])
        or (not numbered and {"date", "day"} & said)
    ):
        return "date"
    if numbered or coded:
        return "identifier"
    return "amount" if set(own) & _AMOUNT_WORDS else "text"


def leaves(group: Group, path: tuple[str, ...] = ()) -> dict[str, Field]:
    """The single values of an object, nested ones too, under their paths joined by `/`."""
    found: dict[str, Field] = {}
    for name, child in group.children.items():
        if isinstance(child, Field):
            found["/".join((*path, name))] = child
        elif isinstance(child, Group):
            found |= leaves(child, (*path, name))
    return found


def nested(group: Group, values: Mapping[str, Any], path: tuple[str, ...] = ()) -> dict[str, Any]:
    """Values by path, as the object that the schema asks for; lists inside it stay empty."""
    made: dict[str, Any] = {}
    for name, child in group.children.items():
        if isinstance(child, Field):
            made[name] = values.get("/".join((*path, name)))
        elif isinstance(child, Group):
            made[name] = nested(child, values, (*path, name))
        else:
            made[name] = []
    return made
