"""A folder of documents, two endpoints that remember what they said, and what a store should show of it.

For `test_identity_machine`: the world says what the runs did, the oracle what they should have done.
"""

import asyncio
import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pages
import pymupdf
from fakes import Answer, Asked, ModelServer
from PIL import Image
from sqlalchemy import create_engine, inspect, text

from flows.observe.summary import Summary
from flows.observe.watch import Silent
from flows.run.job import run_job
from flows.run.parameters import Job
from flows.settings import Settings
from flows.store.store import Store

ENDPOINTS = {"custom": "first", "vllm": "second"}
"""Profile -> the model that it is asked for here."""

QUALITIES = ("good", "part", "none")
"""An answer that holds, one of which a value cannot be read, one that is no JSON."""

_READINGS = {
    "upper": "return text.upper()",
    "lower": "return text.lower()",
    "strict": "if text[0] in '13':\n        raise ValueError('odd')\n    return text",
}
READINGS = tuple(_READINGS)

_TICKET = '''"""Tickets. {comment}"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field

from schemas.fields import Money


def worded(text: str) -> str:
    """{comment}"""
    # {comment}
    {reading}


class Ticket(BaseModel):
    """A ticket."""

    who: str | None = None
    code: Annotated[str, AfterValidator(worded)] | None = Field(None, description="the {asking} wording")
    total: Money | None = None
'''


class Killed(Exception):
    """The process is gone, as far as the run can tell."""


class InProcess:
    """Opens and draws in this process: one for each run costs seconds, and is other tests' subject."""

    def __init__(self, *_: object) -> None:
        """As `Workers`."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to end."""

    async def run(self, function: Callable[..., Any], *args: Any, seconds: float) -> Any:
        """Calls it."""
        del seconds
        return function(*args)


@dataclass(frozen=True)
class Question:
    """What was asked: of which content, in which words, of which model."""

    content: int
    asking: str
    model: str


@dataclass(frozen=True)
class Said:
    """An answer: the how manieth it was, and how good."""

    serial: int
    quality: str
    to: Question

    @property
    def who(self) -> str:
        """What it says."""
        return f"{self.to.content} {self.to.asking} {self.to.model} {self.serial}"


@dataclass(frozen=True)
class Wish:
    """How a run asks: wording, validator, profiles in order."""

    asking: str = "one"
    reading: str = "upper"
    order: tuple[str, ...] = ("custom", "vllm")
    comment: str = ""

    @property
    def models(self) -> tuple[str, ...]:
        """In the order in which they are asked."""
        return tuple(ENDPOINTS[name] for name in self.order)

    @property
    def recipe(self) -> tuple[str, str, str]:
        """What names the work."""
        return self.asking, self.models[0], self.reading

    @property
    def schema(self) -> tuple[str, str]:
        """The schema's content."""
        return self.asking, self.reading


