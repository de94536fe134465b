"""What MuPDF says of a page while it draws it: what is lost, what may look otherwise, what is of no account.

MuPDF draws what it can of broken data and goes on; only its warnings tell. One that is not listed here is of no
account: real documents have them, and look right.
"""

import re
from collections.abc import Sequence
from typing import Any

from extractors.errors import Damaged, Unsupported

_LOST = re.compile(
    r"treating as end of file|premature end|padding truncated image|syntax error in|too many syntax errors|"
    r"lexical error|corrupt|ignoring errors|aborting|Ignoring error during interpretation|"
    r"Failed to (?:decode|read) JPX|not enough data to determine image format"
)
"""Something of the page is not drawn that was there."""

_DOUBTFUL = re.compile(
    r"unknown keyword|cannot find (?:XObject|Font|Pattern|Shading|ExtGState|ColorSpace) resource|data check|"
    r"unknown filter|page may not be correct|cannot load (?:font|glyph|image)|cannot draw|cannot render|"
    r"ignored error when loading embedded font"
)
"""Something may look otherwise than it was made, and nothing is known to be lost."""

_NOT_DRAWN = re.compile(r"page may not be correct|cannot find (?:XObject|Font|Shading)|cannot (?:load|draw|render)")
"""Something was not drawn: where nothing else is, that was all of the page."""

_MANY = 3
"""Unknown words in what a page draws, from which its data are garbled."""

_TOLD = 200
"""Characters of a warning that are told."""

_PLACEHOLDER = re.compile(
    r"requires Adobe Reader|If this message is not eventually replaced|"
    r"you need a later version of the PDF viewer|your PDF viewer may not be able to display this type of document"
)
_PLACEHOLDER_WORDS = 250
"""Of a page that only says that this viewer cannot show the form."""

_OPERATORS = (
    rb"[bBfTW]\*|B[DM]C|B[ITX]|c[ms]?|CS|d[01]?|Do|DP|E[ITX]|EMC|[bBfFgGhijJkKlmMnqQsSvwWy'\"]|gs|ID|MP|r[egi]|RG|"
    rb"sh|SCN?|scn?|T[cdDfjJLmrswz]"
)
_ENDS_WELL = re.compile(rb"(?:^|[\s\[\]()<>/{}])(?:" + _OPERATORS + rb")\Z")
"""A page's content ends with one of the operators."""

_TAIL, _STREAMS = 200, 3
"""Bytes of a content's end that are looked at; streams of it from which not all are unpacked for that."""

_BLANKS = b"\0\t\n\f\r "


def listen() -> None:
    """Forgets what was said before: the next warnings are the next page's."""
    import pymupdf

    pymupdf.TOOLS.reset_mupdf_warnings()


def heard() -> str:
    """What is doubtful about the page that was drawn since `listen`, in words; empty for a sound one.

    Raises:
        Damaged: something of it is lost.
    """
    import pymupdf

    said = pymupdf.TOOLS.mupdf_warnings()
    if not said:
        return ""
    lines = [" ".join(line.encode(errors="replace").decode().split())[:_TOLD] for line in said.splitlines()]
    lost = next((line for line in lines if _LOST.search(line)), None)
    if lost is not None or sum("unknown keyword" in line for line in lines) >= _MANY:
        raise Damaged(f"a part of the page is broken and cannot be drawn: {lost or lines[0]}")
    return next((line for line in lines if _DOUBTFUL.search(line)), "")


def check_blank(doubt: str) -> None:
    """Refuses a page that shows nothing because what it draws could not be drawn: it is no blank one.

    Args:
        doubt: what `heard` says of it.

    Raises:
        Damaged: something of it could not be.
    """
    if _NOT_DRAWN.search(doubt):
        raise Damaged(f"nothing of the page can be drawn: {doubt}")


def check_end(page: Any) -> None:
    """Refuses what a page draws where it breaks off: nothing warns of data that are cut and not packed.

    Args:
        page: a page of PyMuPDF's.

    Raises:
        Damaged: it ends in the middle of an operand.
    """
    tail = _end_of(page)[-_TAIL:]
    if tail and b"%" not in tail and not _ENDS_WELL.search(tail):
        raise Damaged("what the page draws breaks off: a part of it is lost")


def _end_of(page: Any) -> bytes:
    """What a page's content ends with, blanks aside; of many streams only the last are unpacked."""
    streams = page.get_contents()
    if len(streams) < _STREAMS:
        return bytes(page.read_contents()).rstrip(_BLANKS)
    end = b""
    for stream in reversed(streams):
        end = ((page.parent.xref_stream(stream) or b"") + b" " + end).rstrip(_BLANKS)
        if len(end) >= _TAIL:
            break
    return end


def check_placeholder(texts: Sequence[str]) -> None:
    """Refuses a page that only says that this viewer cannot show the form.

    Args:
        texts: the words that a reader sees.

    Raises:
        Unsupported: it is one: the form itself (XFA) is drawn by Adobe's reader alone.
    """
    if 0 < len(texts) <= _PLACEHOLDER_WORDS and _PLACEHOLDER.search(" ".join(texts)):
        raise Unsupported(
            "the page is a placeholder: its form (XFA) is shown by Adobe Reader alone; print it to a PDF there"
        )
