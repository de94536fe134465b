"""Pages of monospaced text as the built-in model's reader gives them, and kinds of fields to ask for."""

from typing import Any

from extractors.pages.lines import ReadPage, Segment, grouped

WIDTH, LETTER, STEP = 1092, 10, 30  # pixels: of the page, of a letter, from line to line

TEXT: dict[str, Any] = {"type": "string"}
MONEY: dict[str, Any] = {"type": "string", "description": "(decimal as text, like 1234.56)"}


def page(text: str) -> ReadPage:
    """A page of monospaced text; two blanks or more part its segments."""
    segments = []
    for number, line in enumerate(text.strip("\n").split("\n")):
        at = 0
        for part in line.split("  "):
            if part.strip():
                start = line.index(part.strip(), at)
                at = start + len(part.strip())
                top = number * STEP
                segments.append(Segment(part.strip(), start * LETTER, top, at * LETTER, top + 20))
    return ReadPage(WIDTH, 1540, grouped(segments))