@dataclass
class World:
    """Documents, endpoints and the store in a folder.

    Attributes:
        url: the store's.
        files: name -> content of what is in the inbox.
        quality: how good a model's next answers about a content are, where not good.
        down: models whose server refuses everybody.
        said: every answer by its id.
        asked: since the last run began: what was answered, repairs too, with the id that its answer got.
        kill_at: the call at which the run is killed.
    """

    folder: Path
    url: str
    files: dict[str, int] = field(default_factory=dict)
    quality: dict[tuple[int, str], str] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)
    said: dict[str, Said] = field(default_factory=dict)
    asked: list[tuple[Question, str]] = field(default_factory=list)
    kill_at: int | None = None
    _has_store: bool = False

    def __post_init__(self) -> None:
        """Starts the server, which both endpoints are."""
        self.inbox = self.folder / "inbox"
        self.inbox.mkdir()
        self.server = ModelServer(self._answer)
        self._engine = create_engine(self.url)
        self._kill: Callable[[], None] = lambda: None

    def close(self) -> None:
        """Ends the server, and lets go of the store."""
        self.server.close()
        self._engine.dispose()

    def put(self, name: str, content: int) -> None:
        """Writes a document, whose frame has the content's shape."""
        size = (400.0, 400.0 + 80 * content)
        with pymupdf.open(stream=pages.digital_pdf([f"Ticket {content}"], size=size)) as made:
            made[0].draw_rect((2, 2, size[0] - 2, size[1] - 2))
            (self.inbox / f"{name}.pdf").write_bytes(made.tobytes(no_new_id=True))
        self.files[name] = content

    def take_away(self, name: str) -> None:
        """Deletes a document."""
        (self.inbox / f"{name}.pdf").unlink()
        del self.files[name]

    def _answer(self, asked: Asked) -> Answer:
        with Image.open(io.BytesIO(asked.images[0])) as picture:
            content = round((picture.height / picture.width * 400 - 400) / 80)
        wording = "one" if "the one wording" in asked.text else "two"
        to = Question(content, wording, asked.body["model"])
        if to.model in self.down:
            return Answer(status=401, body=b'{"error": {"message": "no such key"}}')
        self.asked.append((to, asked.fingerprint))
        if self.kill_at is not None and len(self.asked) > self.kill_at:
            self._kill()
        if asked.is_repair:
            told = next(each["content"] for each in asked.body["messages"] if each["role"] == "assistant")
            text = told if isinstance(told, str) else told[0]["text"]
        else:
            said = Said(len(self.said), self.quality.get((content, to.model), "good"), to)
            self.said[asked.fingerprint] = said
            total = "PAID" if said.quality == "part" else "12.00"
            record = {"who": said.who, "code": f"{content}Ab", "total": total}
            text = "I am sorry." if said.quality == "none" else json.dumps(record)
        body = json.loads(Answer(text=text).raw())
        return Answer(body=json.dumps({**body, "id": asked.fingerprint}).encode())

    def stored(self) -> dict[Question, Said]:
        """The answers that are stored, and count."""
        ids = self.stored_ids()
        return {said.to: said for name, said in self.said.items() if name in ids}

    def stored_ids(self) -> set[str]:
        """The ids of all stored answers."""
        return {json.loads(body)["id"] for (body,) in self.rows("select body from replies where status = 200")}

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the store says."""
        for number in range(len(values)):
            query = query.replace("?", f":value_{number}", 1)
        named = {f"value_{number}": value for number, value in enumerate(values)}
        with self._engine.connect() as connection:
            if not self._has_store:
                self._has_store = inspect(connection).has_table("replies")
            return [tuple(row) for row in connection.execute(text(query), named)] if self._has_store else []

    def finished(self, run_id: str) -> set[str]:
        """The names of the documents whose bytes a run brought to an end."""
        found = self.rows(
            "select d.uri from documents d join extractions e on e.sha256 = d.sha256"
            " where e.run_id = ? and e.status <> 'pending'", run_id,
        )  # fmt: skip
        return {Path(uri).stem for (uri,) in found}

    def shown(self) -> dict[int, list[tuple[str, str | None, bool]]]:
        """The view: content -> (who, code, whether there is a total) of each row."""
        found: dict[int, list[tuple[str, str | None, bool]]] = {}
        for who, code, total in self.rows("select who, code, total from ticket"):
            found.setdefault(int(who.split()[0]), []).append((who, code, total is not None))
        return found

    def run(
        self, wish: Wish, *, run_id: str, kill: int | None = None, finish: int | None = None, **more: Any
    ) -> Summary | None:
        """A run over the inbox; None for one that was killed, at a call or before an outcome was written."""
        ticket = self.folder / "ticket.py"
        ticket.write_text(_TICKET.format(asking=wish.asking, reading=_READINGS[wish.reading], comment=wish.comment))
        self.asked.clear()
        self.kill_at = kill
        job = Job(
            sources=(str(self.inbox),), schema_name=f"{ticket}:Ticket", endpoints=wish.order, store=self.url, **more
        )
        overrides = {name: {"base_url": self.server.base_url, "model": model} for name, model in ENDPOINTS.items()}
        settings = Settings(endpoint=overrides, concurrency=4)

        async def running() -> Summary:
            loop, task = (
                asyncio.get_running_loop(),
                asyncio.ensure_future(run_job(job, settings, Silent(), run_id=run_id)),
            )
            self._kill = lambda: loop.call_soon_threadsafe(task.cancel)  # type: ignore[assignment]
            return await task

        with suppress(asyncio.CancelledError, Killed), _killing(finish):
            return asyncio.run(running())
        return None


@contextmanager
def _killing(finish: int | None) -> Iterator[None]:
    """Nothing is written any more from an outcome of that number on."""
    written, left = (Store.finish, Store.keep), [finish]

    def before(write: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **known: Any) -> Any:
            if left[0] is not None:
                left[0] -= 1
                if left[0] < 0:
                    raise Killed
            return write(*args, **known)

        return wrapped

    Store.finish, Store.keep = map(before, written)  # type: ignore[method-assign]
    try:
        yield
    finally:
        Store.finish, Store.keep = written  # type: ignore[method-assign]
