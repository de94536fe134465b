"""Labelled documents with the words of their pages, as a run sees them; and the leaves of their records."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mistakes import ISO

from extractors.documents import PageImage, PageWords, Spooled
from extractors.pages.limits import Limits
from extractors.pages.opening import open_document
from extractors.pages.rendering import render_pages
from schemas.leaves import Leaves, leaves_of


@dataclass
class Labelled:
    """A document with its true record and its pages' words."""

    file: str
    record: dict[str, Any]
    leaves: Leaves
    pages: dict[int, PageWords]
    text: str = ""


def labelled(folder: Path, only: Sequence[str] = ()) -> list[Labelled]:
    """The labelled documents of a folder that have a text layer; of those that are named, if any are."""
    found = []
    for line in (folder / "labels.jsonl").read_text(encoding="utf-8").splitlines():
        label = json.loads(line)
        if only and Path(label["file"]).stem not in only:
            continue
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
    return {page.page: PageWords(page.words, page.text_layer.whole) for page in drawn(path)}


def words_of_bytes(pdf: bytes) -> dict[int, PageWords]:
    """The same of a PDF that is in no file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "drawn.pdf"
        path.write_bytes(pdf)
        return words_of(path)


def drawn(path: Path) -> list[PageImage]:
    """A document's pages, as a run draws them."""
    document = open_document(Spooled(path, path.name, path.stat().st_size), Limits(), ())
    pages = render_pages(document, tuple(range(1, document.page_count + 1)), Limits())
    return [page for page in pages if isinstance(page, PageImage)]


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
        dates = bool(known) and all(ISO.fullmatch(str(value)) for value in known)
        return {"type": "string", "format": "date"} if dates else {"type": "string"}

    return node([record])


def leaf_values(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Path and value of every leaf that is not null."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if pairs is None:
        if value is not None:
            yield path, value
        return
    for step, child in pairs:
        yield from leaf_values(child, f"{path}.{step}" if path else str(step))


def at(value: Any, path: str) -> Any:
    """What stands at a path."""
    for step in path.split("."):
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def put(value: Any, path: str, leaf: Any) -> None:
    """Puts a leaf at a path."""
    *steps, last = path.split(".")
    node = at(value, ".".join(steps)) if steps else value
    node[int(last) if isinstance(node, list) else last] = leaf
