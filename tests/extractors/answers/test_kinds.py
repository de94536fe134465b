"""Whether a document is of the schema's kind at all."""

from pathlib import Path

import pymupdf
import pytest

from extractors.answers.kinds import labelled, not_this_kind
from extractors.answers.merging import Part
from extractors.documents import Evidence, Word
from extractors.vocabulary import EvidenceState
from schemas.invoice import Invoice
from schemas.record import schema_of

INVOICE = schema_of(Invoice)
REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "real" / "docs"
BOX = (0.0, 0.0, 1.0, 1.0)


def words(text: str) -> dict[int, list[Word]]:
    """One page with this text."""
    return {1: [Word(word, BOX) for word in text.split()]}


def test_an_agreement_is_no_invoice() -> None:
    """No label with a number beside it, and no amount of the record."""
    shown = labelled(words("The total amount of information under this agreement of 2019 " * 6), INVOICE)
    part = Part(
        (1,),
        {},
        (Evidence("issue_date", EvidenceState.FOUND, 1, BOX, "2019"), Evidence("total", EvidenceState.NOT_FOUND)),
        labelled=shown,
    )
    assert [issue.kind for issue in not_this_kind([part], INVOICE.json_schema)] == ["not_this_kind"]


def test_a_label_or_an_amount_or_a_scan_is_enough_to_be_spared() -> None:
    """Nothing is said where there is something of the kind, or no words to tell by."""
    assert labelled(words("Total EUR 119.00"), INVOICE) is True
    assert labelled({1: []}, INVOICE) is None
    amount = Part((1,), {}, (Evidence("total", EvidenceState.FOUND, 1, BOX, "119.00"),), labelled=False)
    assert not_this_kind([amount], INVOICE.json_schema) == []
    assert not_this_kind([Part((1,), {}, labelled=None)], INVOICE.json_schema) == []


@pytest.mark.skipif(not REAL.exists(), reason="no labelled documents beside the repository")
def test_real_invoices_show_a_label_and_agreements_do_not() -> None:
    """Each of the real PDFs of both kinds that has words."""
    for path in sorted([*REAL.glob("inv_*.pdf"), *REAL.glob("nda_*.pdf")]):
        with pymupdf.open(path) as opened:
            text = " ".join(page.get_text() for page in opened)
        assert labelled(words(text), INVOICE) is path.name.startswith("inv"), path.name
