"""What travels between the stages: frozen, and named after what it is.

Boxes are (x0, y0, x1, y1) as fractions of the page's width and height as a reader sees it (upright),
origin top left. Pages are numbered from 1.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any, NamedTuple

from extractors.einvoice import EInvoice, UnreadEInvoice
from extractors.errors import Kind
from extractors.vocabulary import DocumentStatus, EvidenceState, IssueKind, PageStatus, WordsFrom

Box = tuple[float, float, float, float]

WHOLE: Box = (0.0, 0.0, 1.0, 1.0)
"""All of a page."""


@dataclass(frozen=True)
class ObjectRef:
    """One object of a source, as its listing shows it.

    Attributes:
        uri: `s3://bucket/key`, or `file:///absolute/path`.
        size: bytes.
        etag: changes when the bytes do: the S3 ETag, or size and time of a file.
        explicit: named by the user one by one rather than found under a prefix.
    """

    uri: str
    size: int
    etag: str
    explicit: bool = False


@dataclass(frozen=True)
class Spooled:
    """An object's bytes on local disk, where worker processes open them by path.

    Attributes:
        path: a file that lives as long as the document is worked on.
        sha256: hex digest of the bytes.
        size: bytes.
    """

    path: Path
    sha256: str
    size: int


@dataclass(frozen=True)
class Document:
    """An opened document: its kind is known by content, its limits are checked.

    Attributes:
        path: where its bytes are.
        sha256: hex digest of the bytes.
        size: bytes.
        media_type: `application/pdf`, `image/jpeg` ...
        page_count: pages of a PDF or TIFF; 1 of other images.
        repaired: the PDF's structure was broken and had to be rebuilt; pages may be missing unseen.
        password: opens it again for drawing; never shown, logged or stored.
        attachments: names of the files inside a PDF (a portfolio has little else); none is followed.
        einvoice: what the data says that an e-invoice brings; or why it cannot be read.
        frames: of an image file: the number, from 0, of each page's frame.
        animated: it is an animation, of which the first frame is the page.
    """

    path: Path
    sha256: str
    size: int
    media_type: str
    page_count: int
    repaired: bool = False
    password: str | None = field(default=None, repr=False)
    attachments: tuple[str, ...] = ()
    einvoice: EInvoice | UnreadEInvoice | None = None
    frames: tuple[int, ...] = ()
    animated: bool = False


class Word(NamedTuple):
    """A word of the text layer that a reader can see."""

    text: str
    box: Box


@dataclass(frozen=True)
class TextLayer:
    """A page's words, packed: two objects while the page waits for its answer, where words are thousands.

    Attributes:
        texts: of the words, in reading order.
        edges: of their boxes, four C doubles each.
        whole: these are all the words that a reader sees there; not so on a scan with a stamped header, or where the
            layer's letters are not those that are drawn.
    """

    texts: tuple[str, ...] = ()
    edges: bytes = b""
    whole: bool = True

    @cached_property
    def words(self) -> tuple[Word, ...]:
        """The words, made when they are first asked for; without a Python call for each."""
        edge = iter(memoryview(self.edges).cast("d"))
        boxes = zip(edge, edge, edge, edge, strict=True)
        return tuple(map(partial(tuple.__new__, Word), zip(self.texts, boxes, strict=True)))


@dataclass(frozen=True)
class PageWords:
    """The words of a page in which its values are looked for.

    Attributes:
        words: in reading order.
        whole: these are all that a reader sees: what is not among them is not on the page.
        by_ocr: read from the picture, so that letters may be taken for others.
    """

    words: Sequence[Word]
    whole: bool = True
    by_ocr: bool = False

    @property
    def source(self) -> WordsFrom | None:
        """Where they are from; None for a page whose words are not all known."""
        if self.by_ocr:
            return WordsFrom.OCR
        return WordsFrom.LAYER if self.words and self.whole else None


@dataclass(frozen=True)
class Picture:
    """What the model is shown of a page.

    Attributes:
        jpeg: its bytes.
        width: pixels.
        height: pixels.
        sha256: hex digest of `jpeg`.
        box: the part of the page that it shows; a little beyond the page where it was filled up.
    """

    jpeg: bytes
    width: int
    height: int
    sha256: str
    box: Box = WHOLE


@dataclass(frozen=True)
class PageImage:
    """A page as the model sees it.

    Attributes:
        page: number, from 1.
        jpeg: the image's bytes; empty when the page is blank.
        width: pixels.
        height: pixels.
        sha256: hex digest of `jpeg`.
        box: the part of the page that it shows: margins without ink are left out.
        tiles: what is sent instead where the print would be too small: overlapping parts, line by line.
        blank: the rendered page has no ink.
        text_layer: what a reader sees of it, hidden text left out; empty for scans and images.
        hidden_text: what the text layer says where a reader sees nothing.
        doubt: what is broken in its data, in words, though nothing is known to be lost.
        illegible: its print is too small to be read.
    """

    page: int
    jpeg: bytes
    width: int
    height: int
    sha256: str
    box: Box = WHOLE
    tiles: tuple[Picture, ...] = ()
    blank: bool = False
    text_layer: TextLayer = TextLayer()
    hidden_text: str = ""
    doubt: str = ""
    illegible: bool = False

    @property
    def words(self) -> tuple[Word, ...]:
        """The words that a reader sees, in reading order."""
        return self.text_layer.words

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """What is sent: its tiles, or the page in one piece."""
        return self.tiles or (Picture(self.jpeg, self.width, self.height, self.sha256, self.box),)


@dataclass(frozen=True)
class PageFailure:
    """A page that could not be drawn, or whose window got no usable answer."""

    page: int
    kind: Kind
    cause: str


@dataclass(frozen=True)
class Window:
    """The pages of one request, in order; none is blank."""

    pages: tuple[PageImage, ...]

    @property
    def numbers(self) -> tuple[int, ...]:
        """The pages' numbers."""
        return tuple(page.page for page in self.pages)


