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
    │   └── RenderCrashed        the renderer's process died
    ├── AnswerError              this window got no usable answer: its pages are `failed`
    │   ├── InvalidAnswer        no JSON, or still against the schema after the repair round
    │   ├── EmptyAnswer          nothing in it though the page has ink
    │   ├── RowsMissing          valid, but table rows of the page are in no record, twice
    │   ├── FitsNone             with `--split`: the page fits none of the schemas
    │   ├── TruncatedAnswer      cut off at the output limit
    │   ├── RunawayAnswer        white space or a cycle without end
    │   ├── Refused              the model declined
    │   └── RejectedRequest      the endpoint refuses this very request
    │       └── RequestTooBig    ... for its size or its number of images: a smaller window may do
    ├── Paused                   nothing is lost: what is left stays `pending`, exit code 4
    │   ├── EndpointDown         nothing but errors for `give_up_after`
    │   ├── BudgetExhausted      the next call could cross `--max-cost`
    │   └── Interrupted          Ctrl-C or SIGTERM
    ├── BadNotification          a bucket's message that means nothing: refused, or left to its queue
    └── CannotRun                the run cannot go on, exit code 1
        ├── ShardLost            the processes of a shard died again and again
        ├── BadConfiguration     a setting, a schema or a command line that means nothing
        ├── EndpointRefused      credentials, credit or model: nothing this run does will help
        ├── SourceUnavailable    the bucket or folder cannot be listed or read
        ├── DestinationUnavailable  an export cannot be written there
        └── StoreUnavailable     the database cannot be opened or written

Each class fixes its `kind` (what the tables say), its `stage`, whether the same bytes could do better
later (`retryable`), and for a document's errors what a person does about it (`advice`).
"""

from typing import ClassVar


class OctavoError(Exception):
    """The root. `str(error)` is one line for a person: what happened, and what to do."""

    kind: ClassVar[str] = "error"
    stage: ClassVar[str] = ""
    retryable: ClassVar[bool] = False
    advice: ClassVar[str] = ""


class DocumentError(OctavoError):
    """A document that no retry can help: it is quarantined."""

    stage = "opening"


class Encrypted(DocumentError):
    """A password is needed to open it."""

    kind = "encrypted"
    advice = "give its password: `octavo quarantine retry --kind encrypted --password P`"


class NotADocument(DocumentError):
    """Neither a PDF nor an image, by content."""

    kind = "not_a_document"
    advice = "nothing to do, unless it should be a PDF or an image: then upload it again"


class Unsupported(DocumentError):
    """An image format that no installed library decodes."""

    kind = "unsupported"
    advice = "install a decoder (`octavo[heic]`) or convert it to PDF, PNG or JPEG, then retry"


class TooLarge(DocumentError):
    """More bytes than the limit."""

    kind = "too_large"
    advice = "raise OCTAVO_MAX_BYTES, or split the file, then retry"


class TooManyPages(DocumentError):
    """More pages than the limit."""

    kind = "too_many_pages"
    advice = "raise OCTAVO_MAX_PAGES, or split the file, then retry"


class PageTooLarge(DocumentError):
    """A page of more pixels than the limit."""

    kind = "page_too_large"
    advice = "raise OCTAVO_MAX_PAGE_PIXELS if you trust it, then retry"


class ImageTooLarge(DocumentError):
    """An image inside a page, of more pixels than the limit."""

    kind = "image_too_large"
    advice = "raise OCTAVO_MAX_IMAGE_PIXELS if you trust it, then retry"
    stage = "rendering"


class Damaged(DocumentError):
    """Broken beyond reading, cut off, or without pages."""

    kind = "damaged"
    advice = "open it in a PDF reader; if that fails too, upload it again from its origin"


class RenderTimeout(DocumentError):
    """The renderer did not finish in time."""

    kind = "render_timeout"
    advice = "raise OCTAVO_DOCUMENT_SECONDS if you trust it, then retry; else print it to a new PDF"
    stage = "rendering"


class RenderMemory(DocumentError):
    """The renderer ran out of its memory limit."""

    kind = "render_memory"
    advice = "raise OCTAVO_DOCUMENT_MEMORY if you trust it, then retry; else print it to a new PDF"
    stage = "rendering"


class RenderCrashed(DocumentError):
    """The renderer's process died."""

    kind = "render_crashed"
    advice = "print it to a new PDF, and upload that"
    stage = "rendering"


