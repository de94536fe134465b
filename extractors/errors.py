"""Everything that can go wrong, as one tree.

    OctavoError
    ├── DocumentError            this document is quarantined, the others go on
    │   ├── Encrypted            a password is needed
    │   ├── NotADocument         neither a PDF nor an image, by content
    │   ├── Unsupported          an image format that no installed library decodes
    │   ├── TooLarge             more bytes than the limit
    │   ├── TooManyPages         more pages than the limit
    │   ├── PageTooLarge         a page of more pixels than the limit
    │   ├── ImageTooLarge        an image inside a page of more pixels than the limit
    │   ├── Damaged              broken beyond reading, cut off, or without pages
    │   ├── RenderTimeout        the renderer did not finish in time
    │   ├── RenderMemory         the renderer ran out of its memory limit
    │   ├── RenderCrashed        the renderer's process died
    │   └── ObjectGone           listed, and no longer there when it was to be read
    ├── AnswerError              this window got no usable answer: its pages are `failed`
    │   ├── InvalidAnswer        no JSON, or still against the schema after the repair round
    │   ├── RefusedValue         values stay refused after the repair round: they are null, the rest stands
    │   ├── IncompleteRecord     a record lacks what the schema demands of it as a whole: kept, in no view
    │   ├── EmptyAnswer          nothing in it though the page has ink
    │   ├── RowsMissing          valid, but table rows of the page are in no record, twice
    │   ├── FitsNone             with `--split`: the page fits none of the schemas
    │   ├── TruncatedAnswer      cut off at the output limit
    │   ├── PromptCut            the server read less than it was sent
    │   ├── RunawayAnswer        white space or a cycle without end
    │   ├── NotStored            read again from stored replies alone, and one of them is gone
    │   ├── Refused              the model declined
    │   ├── NoAnswer             asked again and again, while others were answered, and never answered
    │   └── RejectedRequest      the endpoint refuses this very request
    │       └── RequestTooBig    ... for its size or its number of images: a smaller window may do
    ├── Paused                   nothing is lost: what is left stays `pending`, exit code 4
    │   ├── EndpointDown         nothing but errors for `give_up_after`
    │   ├── SourceDown           the source has answered nothing for as long
    │   ├── HeldBack             refused by an endpoint that has answered nothing yet: whose fault it is shows later
    │   ├── BudgetExhausted      the next call could cross `--max-cost`
    │   └── Interrupted          Ctrl-C or SIGTERM
    ├── BadNotification          a bucket's message that means nothing: refused, or left to its queue
    └── CannotRun                the run cannot go on, exit code 1
        ├── ShardLost            the processes of a shard died again and again
        ├── BadConfiguration     a setting, a schema or a command line that means nothing
        ├── EndpointRefused      credentials, credit or model: nothing this run does will help
        ├── SourceUnavailable    the bucket or folder cannot be listed or read
        │   └── SourceAway       ... for it does not answer now, or not to the end
        ├── DestinationUnavailable  an export cannot be written there
        └── StoreUnavailable     the database cannot be opened or written

Each class fixes its `kind` (what the tables say), and for a document's errors what a person does about it
(`advice`).
"""

from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """Every kind of failure that the tables, the summary and the quarantine name."""

    ENCRYPTED = "encrypted"
    NOT_A_DOCUMENT = "not_a_document"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"
    TOO_MANY_PAGES = "too_many_pages"
    PAGE_TOO_LARGE = "page_too_large"
    IMAGE_TOO_LARGE = "image_too_large"
    DAMAGED = "damaged"
    RENDER_TIMEOUT = "render_timeout"
    RENDER_MEMORY = "render_memory"
    RENDER_CRASHED = "render_crashed"
    INVALID_ANSWER = "invalid_answer"
    EMPTY_ANSWER = "empty_answer"
    ROWS_MISSING = "rows_missing"
    FITS_NONE = "fits_none"
    ALL_BLANK = "all_blank"
    """Of a document that is complete: no page has ink, so that there is no record."""
    TRUNCATED_ANSWER = "truncated_answer"
    PROMPT_CUT = "prompt_cut"
    RUNAWAY_ANSWER = "runaway_answer"
    NOT_STORED = "not_stored"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    REJECTED_REQUEST = "rejected_request"
    PAUSED = "paused"
    ENDPOINT_DOWN = "endpoint_down"
    BUDGET_EXHAUSTED = "budget_exhausted"
    INTERRUPTED = "interrupted"
    BAD_NOTIFICATION = "bad_notification"
    CANNOT_RUN = "cannot_run"
    SHARD_LOST = "shard_lost"
    BAD_CONFIGURATION = "bad_configuration"
    ENDPOINT_REFUSED = "endpoint_refused"
    SOURCE_UNAVAILABLE = "source_unavailable"
    DESTINATION_UNAVAILABLE = "destination_unavailable"
    STORE_UNAVAILABLE = "store_unavailable"
    REFUSED_VALUE = "refused_value"
    INVALID_RECORD = "invalid_record"
    GONE = "gone"
    ERROR = "error"
    DEFECT = "defect"
    """An error from outside the tree: a fault of Octavo's own."""


