"""Pages in parts, through a whole run: what is sent, what it is counted as, and where its words stand."""

import asyncio
import io
import json
import re
from pathlib import Path

import pytest
from fakes import Asked, model_server, says
from PIL import Image, ImageDraw, ImageFont
from runs import TOTAL, rows, run

from flows.run.dry_run import estimate_job
from flows.run.parameters import Job
from flows.settings import read_settings

LINES = [f"{number:03d} widget {number}.50" for number in range(200)]


@pytest.fixture
def roll(tmp_path: Path) -> Path:
    """A till roll of 600 by 9000 pixels."""
    paper = Image.new("L", (600, 9000), 255)
    for number, line in enumerate([*LINES, "Total 12.00 EUR"]):
        ImageDraw.Draw(paper).text((40, 30 + 43 * number), line, fill=0, font=ImageFont.load_default(size=26))
    path = tmp_path / "roll.png"
    paper.save(path)
    return path


def labels(asked: Asked) -> list[str]:
    """What stands before each picture."""
    content = asked.body["messages"][1]["content"]
    return [part["text"] for part in content if part["type"] == "text"][1:]


def test_its_parts_are_one_question(roll: Path) -> None:
    """In order, each with its place; the page is read, and nothing is illegible."""
    with model_server(lambda _: says(TOTAL)) as server:
        assert run(roll, server.base_url).exit_code == 0
    (asked,) = server.asked
    told = labels(asked)
    assert len(told) == len(asked.images) > 1
    for number, label in enumerate(told, start=1):
        assert re.match(rf"Page 1, part {number} of {len(told)} \(0 to 100 % of its width, \d+ to \d+ % ", label)
    assert all(max(Image.open(io.BytesIO(jpeg)).size) <= 1540 for jpeg in asked.images)
    assert rows("select status from pages") == [("read",)]
    assert "illegible" not in rows("select issues from records")[0][0]


def test_an_endpoint_that_takes_one_picture_gets_one(roll: Path) -> None:
    """What cannot be read in it is told."""
    Path("octavo.toml").write_text("[endpoint.custom]\nimages = 1\n", "utf-8")
    with model_server(lambda _: says(TOTAL)) as server:
        run(roll, server.base_url)
    (asked,) = server.asked
    assert labels(asked) == ["Page 1:"]
    assert len(asked.images) == 1
    assert [issue["kind"] for issue in json.loads(rows("select issues from records")[0][0])] == ["illegible"]


def test_the_parts_are_priced(roll: Path) -> None:
    """`--dry-run` counts them, and a run needs no more."""
    Path("octavo.toml").write_text("[endpoint.custom]\nprice_input = 1.0\nprice_output = 1.0\n", "utf-8")
    with model_server(lambda _: says(TOTAL)) as server:
        job = Job(sources=(str(roll),), schema_name="receipt", base_url=server.base_url, model="test-model")
        found, _ = asyncio.run(estimate_job(job, read_settings()))
        run(roll, server.base_url)
    (asked,) = server.asked
    sizes = [Image.open(io.BytesIO(jpeg)).size for jpeg in asked.images]
    tokens = sum((width // 28 + 1) * (height // 28) for width, height in sizes)
    (estimated,) = rows("select reserved_input from calls")[0]
    assert tokens < estimated <= found.figures["custom"].input_at_most


def test_words_of_its_parts_stand_on_the_page(roll: Path) -> None:
    """Read by OCR part by part: the total stands at the foot of the roll, and no row is found twice."""
    with model_server(lambda _: says(TOTAL)) as server:
        run(roll, server.base_url, ground="ocr")
    (evidence,) = [each for each in json.loads(rows("select evidence from records")[0][0]) if each["path"] == "total"]
    assert (evidence["state"], evidence["page"]) == ("found", 1)
    top = (30 + 43 * len(LINES)) / 9000
    assert evidence["box"][1] == pytest.approx(top, abs=0.004)
