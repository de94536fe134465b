"""Every hostile file ends in the state that this table expects; skipped where ../shared is absent.

The states are those of the store after a whole run with a model that reads everything. What surprised:
`h02` has a PDF's header and is therefore a damaged PDF, not no document; `h10`'s pages cannot be found
at all behind its looping cross-references; `h25`, `h26` and `h22` are odd inside but draw well.
"""

from pathlib import Path

import pytest
from fakes import model_server, says
from runs import TOTAL, rows, run, states

FILES = Path(__file__).resolve().parents[2] / "shared" / "data" / "hostile" / "files"

QUARANTINED = {
    "h01_empty.pdf": "damaged",
    "h02_invalid.pdf": "damaged",
    "h03_truncated_jpeg.jpg": "damaged",
    "h04_broken_data_stream.png": "damaged",
    "h05_password-example.pdf": "encrypted",
    "h06_enc-XI-R6_V5_U_view_O_master.pdf": "encrypted",
    "h09_empty.pdf": "damaged",
    "h10_append-xref-loop.pdf": "damaged",
    "h12_deep-pages.pdf": "damaged",
    "h20_hopper.heif": "unsupported",
    "h24_decompression_bomb.gif": "too_large",
    "h30_poppler-67295-0.pdf": "damaged",
}
BLANK = {"h27_no_contents.pdf", "h29_livecycle.pdf"}
PAGES = {
    "h07_enc-R3_V2_O_master.pdf": 30,
    "h18_g4-multi.tiff": 3,
    "h19_iss634.gif": 42,
    "h26_boundingBox_invalid.pdf": 3,
}


@pytest.mark.skipif(not FILES.is_dir(), reason="../shared is absent")
def test_every_hostile_file_ends_in_its_state() -> None:
    """None is missing from the store, none takes the run down, each cause is one line."""
    with model_server(lambda _: says(TOTAL)) as server:
        summary = run(FILES, server.base_url)
    found = states()
    names = {path.name for path in FILES.iterdir()}
    assert set(found) == names
    for name in sorted(names):
        expected = ("quarantined", QUARANTINED[name]) if name in QUARANTINED else ("complete", None)
        assert found[name] == expected, name
    assert summary.documents["quarantined"] == len(QUARANTINED)
    for name, count in PAGES.items():
        assert rows("select page_count from documents where uri like ?", f"%{name}") == [(count,)]
    for name in BLANK:
        assert rows(
            "select p.status from pages p join extractions e on e.id = p.extraction_id"
            " join documents d on d.sha256 = e.sha256 where d.uri like ?", f"%{name}",
        ) == [("blank",)]  # fmt: skip
    for (cause,) in rows("select cause from extractions where status = 'quarantined'"):
        assert cause
        assert "\n" not in cause
