"""Text on a PDF's layers that are switched off (optional content groups)."""

from collections.abc import Sequence
from typing import Any

from extractors.pages.unseen import Drawn

_ON, _OFF = 0, 2


def switched_off(page: Any, words: Sequence[Drawn]) -> list[str]:
    """The text that a page has on layers that are switched off, but for what it shows all the same.

    Args:
        page: a page of PyMuPDF's.
        words: that are drawn.
    """
    pdf = page.parent
    if not pdf.is_pdf or pdf.xref_get_key(pdf.pdf_catalog(), "OCProperties")[0] == "null":
        return []
    off = [each["number"] for each in pdf.layer_ui_configs() if each["type"] != "label" and not each["on"]]
    if not off:
        return []
    for number in off:
        pdf.set_layer_ui_config(number, _ON)
    try:
        every = page.get_text("words")
    finally:
        for number in off:
            pdf.set_layer_ui_config(number, _OFF)
    shown = {word.text for word in words}
    return [word[4] for word in every if word[4] not in shown]