class AnswerError(OctavoError):
    """A window without a usable answer: its pages are failed."""

    stage = "vision"


class InvalidAnswer(AnswerError):
    """No JSON, or still against the schema after the repair round."""

    kind = "invalid_answer"
    advice = "look at the reply (`octavo quarantine show ID`); retry with another model or a plainer schema"
    stage = "validation"


class EmptyAnswer(AnswerError):
    """Nothing in it though the page has ink."""

    kind = "empty_answer"
    advice = "look at its pages: is it a document of this schema at all? If so, retry with another model"
    stage = "validation"


class RowsMissing(AnswerError):
    """Valid, but rows of a table that the page shows are in no record, after asking again."""

    kind = "rows_missing"
    advice = "compare the table with its page; retry with fewer pages per request or another model"
    stage = "validation"


class FitsNone(AnswerError):
    """A page of a file of several documents that fits none of the schemas."""

    kind = "fits_none"
    advice = "look at its pages (`octavo quarantine show ID --images DIR`); if it should be read, name its schema too"
    stage = "splitting"


class TruncatedAnswer(AnswerError):
    """Cut off at the output limit."""

    kind = "truncated_answer"
    advice = "retry with fewer pages per request, or a model with a larger output"


class RunawayAnswer(AnswerError):
    """White space or a cycle without end."""

    kind = "runaway_answer"
    advice = "retry, with another model if it happens again"


class Refused(AnswerError):
    """The model declined to answer."""

    kind = "refused"
    advice = "look at the reply (`octavo quarantine show ID`); retry with another model"


class RejectedRequest(AnswerError):
    """The endpoint refuses this very request."""

    kind = "rejected_request"
    advice = "the cause names what the endpoint refuses; retry with another endpoint or fewer pages per request"


class RequestTooBig(RejectedRequest):
    """Refused for its size or its number of images; a smaller window may be taken."""


class Paused(OctavoError):
    """The run stops early; what is left stays pending and the same command goes on."""

    kind = "paused"
    stage = "vision"
    retryable = True


class EndpointDown(Paused):
    """Nothing but errors from every endpoint for `give_up_after` seconds."""

    kind = "endpoint_down"


class BudgetExhausted(Paused):
    """The next call could cross the budget."""

    kind = "budget_exhausted"


class Interrupted(Paused):
    """Ctrl-C or SIGTERM."""

    kind = "interrupted"


class BadNotification(OctavoError):
    """A message about an upload that is of no known shape."""

    kind = "bad_notification"


class CannotRun(OctavoError):
    """The run cannot start or go on."""

    kind = "cannot_run"
    stage = "run"


class ShardLost(CannotRun):
    """The processes that took a shard died, each time that it was handed out."""

    kind = "shard_lost"


class BadConfiguration(CannotRun):
    """A setting, a schema or a command line that means nothing."""

    kind = "bad_configuration"


class EndpointRefused(CannotRun):
    """Credentials, credit or model: no endpoint of the run will serve it."""

    kind = "endpoint_refused"


class SourceUnavailable(CannotRun):
    """The bucket or folder cannot be listed or read."""

    kind = "source_unavailable"


class DestinationUnavailable(CannotRun):
    """An export cannot be written there."""

    kind = "destination_unavailable"


class StoreUnavailable(CannotRun):
    """The database cannot be opened or written."""

    kind = "store_unavailable"


def advice_for(kind: str) -> str:
    """What a person does about a document that failed so; empty for a kind that no error here has."""
    classes = [OctavoError]
    for each in classes:
        if each.kind == kind and each.advice:
            return each.advice
        classes += each.__subclasses__()
    return ""