@dataclass(frozen=True)
class VisionRequest:
    """One question to the model, before an endpoint gives it its dialect.

    Attributes:
        system: the system prompt.
        instructions: the text before the pages: what to do and the schema; the same for every document.
        schema_name: names the response format.
        schema: the portable JSON schema of the answer.
        pages: the images, in order.
        answer_tokens: the most that the answer may take.
        first_answer: on the repair round, the answer that was refused.
        faults: on the repair round, what was wrong with it, one line each.
        pictures_first: the pages stand before the instructions, so that prompt caches hold them for several questions
            about the same pages.
    """

    system: str
    instructions: str
    schema_name: str
    schema: dict[str, Any]
    pages: tuple[PageImage, ...]
    answer_tokens: int
    first_answer: str | None = None
    faults: tuple[str, ...] = ()
    pictures_first: bool = False

    @cached_property
    def pictures(self) -> tuple[tuple[str, Picture], ...]:
        """What is shown, each under its label."""
        return tuple(labelled for page in self.pages for labelled in labelled_pictures(page))


def labelled_pictures(page: PageImage) -> Iterator[tuple[str, Picture]]:
    """A page's pictures, each under the label that tells the model what it shows."""
    if not page.tiles:
        yield f"Page {page.page}:", page.pictures[0]
    for number, tile in enumerate(page.tiles, start=1):
        x0, y0, x1, y1 = (min(100, round(100 * side)) for side in tile.box)
        where = f"{x0} to {x1} % of its width, {y0} to {y1} % of its height; the parts overlap"
        yield f"Page {page.page}, part {number} of {len(page.tiles)} ({where}):", tile


@dataclass(frozen=True)
class Usage:
    """Tokens and money of calls. `cached` tokens are part of `input`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        """The sum of two."""
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cached + other.cached,
            self.cost_usd + other.cost_usd,
        )


@dataclass(frozen=True)
class StoredReply:
    """A reply as the endpoint sent it, kept under its request's fingerprint before anything reads it.

    Attributes:
        fingerprint: sha256 hex of everything that decides the answer.
        endpoint: the profile's name.
        model: as asked for.
        status: HTTP status.
        body: the raw body.
        usage: tokens and cost, as far as the body says.
        seconds: from sending to the last byte.
    """

    fingerprint: str
    endpoint: str
    model: str
    status: int
    body: str
    usage: Usage
    seconds: float = 0.0


@dataclass(frozen=True)
class Reply:
    """An answer's text, read from a stored reply.

    Attributes:
        text: what the model wrote.
        fingerprint: the request's, and the key of the raw reply.
        endpoint: the profile's name.
        model: that answered, as the answer says; as asked for where it says nothing.
        usage: of this call; what a reused reply once cost.
        reused: it came from the store: nothing was sent or billed now.
        stand_in: another endpoint than the one that is asked first gave it, of another model or otherwise asked.
        provider: to which a gateway passed the question on, where it says so.
    """

    text: str
    fingerprint: str
    endpoint: str
    model: str
    usage: Usage
    reused: bool = False
    stand_in: bool = False
    provider: str | None = None


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an answer.

    Attributes:
        kind: why it is refused.
        path: where: `line_items.0.amount`.
        message: what, in words for the model.
        structural: it is no object of the schema's shape, which says more of the endpoint than of the document.
    """

    kind: Kind
    path: str
    message: str
    structural: bool = False


