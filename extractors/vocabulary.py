"""The closed vocabularies of what travels and is stored: each word once, with what it means (docs/store.md).

A failure's kinds stand with the errors that have them (`extractors.errors`).
"""

from enum import StrEnum


class DocumentStatus(StrEnum):
    """How a document stands under one recipe."""

    COMPLETE = "complete"
    """Every page read or blank, every record valid."""
    PARTIAL = "partial"
    """Some of it is missing, and said; the records hold what was read."""
    QUARANTINED = "quarantined"
    """Nothing to be had by trying again as it is: a person decides."""
    PENDING = "pending"
    """Not finished, and taken up again by the next run."""


FINAL = (DocumentStatus.COMPLETE, DocumentStatus.PARTIAL, DocumentStatus.QUARANTINED)
"""A document that has ended under its recipe."""

WITH_RECORDS = (DocumentStatus.COMPLETE, DocumentStatus.PARTIAL)
"""Its records count."""

NOT_COMPLETE = (DocumentStatus.PARTIAL, DocumentStatus.QUARANTINED)
"""It has ended, and a person should look."""

SKIPPED = "skipped"
"""In a run's counts only: done before, or no document."""

UNREACHABLE = "unreachable"
"""In a run's counts only: a file or folder that may not be read, and so may be a document."""


class PageStatus(StrEnum):
    """How a page ended."""

    READ = "read"
    """Its content went to the model and came back valid."""
    BLANK = "blank"
    """No ink on the drawn page: not sent, not billed."""
    FAILED = "failed"
    """Not read; its kind says why."""


class IssueKind(StrEnum):
    """What a person should know about a record that stands."""

    CHECK_FAILED = "check_failed"
    """A rule of the schema is broken: lines do not sum to the subtotal, for example."""
    CONFLICT = "conflict"
    """Pages disagree about a value; the one kept is told."""
    HIDDEN_TEXT = "hidden_text"
    """The page holds text that a reader cannot see."""
    REFUSED_VALUE = "refused_value"
    """A value that the schema refuses, also after asking again: its field is null; the raw text is told."""
    INVALID_RECORD = "invalid_record"
    """What the schema demands of a whole record does not hold: the record is kept, and is in no typed view."""
    NOT_THIS_KIND = "not_this_kind"
    """The pages show no label of the schema's amounts and no amount of the record: an NDA read as an invoice."""
    NOTHING_FOUND = "nothing_found"
    """Pages of a longer document in which the model read nothing, also after asking again."""
    MISSING_PAGES = "missing_pages"
    """Pages of the document that were not read."""
    ROWS_MISSING = "rows_missing"
    """A page shows more table rows than its records hold."""
    ROW_REPEATED = "row_repeated"
    """A row that the record has once more than its pages show it."""
    UNPAIRED_ROWS = "unpaired_rows"
    """Rows of a wide schema that stand in the answer to some of its questions only: each is kept as it is."""
    UNREAD_FIELDS = "unread_fields"
    """Fields of a wide schema whose question got no usable answer: they are null."""
    JOINED = "joined"
    """A row, or a record, whose halves stood in two requests: they were put together."""
    REPAIRED = "repaired"
    """The file's structure was broken and rebuilt."""
    ILLEGIBLE = "illegible"
    """The print of a page, a fifth of its lines or more, is too small in the picture that the model was sent."""
    DAMAGED_PAGE = "damaged_page"
    """Some of a page's data is broken: it may look otherwise than it was made."""
    PLACEHOLDER = "placeholder"
    """A page that only says that its form (XFA) is shown by Adobe Reader alone."""
    FIRST_FRAME = "first_frame"
    """The file is an animation, of which only the first frame was read."""
    ATTACHMENTS = "attachments"
    """Files inside the PDF, which were not read."""
    ALL_BLANK = "all_blank"
    """No page has ink: there is nothing to read, and no record."""
    NOT_ON_PAGE = "not_on_page"
    """A value that stands nowhere on pages all of whose words are known: the model may have made it up."""
    MISPLACED = "misplaced"
    """A value that stands beside another field's label, in another's column or in another row."""
    XML_DIFFERS = "xml_differs"
    """The data that an e-invoice brings says another value; the record's is the page's."""
    OLDER_SCHEMA = "older_schema"
    """The record was read under an older schema: under today's the document is quarantined."""


class EvidenceState(StrEnum):
    """What became of looking for a value on the pages that it was read from."""

    FOUND = "found"
    """It stands there: page, box and words."""
    NOT_FOUND = "not_found"
    """It stands nowhere on pages all of whose words are known."""
    NOT_CHECKABLE = "not_checkable"
    """It cannot be told: no words to look in, a judgement (yes or no, one of a list), or a number too small alone."""


class WordsFrom(StrEnum):
    """Where a page's words are from, all of which are known."""

    LAYER = "layer"
    """Its text layer."""
    OCR = "ocr"
    """Its picture."""


class Ground(StrEnum):
    """Whether values are looked for on their pages (`--ground`)."""

    OFF = "off"
    """They are not: no evidence."""
    TEXT = "text"
    """In the words of the text layer."""
    OCR = "ocr"
    """Also in words read from the picture, where a page has no text layer or one that does not say all."""


class Records(StrEnum):
    """How many records a document holds (`--records`)."""

    ONE = "one"
    """The document is one record."""
    MANY = "many"
    """Every record in it."""
    PER_PAGE = "per-page"
    """Each page is a record of its own."""


class Stored(StrEnum):
    """Which stored replies count when a question is asked again."""

    ALL = "all"
    """Every one, whoever gave it."""
    GOOD = "good"
    """Those that hold: what failed is asked again."""
    FIRST = "first"
    """Those of the endpoint that is asked first."""
    NONE = "none"
    """None: everything is asked anew."""
    ONLY = "only"
    """Every one, and nothing is asked: an answer that is not stored is not got."""
