"""The built-in model over any text and any schema: the answer is valid."""

import json
from typing import Any

import jsonschema
from hypothesis import given, settings
from hypothesis import strategies as st
from monospaced import MONEY, TEXT, page

from extractors.local_model.filling import fill
from extractors.pages.lines import ReadPage

PRINTED = """
Total Date Invoice No. Rechnung Nr. 12.50 1.234,56 € -3,00 (4.10) 2024-03-01 03/04/24 4 avril 2024 12 % GmbH yes
Description Qty Amount Betrag Saldo Debit IBAN DE89 3704 0044 0532 0130 00 : - x @ § ½ ① ² ٣
"""
ASKED = """
total date name amount number currency iban vendor_name items description quantity balance period_end rate
"""
WORDS = st.sampled_from(PRINTED.split()) | st.text(max_size=12)
PAGES = st.lists(
    st.lists(st.lists(WORDS, max_size=4).map("  ".join), max_size=8).map("\n".join).map(page), max_size=2
)
NAMES = st.sampled_from(ASKED.split()) | st.text("abc_äß1", min_size=1, max_size=8)
LEAVES = st.sampled_from(
    [
        TEXT,
        MONEY,
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date-time"},
        {"type": "string", "enum": ["Total", "x", ""]},
        {"type": "integer", "enum": [1, 2]},
        {"type": "number"},
        {"type": "integer"},
        {"type": "boolean"},
        {"type": "string", "description": "ISO 4217 code"},
        {"type": "string", "description": "Money. Labels: Total; Betrag. Examples: A-1; B-2."},
    ]
)


def objects(children: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Strict objects with some of these children, and lists of them."""
    made = st.dictionaries(NAMES, children, min_size=1, max_size=5).map(
        lambda properties: {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
    )
    return made | made.map(lambda item: {"type": "array", "items": item})


NODES = st.recursive(
    LEAVES.map(lambda leaf: {"anyOf": [leaf, {"type": "null"}]})
    | LEAVES.map(lambda leaf: {"type": "array", "items": leaf}),
    objects,
    max_leaves=8,
)
SCHEMAS = objects(NODES).filter(lambda node: node["type"] == "object")


@given(PAGES, SCHEMAS)
@settings(max_examples=150, deadline=None)
def test_any_text_and_any_schema_give_a_valid_answer(pages: list[ReadPage], schema: dict[str, Any]) -> None:
    """Whatever is printed and whatever is asked, the answer is JSON that holds to the schema, and the same again."""
    answer = fill(schema, pages)
    jsonschema.validate(json.loads(json.dumps(answer)), schema)
    assert fill(schema, pages) == answer
