"""Pages of words laid out in cells, each word as wide as its letters."""

from extractors.documents import PageWords, Word

HEIGHT, LETTER = 0.012, 0.008
"""Of a line, and of a letter's width, as fractions of the page."""

Line = str | list[tuple[float, str]]
"""A text, or cells with their left edges."""


def page(*lines: Line) -> PageWords:
    """Lines of words, 0.02 of the page from one to the next."""
    words = []
    for row, line in enumerate(lines):
        top = 0.03 + 0.02 * row
        for cell_left, text in [(0.05, line)] if isinstance(line, str) else line:
            left = cell_left
            for word in text.split(" "):
                words.append(Word(word, (left, top, left + LETTER * len(word), top + HEIGHT)))
                left += LETTER * (len(word) + 1)
    return PageWords(words)
