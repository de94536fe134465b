"""Draws docs/page-and-record.png: a sample invoice with a box around every grounded value, beside its record.

    .venv/bin/python docs/draw_page_and_record.py

The record comes from a real run with the built-in model, and the boxes from its stored evidence.
"""

import asyncio
import json
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pymupdf

from flows.observe.watch import Silent
from flows.run.job import run_job
from flows.run.parameters import Job
from flows.samples import make_samples
from flows.settings import read_settings

PICTURE = Path(__file__).parent / "page-and-record.png"
WIDTH, HEIGHT = 595, 842  # of the page, in points
SHOWN = 605  # of its height: below is no value
FOUND, MISSING, PLAIN = (0.05, 0.45, 0.35), (0.75, 0.2, 0.1), (0.15, 0.15, 0.15)
WHERE = {"found": "found", "not_found": "not on the page", "not_checkable": "not checkable"}
TOP, LEFT, VALUE, LEADING = 46, WIDTH + 24, WIDTH + 190, 11.6


def main() -> None:
    """Reads one sample and draws what was stored."""
    with tempfile.TemporaryDirectory() as folder:
        make_samples(Path(folder))
        invoice = Path(folder) / "invoices" / "digital.pdf"
        store = Path(folder) / "picture.db"
        job = Job(sources=(str(invoice),), schema_name="invoice", endpoints=("local",), store=f"sqlite:///{store}")
        asyncio.run(run_job(job, read_settings(), Silent()))
        with closing(sqlite3.connect(store)) as connection:
            data, evidence = connection.execute("select data, evidence from records").fetchone()
        draw(invoice, json.loads(data), {item["path"]: item for item in json.loads(evidence)})
    print(f"{PICTURE} ({PICTURE.stat().st_size // 1000} kB)")


def draw(invoice: Path, record: dict[str, Any], evidence: dict[str, Any]) -> None:
    """The page with its boxes on the left, the record's values with their places on the right."""
    with pymupdf.open() as picture, pymupdf.open(invoice) as pdf:
        sheet = picture.new_page(width=2 * WIDTH, height=SHOWN)
        upper = pymupdf.Rect(0, 0, WIDTH, SHOWN)
        sheet.show_pdf_page(upper, pdf, 0, clip=upper)
        sheet.draw_line((WIDTH, 0), (WIDTH, SHOWN), color=(0.8, 0.8, 0.8))
        sheet.insert_text((LEFT, TOP - 16), "invoice", fontname="hebo", fontsize=13, color=PLAIN)
        for number, (path, value) in enumerate(leaves(record)):
            item = evidence.get(path)
            box = item and item["box"]
            if box:
                corners = (box[0] * WIDTH - 1.5, box[1] * HEIGHT - 0.5, box[2] * WIDTH + 1.5, box[3] * HEIGHT + 0.5)
                sheet.draw_rect(pymupdf.Rect(*corners), color=FOUND, width=0.9, fill=FOUND, fill_opacity=0.08)
            height = TOP + number * LEADING
            text = "null" if value is None else str(value)
            where = "" if value is None else WHERE[item["state"] if item else "not_checkable"]
            where = f"page {item['page']}" if box else where
            sheet.insert_text((LEFT, height), path, fontname="cour", fontsize=8, color=PLAIN)
            colour = FOUND if box else MISSING if where == WHERE["not_found"] else (0.6, 0.6, 0.6)
            sheet.insert_text((VALUE, height), text, fontname="hebo", fontsize=8, color=colour)
            sheet.insert_text((2 * WIDTH - 52, height), where, fontname="helv", fontsize=7, color=(0.5, 0.5, 0.5))
        sheet.get_pixmap(dpi=100).save(PICTURE)


def leaves(value: Any, path: str = "") -> list[tuple[str, Any]]:
    """Every value of a record with its path, in order."""
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    else:
        return [(path, value)]
    return [leaf for key, child in inner for leaf in leaves(child, f"{path}.{key}" if path else str(key))]


if __name__ == "__main__":
    main()