class OctavoError(Exception):
    """The root. `str(error)` is one line for a person: what happened, and what to do."""

    kind: ClassVar[Kind] = Kind.ERROR
    advice: ClassVar[str] = ""


class DocumentError(OctavoError):
    """A document that no retry can help: it is quarantined."""


class Encrypted(DocumentError):
    """A password is needed to open it."""

    kind = Kind.ENCRYPTED
    advice = "give its password: `octavo quarantine retry --kind encrypted --password P`"


class NotADocument(DocumentError):
    """Neither a PDF nor an image, by content."""

    kind = Kind.NOT_A_DOCUMENT
    advice = "nothing to do, unless it should be a PDF or an image: then upload it again"


class Unsupported(DocumentError):
    """An image format that no installed library decodes."""

    kind = Kind.UNSUPPORTED
    advice = "install a decoder (`octavo[heic]`) or convert it to PDF, PNG or JPEG, then retry"


class TooLarge(DocumentError):
    """More bytes than the limit."""

    kind = Kind.TOO_LARGE
    advice = "raise OCTAVO_MAX_BYTES, or split the file, then retry"


class TooManyPages(DocumentError):
    """More pages than the limit."""

    kind = Kind.TOO_MANY_PAGES
    advice = "raise OCTAVO_MAX_PAGES, or split the file, then retry"


class PageTooLarge(DocumentError):
    """A page of more pixels than the limit."""

    kind = Kind.PAGE_TOO_LARGE
    advice = "raise OCTAVO_MAX_PAGE_PIXELS if you trust it, then retry"


class ImageTooLarge(DocumentError):
    """An image inside a page, of more pixels than the limit."""

    kind = Kind.IMAGE_TOO_LARGE
    advice = "raise OCTAVO_MAX_IMAGE_PIXELS if you trust it, then retry"


class Damaged(DocumentError):
    """Broken beyond reading, cut off, or without pages."""

    kind = Kind.DAMAGED
    advice = "open it in a PDF reader; if that fails too, upload it again from its origin"


class RenderTimeout(DocumentError):
    """The renderer did not finish in time."""

    kind = Kind.RENDER_TIMEOUT
    advice = "raise OCTAVO_DOCUMENT_SECONDS if you trust it, then retry; else print it to a new PDF"


class RenderMemory(DocumentError):
    """The renderer ran out of its memory limit."""

    kind = Kind.RENDER_MEMORY
    advice = "raise OCTAVO_DOCUMENT_MEMORY if you trust it, then retry; else print it to a new PDF"


class RenderCrashed(DocumentError):
    """The renderer's process died."""

    kind = Kind.RENDER_CRASHED
    advice = "print it to a new PDF, and upload that"


class ObjectGone(DocumentError):
    """An object was listed, and is no longer there when it is read."""

    kind = Kind.GONE
    advice = "nothing to do, unless it was deleted by mistake: then upload it again"


class AnswerError(OctavoError):
    """A window without a usable answer: its pages are failed."""


class InvalidAnswer(AnswerError):
    """No JSON, or still against the schema after the repair round."""

    kind = Kind.INVALID_ANSWER
    advice = "look at the reply (`octavo quarantine show ID`); retry with another model or a plainer schema"


class RefusedValue(AnswerError):
    """Values stay against the schema after the repair round: they are null, and the rest of the record stands."""

    kind = Kind.REFUSED_VALUE
    advice = "the record's issues have the raw text: correct the schema if the text is right, else look at the page"


class IncompleteRecord(AnswerError):
    """A record that lacks what the schema demands of it as a whole: it is kept, and is in no typed view."""

    kind = Kind.INVALID_RECORD
    advice = "the record's issues say what is missing: look at the page, or make the field optional in the schema"


class EmptyAnswer(AnswerError):
    """Nothing in it though the page has ink."""

    kind = Kind.EMPTY_ANSWER
    advice = "look at its pages: is it a document of this schema at all? If so, retry with another model"


