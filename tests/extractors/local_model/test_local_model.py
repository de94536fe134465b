"""The built-in model as its callers meet it: over the wire, in process, and through the official client."""

import asyncio
import base64
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
import uvicorn
from pages import digital_pdf, invoice_pdf, scan_jpeg

from extractors.documents import Document
from extractors.local_model import MODEL_ID, create_app
from extractors.pages.limits import Limits
from extractors.pages.rendering import render_pages
from schemas.invoice import Invoice
from schemas.portable import portable
from schemas.record import schema_of


def jpegs(pdf: bytes, tmp_path: Any, pages: int = 1) -> list[bytes]:
    """The pages of a PDF as Octavo sends them."""
    path = tmp_path / "document.pdf"
    path.write_bytes(pdf)
    document = Document(path, "0" * 64, len(pdf), "application/pdf", pages, repaired=False)
    return [page.jpeg for page in render_pages(document, tuple(range(1, pages + 1)), Limits())]  # type: ignore[union-attr]


def asking(images: list[bytes], schema: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """A chat request as the vision client writes it."""
    parts: list[dict[str, Any]] = [{"type": "text", "text": "Read the pages."}]
    for number, image in enumerate(images, start=1):
        url = f"data:image/jpeg;base64,{base64.b64encode(image).decode()}"
        parts += [{"type": "text", "text": f"Page {number}:"}, {"type": "image_url", "image_url": {"url": url}}]
    form = {
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    }
    return {"model": MODEL_ID, "messages": [{"role": "user", "content": parts}], **(form if schema else {}), **more}


def ask(body: dict[str, Any] | bytes) -> httpx.Response:
    """Asks the app in this process."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(create_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://local") as client:
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            return await client.post("/v1/chat/completions", content=content)

    return asyncio.run(send())


def filled(images: list[bytes], schema: dict[str, Any]) -> Any:
    """The object that the model answers."""
    answer = ask(asking(images, schema))
    assert answer.status_code == 200, answer.text
    return json.loads(answer.json()["choices"][0]["message"]["content"])


def wanted(**properties: dict[str, Any]) -> dict[str, Any]:
    """A strict schema of nullable fields, as a user's own becomes."""
    nullable = {name: {"anyOf": [kind, {"type": "null"}]} for name, kind in properties.items()}
    return {"type": "object", "properties": nullable, "required": list(nullable), "additionalProperties": False}


TEXT: dict[str, Any] = {"type": "string"}
MONEY: dict[str, Any] = {"type": "string", "description": "(decimal as text, like 1234.56)"}
DAY: dict[str, Any] = {"type": "string", "format": "date"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The app over real HTTP, on a free port."""
    config = uvicorn.Config(create_app(), host="127.0.0.1", port=0, log_level="error", ws="none")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run)
    thread.start()
    while not running.started:
        time.sleep(0.02)
    port = running.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/v1"
    running.should_exit = True
    thread.join()


@pytest.fixture
def client(server: str) -> Iterator[openai.OpenAI]:
    """The official client."""
    with openai.OpenAI(base_url=server, api_key="none", max_retries=0) as opened:
        yield opened


def test_the_official_client_gets_a_record(client: openai.OpenAI, tmp_path: Any) -> None:
    """The model lists itself, and answers an invoice's page with the object that the schema asks for."""
    assert [model.id for model in client.models.list()] == [MODEL_ID]
    schema = portable(schema_of(Invoice).json_schema)
    body = asking(jpegs(invoice_pdf(number="2025-0042"), tmp_path), schema)
    answer = client.chat.completions.create(**body)
    record = json.loads(answer.choices[0].message.content or "")
    assert answer.choices[0].finish_reason == "stop"
    assert (record["number"], record["issue_date"], record["currency"]) == ("2025-0042", "2025-03-14", "GBP")
    assert (record["subtotal"], record["tax"], record["total"]) == ("189.00", "37.80", "226.80")
    assert [line["amount"] for line in record["line_items"]] == ["99.00", "90.00"]
    assert record["seller"]["name"] == "Larch & Lime Joinery"
    assert answer.usage is not None
    # An A4 page of 1092 x 1540 pixels is 2,200 tokens; the text is counted besides.
    assert 1_500 < answer.usage.prompt_tokens < 2_000
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_a_stream_says_the_same_in_pieces(client: openai.OpenAI, tmp_path: Any) -> None:
    """Streamed pieces join to the whole answer, the last chunk tells the usage."""
    body = asking(jpegs(digital_pdf(["Order number 4711\nGrand total 12.00"]), tmp_path), wanted(total=MONEY))
    whole = client.chat.completions.create(**body)
    chunks = list(client.chat.completions.create(**body, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content == '{"total":"12.00"}'
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage == whole.usage


def test_an_answer_over_the_limit_is_cut(client: openai.OpenAI, tmp_path: Any) -> None:
    """`max_tokens` is kept, and told by the finish reason."""
    body = asking(jpegs(digital_pdf(["A page with some words on it"]), tmp_path))
    answer = client.chat.completions.create(**body, max_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 3
    assert len(answer.choices[0].message.content or "") == 12


def test_errors_reach_the_official_client_as_its_own(client: openai.OpenAI) -> None:
    """What cannot be answered is refused in the API's shapes."""
    with pytest.raises(openai.NotFoundError, match="ask for octavo-ocr"):
        client.chat.completions.create(model="gpt-x", messages=[{"role": "user", "content": "hello"}])
    with pytest.raises(openai.BadRequestError, match="no image_url part"):
        client.chat.completions.create(model=MODEL_ID, messages=[{"role": "user", "content": "hello"}])
    with pytest.raises(openai.BadRequestError, match="not an image"):
        client.chat.completions.create(**asking([b"no image at all"]))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1/page.png", "fetches nothing"),
        ("data:image/png;base64,***", "not base64"),
        ("data:image/png,plain", "must be base64"),
        (7, "must be a data: URL"),
    ],
)
def test_images_come_as_data_only(url: object, said: str) -> None:
    """An address is not followed, and what is no base64 is told."""
    parts = [{"type": "image_url", "image_url": {"url": url}}]
    answer = ask({"model": MODEL_ID, "messages": [{"role": "user", "content": parts}]})
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "must be a JSON object"),
        ({"model": MODEL_ID, "messages": []}, "not empty"),
        ({"model": MODEL_ID, "messages": ["x"]}, "list of parts"),
        (asking([b"x"], max_tokens=0), "max_tokens"),
        (asking([b"x"], response_format={"type": "json_object"}), "needs a JSON schema"),
        (asking([b"x"], response_format={"type": "json_schema", "json_schema": {}}), "schema is missing"),
        (asking([b"x"], response_format={"type": "xml"}), "is none of"),
    ],
)
def test_a_bad_request_is_told(body: Any, said: str) -> None:
    """Each fault has its own line, and status 400."""
    answer = ask(body)
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


