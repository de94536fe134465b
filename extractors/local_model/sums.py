"""Lines of a table that are no entries: sums, taxes, balances, discounts."""

import re
from collections.abc import Sequence
from functools import cache

from extractors.local_model.vocabulary import SUM_WORDS, TAX_WORDS, TOTAL_WORDS, word_set
from extractors.pages.lines import Line
from schemas.folding import fold, words
from schemas.synonyms import same_names

_DISCOUNTS = ("abzgl", "zzgl", "rabatt", "discount", "remise", "korting", "descuento", "sconto")
_CARRIED = word_set(
    "balancebf balancecf bf cf broughtforward carriedforward balancebroughtforward balancecarriedforward lastmonth "
    "ubertrag report areporter reportanouveau sumaysigue sumaanterior transport"
)
_CURRENCIES = word_set("eur euro euros gbp usd chf rm")
_LAST_WORDS = word_set("total totaal summe gesamt")  # "Goods total", "Positionen gesamt"
_LONGEST_REST = 12  # letters after a balance's name: "am", "as of", "au 31 mars"


def sums_up(line: Line) -> bool:
    """Whether a line is a sum, a tax or a balance, and no entry."""
    if passed_over(line):
        return True
    first = True
    for segment in line.segments:
        text = re.sub(r"\([^)]*\)?|^\W*\d{1,3}\s", " ", segment.text)
        said = [word for word in words(text) if word.strip("0123456789%") and word not in _CURRENCIES]
        if not said:
            continue
        if _names_a_sum(said, first=first):
            return True
        first = False
    return False


def _names_a_sum(said: Sequence[str], *, first: bool) -> bool:
    """Whether a cell's words name a sum; the first words of a line do so more readily than a cell further on."""
    short = len(said) <= 3  # noqa: PLR2004 - a sum's name, no product's
    if said[0] in SUM_WORDS or "".join(said[:2]) in SUM_WORDS:
        return first or short
    if "".join(said) in TOTAL_WORDS or said[-1] in _LAST_WORDS:
        return short
    return first and said[0] in TAX_WORDS and len(said) <= 5  # noqa: PLR2004 - "VAT 20 % on 100.00"


def passed_over(line: Line) -> bool:
    """Whether a line between entries ends nothing: a discount, or a balance that is carried on."""
    if fold(line.text).startswith(_DISCOUNTS):
        return True
    return any(_names_a_balance(re.sub(r"\d", "", fold(segment.text))) for segment in line.segments)


def _names_a_balance(said: str) -> bool:
    if said in _CARRIED:
        return True
    return any(said.startswith(name) and len(said) - len(name) <= _LONGEST_REST for name in _balances())


@cache
def _balances() -> frozenset[str]:
    names = (*same_names("openingbalance"), *same_names("closingbalance"))
    return frozenset(name for name in names if "total" not in name)