class RowsMissing(AnswerError):
    """Valid, but rows of a table that the page shows are in no record, after asking again."""

    kind = Kind.ROWS_MISSING
    advice = "compare the table with its page; retry with fewer pages per request or another model"


class FitsNone(AnswerError):
    """A page of a file of several documents that fits none of the schemas."""

    kind = Kind.FITS_NONE
    advice = "look at its pages (`octavo quarantine show ID --images DIR`); if it should be read, name its schema too"


class TruncatedAnswer(AnswerError):
    """Cut off at the output limit, which was `tokens`."""

    kind = Kind.TRUNCATED_ANSWER
    advice = "retry with fewer pages per request, or a model with a larger output"

    def __init__(self, why: str, tokens: int) -> None:
        super().__init__(why)
        self.tokens = tokens


class PromptCut(AnswerError):
    """The server read less than it was sent, or would have: what it answers is not of all the pages."""

    kind = Kind.PROMPT_CUT
    advice = (
        "raise the server's context (Ollama: num_ctx or OLLAMA_CONTEXT_LENGTH, and `context` of the endpoint in "
        "octavo.toml), then retry"
    )


class RunawayAnswer(AnswerError):
    """White space or a cycle without end."""

    kind = Kind.RUNAWAY_ANSWER
    advice = "retry, with another model if it happens again"


class NotStored(AnswerError):
    """Only stored replies were to be read, and this one is not there."""

    kind = Kind.NOT_STORED
    advice = "its replies were purged: `octavo quarantine retry ID` asks again, and pays for it"


class Refused(AnswerError):
    """The model declined to answer."""

    kind = Kind.REFUSED
    advice = "look at the reply (`octavo quarantine show ID`); retry with another model"


class NoAnswer(AnswerError):
    """A question that was never answered, while its endpoint answered others, or in several runs."""

    kind = Kind.NO_ANSWER
    advice = "look at its pages; raise OCTAVO_TIMEOUT, or retry with fewer pages per request or another endpoint"


class RejectedRequest(AnswerError):
    """The endpoint refuses this very request."""

    kind = Kind.REJECTED_REQUEST
    advice = "the cause names what the endpoint refuses; retry with another endpoint or fewer pages per request"


class RequestTooBig(RejectedRequest):
    """Refused for its size or its number of images; a smaller window may be taken."""


class Paused(OctavoError):
    """The run stops early; what is left stays pending and the same command goes on."""

    kind = Kind.PAUSED


class EndpointDown(Paused):
    """Nothing but errors from every endpoint for `give_up_after` seconds."""

    kind = Kind.ENDPOINT_DOWN


class SourceDown(Paused):
    """The source has answered nothing for `give_up_after` seconds."""

    kind = Kind.SOURCE_UNAVAILABLE


class HeldBack(Paused):
    """Refused by every endpoint that may be asked, and none of these has answered anything in this run so far."""

    kind = Kind.ENDPOINT_REFUSED


class BudgetExhausted(Paused):
    """The next call could cross the budget."""

    kind = Kind.BUDGET_EXHAUSTED


class Interrupted(Paused):
    """Ctrl-C or SIGTERM."""

    kind = Kind.INTERRUPTED


class BadNotification(OctavoError):
    """A message about an upload that is of no known shape."""

    kind = Kind.BAD_NOTIFICATION


class CannotRun(OctavoError):
    """The run cannot start or go on."""

    kind = Kind.CANNOT_RUN


class ShardLost(CannotRun):
    """The processes that took a shard died, each time that it was handed out."""

    kind = Kind.SHARD_LOST


class BadConfiguration(CannotRun):
    """A setting, a schema or a command line that means nothing."""

    kind = Kind.BAD_CONFIGURATION


class EndpointRefused(CannotRun):
    """Credentials, credit or model: no endpoint of the run will serve it."""

    kind = Kind.ENDPOINT_REFUSED


class SourceUnavailable(CannotRun):
    """The bucket or folder cannot be listed or read."""

    kind = Kind.SOURCE_UNAVAILABLE


class SourceAway(SourceUnavailable):
    """It does not answer, not to the end, or not so often: it may, a little later."""


class DestinationUnavailable(CannotRun):
    """An export cannot be written there."""

    kind = Kind.DESTINATION_UNAVAILABLE


class StoreUnavailable(CannotRun):
    """The database cannot be opened or written."""

    kind = Kind.STORE_UNAVAILABLE


def advice_for(kind: str) -> str:
    """What a person does about a document that failed so; empty for a kind that no error here has."""
    classes = [OctavoError]
    for each in classes:
        if each.kind == kind and each.advice:
            return each.advice
        classes += each.__subclasses__()
    return ""