def test_a_schema_in_the_text_will_do(tmp_path: Any) -> None:
    """Without a response format the schema in the prompt counts; without any, the text is read out."""
    images = jpegs(digital_pdf(["Order number 4711", "Total 12.00"]), tmp_path)
    body = asking(images)
    plain = ask(body).json()["choices"][0]["message"]["content"]
    assert "Order number 4711" in plain
    body["messages"].insert(0, {"role": "system", "content": f"Answer as {json.dumps(wanted(order_number=TEXT))}."})
    assert json.loads(ask(body).json()["choices"][0]["message"]["content"]) == {"order_number": "4711"}


def test_a_page_that_is_sent_again_counts_once(tmp_path: Any) -> None:
    """A repair round sends the pages and the first answer again: rows are not doubled, the answer is the same."""
    schema = portable(schema_of(Invoice).json_schema)
    body = asking(jpegs(invoice_pdf(), tmp_path), schema)
    first = ask(body).json()["choices"][0]["message"]["content"]
    user = body["messages"][0]
    repair = {"role": "user", "content": [*user["content"], {"type": "text", "text": "total: not a number"}]}
    body["messages"] = [user, {"role": "assistant", "content": first}, repair]
    assert ask(body).json()["choices"][0]["message"]["content"] == first


def test_fields_of_any_schema_are_found_by_their_names(tmp_path: Any) -> None:
    """A schema nobody prepared: names are split into words and matched with what is printed; the rest is null."""
    page = "Purchase order\nVendor name: Bramble Tools\nDelivery date: 3 April 2024\nGrand total: 1,250.00 EUR"
    schema = wanted(vendor_name=TEXT, delivery_date=DAY, grand_total=MONEY, currency=TEXT, tracking_number=TEXT)
    assert filled(jpegs(digital_pdf([page]), tmp_path), schema) == {
        "vendor_name": "Bramble Tools",
        "delivery_date": "2024-04-03",
        "grand_total": "1250.00",
        "currency": "EUR",
        "tracking_number": None,
    }


