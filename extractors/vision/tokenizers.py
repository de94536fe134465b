"""A model's own count of a text's tokens, where an installed package has its tokenizer; nothing is downloaded.

mistral-common's wheel brings Tekken, which takes a second and 160 MB to load: so a run's constant texts are counted
in one go, where the count can matter at all (`fitting`), and it is let go again. Other texts are counted cautiously.
"""

import re
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from extractors.vision.endpoints import Endpoint

_TEKKEN = re.compile(r"mistral-?small-?(3|24b|250[136])|magistral-small|pixtral-12b", re.IGNORECASE)
"""Models whose texts Tekken counts, under the names that endpoints have for them; Mistral Small 2 has another."""


def has_own_tokenizer(endpoint: Endpoint) -> bool:
    """Whether the model's tokenizer is known, that of all it may fall back to, and the package is there."""
    return _is_tekkens(endpoint) and _tekken_file() is not None


def how_counted(endpoint: Endpoint) -> str:
    """How texts are counted for an endpoint, in words."""
    if has_own_tokenizer(endpoint):
        return "texts are counted by the model's own tokenizer where that matters"
    more = " (pip install '.[tokens]' counts them by the model's own)" if _is_tekkens(endpoint) else ""
    return f"texts are counted cautiously{more}"


def _is_tekkens(endpoint: Endpoint) -> bool:
    return all(map(_TEKKEN.search, (endpoint.model, *endpoint.models)))


def own_counts(texts: Sequence[str]) -> dict[str, int]:
    """Tokens of some texts as Tekken has them. Slow: for a thread.

    Raises:
        LookupError: the package is not there, or brings no such tokenizer.
    """
    path = _tekken_file()
    if path is None:
        raise LookupError("mistral-common is not installed, or its wheel brings no Tekken file")
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer

    tekken = Tekkenizer.from_file(path)
    return {text: len(tekken.encode(text, bos=False, eos=False)) for text in texts}


@cache
def _tekken_file() -> Path | None:
    """The newest that the wheel brings. Their vocabularies are one; what differs are special tokens."""
    spec = find_spec("mistral_common")
    folders = (spec.submodule_search_locations or []) if spec else []
    return max((path for folder in folders for path in Path(folder, "data").glob("tekken_*.json")), default=None)
