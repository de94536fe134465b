"""Whether found means found: true values, and wrong ones that stand nowhere on the page.

    python tests/benchmarks/bench_grounding.py [--labels ../shared/data/real] [--seed 1] [--each 2] [--verbose]

Every labelled document with a text layer is drawn as a run draws it. Its true values are looked for as one record;
then one value after the other is made wrong in each of the ways that models and readers make them wrong, and looked
for in the record with all others true. A wrong value counts only if its letters or digits are printed nowhere.
"""

import argparse
import json
import random
import re
import string
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from extractors.answers.grounding import ground
from extractors.documents import PageImage, PageWords, Spooled
from extractors.pages.limits import Limits
from extractors.pages.opening import open_document
from extractors.pages.rendering import render_pages
from schemas.leaves import Leaves, leaves_of

GOALS = {
    "amount x100": 1, "amount x1000": 1, "amount x10": 1, "amount / 10": 1, "amount, one digit": 1,
    "sign flipped": 2, "quantity or rate, one digit": 2, "identifier, one character": 1, "identifier, other prefix": 1,
    "day and month swapped": 5, "day and year swapped": 2, "year off by one": 2, "text of another document": 0,
}  # fmt: skip
"""Per cent that may be found, at most."""
TRUE_GOAL = 99.5
_QUANTITY = re.compile(r"quantity|qty|rate|percent|pos$|line_id", re.IGNORECASE)
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_AMOUNT = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass
class Labelled:
    """A document with its true record and its pages' words."""

    file: str
    record: dict[str, Any]
    leaves: Leaves
    pages: dict[int, PageWords]
    text: str = ""


@dataclass
class Tally:
    """How many were looked for, and how many were found."""

    tried: int = 0
    found: int = 0
    which: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Per cent found."""
        return 100 * self.found / self.tried if self.tried else 0.0


def main() -> int:
    """Prints the table; 1 where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labels", type=Path, default=Path("../shared/data/real"), help="folder with labels.jsonl")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=2, help="wrong values of each kind for each true one")
    parser.add_argument("--verbose", action="store_true", help="tell every wrong value found, every true one not")
    options = parser.parse_args()
    documents = labelled(options.labels)
    true, seconds = true_values(documents)
    print(f"{len(documents)} documents, {sum(len(each.pages) for each in documents)} pages")
    print(f"{'true values found':34}{true.found:6} of {true.tried:6}  {true.share:6.2f} %  (goal {TRUE_GOAL} %)")
    missed = true.share < TRUE_GOAL
    for kind, tally in wrong_values(documents, options.seed, options.each).items():
        print(f"{kind:34}{tally.found:6} of {tally.tried:6}  {tally.share:6.2f} %  (goal {GOALS[kind]} %)")
        missed = missed or tally.share > GOALS[kind]
        for which in tally.which if options.verbose else ():
            print("   ", which)
    for which in true.which if options.verbose else ():
        print("    not found:", which)
    print(f"{1000 * seconds / sum(len(each.pages) for each in documents):.2f} ms a page")
    return int(missed)


def labelled(folder: Path) -> list[Labelled]:
    """The labelled documents of a folder that have a text layer."""
    found = []
    for line in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        record = _record(label)
        if not record or ("digital" not in label["modality"] and "ocr_text" not in label["modality"]):
            continue
        pages = words_of(folder / label["file"])
        if not any(seen.words for seen in pages.values()):
            continue
        text = " ".join(word.text for seen in pages.values() for word in seen.words)
        found.append(Labelled(label["file"], record, leaves_of(schema_for(record)), pages, text))
    return found


def words_of(path: Path) -> dict[int, PageWords]:
    """Page -> its words, as a run sees them."""
    document = open_document(Spooled(path, path.name, path.stat().st_size), Limits(), ())
    pages = render_pages(document, tuple(range(1, document.page_count + 1)), Limits())
    return {page.page: PageWords(page.words, page.text_layer.whole) for page in pages if isinstance(page, PageImage)}


