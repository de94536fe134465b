"""Every hostile file ends in the state that this table expects; skipped where ../shared is absent.

The states are those of the store after a whole run with a model that reads everything. What surprised:
`h02` has a PDF's header and is therefore a damaged PDF, not no document; `h10`'s pages cannot be found
at all behind its looping cross-references, while `h11`'s page tree loops after its one real page;
`h12`'s single page lies deeper than MuPDF goes; `h22`, `h25` and `h26` are odd inside but draw well;
`h08` inflates to 243 MB, within the limits, and is drawn; `h27` and `h29` show a reader nothing.
"""

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes import model_server, says
from runs import TOTAL, rows, run, states

from extractors.pages.einvoices import can_be_read

HOSTILE = Path(__file__).resolve().parents[4] / "shared" / "data" / "hostile"
HEIC = importlib.util.find_spec("pillow_heif") is not None


@dataclass(frozen=True)
class Expected:
    """How a file of a category ends: its state, its kind when quarantined or blank, its pages, how many are blank."""

    category: str
    kind: str | None = None
    pages: int | None = 1
    blank: int = 0


EXPECTED = {
    "h01_empty.pdf": Expected("empty_file", "damaged", None),
    "h02_invalid.pdf": Expected("not_a_document", "damaged", None),
    "h03_truncated_jpeg.jpg": Expected("truncated", "damaged"),
    "h04_broken_data_stream.png": Expected("corrupt_stream", "damaged"),
    "h05_password-example.pdf": Expected("encrypted_user_password", "encrypted", None),
    "h06_enc-XI-R6_V5_U_view_O_master.pdf": Expected("encrypted_user_password", "encrypted", None),
    "h07_enc-R3_V2_O_master.pdf": Expected("encrypted_owner_only", pages=30),
    "h08_enormous.pdf": Expected("huge_page_or_image"),
    "h09_empty.pdf": Expected("zero_pages", "damaged", None),
    "h10_append-xref-loop.pdf": Expected("xref_loop", "damaged", None),
    "h11_pages-loop.pdf": Expected("page_tree_loop"),
    "h12_deep-pages.pdf": Expected("deep_page_tree", "damaged"),
    "h13_jbig2.pdf": Expected("jbig2"),
    "h14_jpeg2000.pdf": Expected("jpx"),
    "h15_ocr_test_rotated_90.pdf": Expected("rotated"),
    "h16_baiona_cmyk.jpg": Expected("cmyk"),
    "h17_16bit.cropped.tif": Expected("tiff_16bit"),
    "h18_g4-multi.tiff": Expected("tiff_multiframe", pages=3),
    "h19_iss634.gif": Expected("animated", pages=1),
    "h20_hopper.heif": Expected("heif") if HEIC else Expected("heif", "unsupported", None),
    "h21_pdf_named.png": Expected("wrong_extension"),
    "h22_js-authors.pdf": Expected("embedded_javascript"),
    "h23_ZUGFeRD_1p0_COMFORT_SEPA_Prenotification.pdf": Expected("attachments"),
    "h24_decompression_bomb.gif": Expected("decompression_bomb", "page_too_large", None),
    "h25_damaged-stream.pdf": Expected("corrupt_stream"),
    "h26_boundingBox_invalid.pdf": Expected("bad_mediabox", pages=3),
    "h27_no_contents.pdf": Expected("no_contents", "all_blank", blank=1),
    "h28_truetype_font_nomapping.pdf": Expected("text_layer_garbage"),
    "h29_livecycle.pdf": Expected("dynamic_xfa", "all_blank", blank=1),
    "h30_poppler-67295-0.pdf": Expected("malformed", "damaged", None),
}

pytestmark = pytest.mark.skipif(not HOSTILE.is_dir(), reason="../shared is absent")


@pytest.fixture(scope="module")
def manifest() -> dict[str, dict[str, str]]:
    """File name -> what its collector says of it."""
    lines = (HOSTILE / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    return {Path(entry["file"]).name: entry for entry in map(json.loads, lines)}


def pages_of(name: str) -> tuple[int | None, int]:
    """Pages of a file, and how many of them are blank, as the store has them."""
    ((count, blank),) = rows(
        "select d.page_count, count(p.page) from documents d join extractions e on e.sha256 = d.sha256"
        " left join pages p on p.extraction_id = e.id and p.status = 'blank' where d.uri like ? group by d.id",
        f"%/{name}",
    )
    return count, blank


def test_every_hostile_file_ends_in_its_state(manifest: dict[str, dict[str, str]]) -> None:
    """None is missing from the store, none takes the run down, each cause is one line."""
    assert {name: entry["category"] for name, entry in manifest.items()} == {
        name: expected.category for name, expected in EXPECTED.items()
    }
    with model_server(lambda _: says(TOTAL)) as server:
        summary = run(HOSTILE / "files", server.base_url)
    found = states()
    seen = {name: Expected(EXPECTED[name].category, kind, *pages_of(name)) for name, (_, kind) in found.items()}
    assert seen == EXPECTED
    assert all(
        status == ("complete" if kind in {None, "all_blank"} else "quarantined") for status, kind in found.values()
    )
    assert summary.documents["pending"] == summary.documents["partial"] == 0
    for (cause,) in rows("select cause from extractions where status = 'quarantined'"):
        assert cause
        assert "\n" not in cause


def test_passwords_open_what_was_locked_and_are_kept_nowhere(
    manifest: dict[str, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quarantined without, complete with a passwords file; the store holds none of them."""
    locked = {name: entry["password"] for name, entry in manifest.items() if entry.get("password")}
    names = [name for name in locked if name.startswith(("h05", "h06"))]
    for name in names:
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_bytes((HOSTILE / "files" / name).read_bytes())
    secrets = tmp_path / "secrets"
    secrets.write_text("\n".join(["wrong-secret-word", *(locked[name] for name in names)]), encoding="utf-8")
    with model_server(lambda _: says(TOTAL)) as server:
        run(tmp_path / "in", server.base_url)
        assert set(states().values()) == {("quarantined", "encrypted")}
        monkeypatch.setenv("OCTAVO_PASSWORDS_FILE", str(secrets))
        run(tmp_path / "in", server.base_url, rerun="failed")
    assert set(states().values()) == {("complete", None)}
    assert b"wrong-secret-word" not in Path("octavo.db").read_bytes()


def test_attached_files_are_listed_and_not_followed(tmp_path: Path) -> None:
    """A reader of the record learns that the file holds more than its pages, or what an e-invoice's data says."""
    name = "h23_ZUGFeRD_1p0_COMFORT_SEPA_Prenotification.pdf"
    with model_server(lambda _: says(TOTAL)) as server:
        run(HOSTILE / "files" / name, server.base_url)
    ((issues,),) = rows("select issues from records")
    kind = "xml_differs" if can_be_read() else "attachments"
    told = {issue["kind"]: issue["message"] for issue in json.loads(issues)}
    assert "ZUGFeRD-invoice.xml" in told[kind]
    assert told.keys().isdisjoint({"xml_differs", "attachments"} - {kind})