@dataclass(frozen=True)
class Issue:
    """Something a person should know about a record that stands: a broken check, a conflict, hidden text ..."""

    kind: IssueKind
    path: str
    message: str


@dataclass(frozen=True)
class UnreadFields:
    """Fields of a wide schema whose question got no usable answer: they are null.

    Attributes:
        fields: their paths, positions left out.
        kind: of the failure.
        cause: why, in one line.
    """

    fields: tuple[str, ...]
    kind: Kind
    cause: str


@dataclass(frozen=True)
class Evidence:
    """Where a leaf value stands, or that it was not found, or could not be looked for.

    Attributes:
        path: the leaf's: `line_items.0.amount`.
        state: whether it was found.
        page: where it stands; None unless found.
        box: around its words there.
        text: its words, as the page shows them.
        doubt: what speaks against the place, in words.
        distance: how far OCR's words are from the value, in characters that OCR confuses; 0 where they are its own.
    """

    path: str
    state: EvidenceState
    page: int | None = None
    box: Box | None = None
    text: str | None = None
    distance: float | None = None
    doubt: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As it is stored; a doubt is an issue of its own."""
        return {name: value for name, value in vars(self).items() if name != "doubt"}


@dataclass(frozen=True)
class PageState:
    """How one page ended: `read`, `blank` or `failed`, with the failure's kind and cause.

    `words` tells where the words are from in which values were looked for; None where not all are known.
    """

    page: int
    status: PageStatus
    kind: Kind | None = None
    cause: str | None = None
    words: WordsFrom | None = None


@dataclass(frozen=True)
class RecordDraft:
    """A record before it has an id.

    Attributes:
        data: JSON data: decimals as strings, dates ISO.
        issues: what a person should know.
        evidence: one entry for each leaf that is not null.
        grounded: found / (found + not found), 0 to 1; None when nothing could be checked.
        pages: the pages it was read from.
    """

    data: dict[str, Any]
    issues: tuple[Issue, ...]
    evidence: tuple[Evidence, ...]
    grounded: float | None
    pages: tuple[int, ...]


@dataclass(frozen=True)
class Extraction:
    """How one document ended under one recipe.

    Attributes:
        status: `complete`, `partial`, `quarantined` or `pending`.
        kind: why, from the error tree; None when complete, but for a document without ink.
        cause: why, in one line.
        media_type: by content; None when it was never opened.
        page_count: None when it was never opened.
        pages: every page's state.
        records: in document order.
        endpoint: which answered last, if any.
        model: likewise.
        provider: likewise, where a gateway names it.
        stand_in: another endpoint than the one that is asked first answered some of it.
        reply_fingerprints: of every reply that was read, for `quarantine show`.
        issues: what a person should know where there is no record to say it of.
        by_schema: of a file of several documents (`--split`), what the pages of each schema gave, by its name;
            then the records are there and not in `records`.
    """

    status: DocumentStatus
    kind: Kind | None = None
    cause: str | None = None
    media_type: str | None = None
    page_count: int | None = None
    pages: tuple[PageState, ...] = ()
    records: tuple[RecordDraft, ...] = ()
    endpoint: str | None = None
    model: str | None = None
    provider: str | None = None
    stand_in: bool = False
    reply_fingerprints: tuple[str, ...] = ()
    issues: tuple[Issue, ...] = ()
    started_at: datetime | None = None
    finished_at: datetime | None = None
    by_schema: Mapping[str, "Extraction"] = field(default_factory=dict)

    @property
    def record_count(self) -> int:
        """Records, those of the schemas of a split file included."""
        return len(self.records) + sum(len(each.records) for each in self.by_schema.values())