def _record(label: dict[str, Any]) -> dict[str, Any]:
    """The true values that the page shows; a table's cells as rows."""
    expected = label.get("expected") or {}
    if label["label_kind"] in {"none", "keywords", "acroform_values"}:
        return {}
    if "tables" in expected:
        return {f"table{number}": _rows(table["cells"]) for number, table in enumerate(expected["tables"])}
    if "rows" in expected:
        rows = [{f"c{at}": cell for at, cell in enumerate(row)} for row in expected["rows"]]
        return {"rows": rows}
    hidden = set(label.get("expected_not_on_page") or ())
    kept: dict[str, Any] = _without(expected, "", hidden)
    return kept


def _rows(cells: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    rows: dict[int, dict[str, str]] = defaultdict(dict)
    for cell in cells:
        if cell.get("text"):
            rows[cell["row"]][f"c{cell['col']}"] = cell["text"]
    return [rows[number] for number in sorted(rows)]


def _without(value: Any, path: str, hidden: set[str]) -> Any:
    if isinstance(value, dict):
        inner = {name: (f"{path}.{name}" if path else name, child) for name, child in value.items()}
        return {name: _without(child, at, hidden) for name, (at, child) in inner.items() if at not in hidden}
    if isinstance(value, list):
        return [_without(child, f"{path}[{number}]", hidden) for number, child in enumerate(value)]
    return value


def schema_for(record: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON schema as a person would write it for such a record: types by its values."""

    def node(values: list[Any]) -> dict[str, Any]:
        known = [value for value in values if value is not None]
        if any(isinstance(value, dict) for value in known):
            names = dict.fromkeys(name for value in known for name in value)
            return {"type": "object", "properties": {n: node([v.get(n) for v in known]) for n in names}}
        if any(isinstance(value, list) for value in known):
            return {"type": "array", "items": node([child for value in known for child in value])}
        if known and all(isinstance(value, int | float) for value in known):
            return {"type": "number"}
        dates = bool(known) and all(_ISO.fullmatch(str(value)) for value in known)
        return {"type": "string", "format": "date"} if dates else {"type": "string"}

    return node([record])


def true_values(documents: Sequence[Labelled]) -> tuple[Tally, float]:
    """How many of the true values are found; and the CPU time."""
    tally, begun = Tally(), time.process_time()
    for each in documents:
        for item in ground(each.record, each.pages, each.leaves):
            tally.tried += 1
            tally.found += item.state == "found"
            if item.state != "found":
                tally.which.append(f"{each.file} {item.path} {_at(each.record, item.path)!r} {item.state}")
    return tally, time.process_time() - begun


def wrong_values(documents: Sequence[Labelled], seed: int, each: int) -> dict[str, Tally]:
    """Kind of mistake -> how many wrong values were found all the same."""
    dice = random.Random(seed)
    tallies = {kind: Tally() for kind in GOALS}
    for one in documents:
        others = [other for other in documents if other is not one]
        texts = [leaf for other in others for path, leaf in _leaves(other.record) if _is_text(path, leaf)]
        for path, leaf in _leaves(one.record):
            for kind, wrong in mistakes(path, leaf, dice, texts, each):
                if wrong == leaf or (kind != "sign flipped" and is_printed(wrong, one.text)):
                    continue
                changed = json.loads(json.dumps(one.record))
                _set(changed, path, wrong)
                item = next(item for item in ground(changed, one.pages, one.leaves) if item.path == path)
                tallies[kind].tried += 1
                if item.state == "found":
                    tallies[kind].found += 1
                    tallies[kind].which.append(f"{one.file} {path}: {leaf!r} as {wrong!r} on {item.text!r}")
    return tallies


def mistakes(path: str, leaf: Any, dice: random.Random, texts: Sequence[str], each: int) -> Iterator[tuple[str, Any]]:
    """Ways in which a value can be wrong, each with the wrong value."""
    name = path.rpartition(".")[2]
    if isinstance(leaf, int | float) and not isinstance(leaf, bool):
        value = Decimal(repr(leaf))
        if _QUANTITY.search(name):
            for _ in range(each):
                yield "quantity or rate, one digit", float(_digit_changed(f"{value:f}", dice))
            return
        if not value:
            return
        for kind, factor in (("x100", 100), ("x1000", 1000), ("x10", 10), ("/ 10", Decimal("0.1"))):
            yield f"amount {kind}", float(value * factor)
        for _ in range(each):
            yield "amount, one digit", float(_digit_changed(f"{value:f}", dice))
        yield "sign flipped", float(-value)
        return
    text = str(leaf)
    day = _ISO.fullmatch(text)
    if day:
        yield from _wrong_days(date.fromisoformat(text))
    elif _is_identifier(text):
        for _ in range(each):
            yield "identifier, one character", _character_changed(text, dice)
        letters = re.match(r"[A-Za-z]{1,3}(?=\W?\d)", text)
        if letters:
            yield "identifier, other prefix", f"{_other_letters(letters[0], dice)}{text[letters.end() :]}"
        elif text[0].isdigit():
            yield "identifier, other prefix", f"{_other_letters('XY', dice)}-{text}"
    elif _is_text(path, leaf):
        for other in dice.sample(list(texts), min(each, len(texts))):
            yield "text of another document", other


def _wrong_days(day: date) -> Iterator[tuple[str, Any]]:
    if day.day <= 12 and day.day != day.month:
        yield "day and month swapped", day.replace(month=day.day, day=day.month).isoformat()
    try:
        yield "day and year swapped", date(2000 + day.day, day.month, day.year % 100).isoformat()
    except ValueError:
        pass
    for years in (1, -1):
        if (day.month, day.day) != (2, 29):
            yield "year off by one", day.replace(year=day.year + years).isoformat()


def _is_identifier(text: str) -> bool:
    return (len(text) >= 4 and " " not in text and any(map(str.isdigit, text)) and not _AMOUNT.fullmatch(text)) or (
        text.isdigit() and len(text) >= 4
    )


def _is_text(path: str, leaf: Any) -> bool:
    return (
        isinstance(leaf, str) and len(leaf) > 3 and not any(map(str.isdigit, leaf)) and not path.endswith("country")
    )


def _digit_changed(text: str, dice: random.Random) -> str:
    at = dice.choice([number for number, character in enumerate(text) if character.isdigit()])
    return text[:at] + dice.choice([digit for digit in string.digits if digit != text[at]]) + text[at + 1 :]


def _character_changed(text: str, dice: random.Random) -> str:
    at = dice.choice([number for number, character in enumerate(text) if character.isalnum()])
    kinds = string.digits if text[at].isdigit() else string.ascii_uppercase
    return text[:at] + dice.choice([each for each in kinds if each != text[at].upper()]) + text[at + 1 :]


def _other_letters(letters: str, dice: random.Random) -> str:
    return "".join(dice.choice([each for each in string.ascii_uppercase if each != letter]) for letter in letters)


def is_printed(value: Any, text: str) -> bool:
    """Whether a value's letters and digits stand somewhere in a text, a number's as a token of the same number."""
    if isinstance(value, int | float):
        wanted = abs(Decimal(repr(value)))
        return any(wanted in _numbers(token) for token in re.findall(r"[\d.,'\u00a0 ]*\d", text)) or any(
            wanted in _numbers(token) for token in re.findall(r"\d[\d.,]*", text)
        )
    day = _ISO.fullmatch(str(value))
    if day:
        year, month, day_of_it = (int(part) for part in day.groups())
        forms = (f"{day_of_it:02}.{month:02}.{year}", f"{day_of_it}.{month}.{year}", str(value))
        return any(form in text for form in forms)
    return re.sub(r"[\W_]+", "", str(value).lower()) in re.sub(r"[\W_]+", "", text.lower())


def _numbers(token: str) -> set[Decimal]:
    """What a token of digits and marks can mean, read plainly: dot or comma as the decimal mark, or neither."""
    plain = re.sub(r"[\s'\u00a0]", "", token).strip(".,")
    found = set()
    for mark, other in ((".", ","), (",", ".")):
        whole, _, fraction = plain.partition(mark)
        groups = whole.split(other)
        if all(map(str.isdigit, groups)) and all(len(group) == 3 for group in groups[1:]):
            found |= {Decimal(f"{''.join(groups)}.{fraction or 0}")} if fraction.isdigit() or not fraction else set()
    return found


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if pairs is None:
        if value is not None:
            yield path, value
        return
    for step, child in pairs:
        yield from _leaves(child, f"{path}.{step}" if path else str(step))


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def _set(value: Any, path: str, leaf: Any) -> None:
    *steps, last = path.split(".")
    node = _at(value, ".".join(steps)) if steps else value
    node[int(last) if isinstance(node, list) else last] = leaf


if __name__ == "__main__":
    sys.exit(main())