@pytest.mark.parametrize(
    ("printed", "total", "day"),
    [
        ("Rechnungsdatum: 03.04.2024\nGesamtbetrag: 1.234,50 EUR", "1234.50", "2024-04-03"),
        ("Invoice date: 12/31/2023\nShip date: 04/02/2024\nTotal: $1,234.50", "1234.50", "2023-12-31"),
        ("Date de facture : 4 avril 2024\nTotal TTC : 1 234,50 €", "1234.50", "2024-04-04"),
        ("Factuurdatum: 4 mei 2024\nTotaal: € 1.234,50", "1234.50", "2024-05-04"),
        ("Fecha: 04/05/2024\nTotal: 1.234,50 €", "1234.50", "2024-05-04"),
    ],
)
def test_amounts_and_dates_follow_the_documents_habits(printed: str, total: str, day: str, tmp_path: Any) -> None:
    """The decimal mark and the order of day and month come from the whole page, in five languages."""
    schema = wanted(
        invoice_date={**DAY, "description": "Date of the invoice"},
        total={**MONEY, "description": MONEY["description"]},
    )
    assert filled(jpegs(digital_pdf([printed]), tmp_path), schema) == {"invoice_date": day, "total": total}


def test_a_table_goes_on_over_pages(tmp_path: Any) -> None:
    """Rows of all pages come in order, each once; sums between them are no rows."""
    lines = [(f"Part {number:03d}", "2", f"{number}.50") for number in range(1, 61)]
    pdf = invoice_pdf(lines=lines)
    schema = portable(schema_of(Invoice).json_schema)
    pages = 3
    record = filled(jpegs(pdf, tmp_path, pages), schema)
    assert [line["description"] for line in record["line_items"]] == [line[0] for line in lines]
    assert [line["amount"] for line in record["line_items"]] == [f"{2 * number + 1}.00" for number in range(1, 61)]


def test_a_photographed_receipt_is_read() -> None:
    """A page without a text layer is nothing special: it is read as every page is."""
    image = scan_jpeg(["Corner Shop", "High Street 3", "Date 2025-05-17", "Tea 2.00", "Bun 1.50", "TOTAL GBP 3.50"])
    schema = wanted(
        merchant={**TEXT, "description": "Name of the shop, as printed at the top"},
        date=DAY,
        total=MONEY,
        currency=TEXT,
    )
    assert filled([image], schema) == {
        "merchant": "Corner Shop",
        "date": "2025-05-17",
        "total": "3.50",
        "currency": "GBP",
    }


def test_without_its_packages_it_says_what_to_install() -> None:
    """The engine's packages are an extra: missing ones are named, with how to get them."""
    program = (
        "import sys; sys.modules['cv2'] = None\n"
        "from extractors.pages.ocr import read_image\n"
        "from extractors.errors import BadConfiguration\n"
        "import io; from PIL import Image\n"
        "file = io.BytesIO(); Image.new('RGB', (60, 60), 'white').save(file, 'PNG')\n"
        "try: read_image(file.getvalue())\n"
        "except BadConfiguration as error: print(error)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "cv2" in told
    assert "`local` extra" in told
