"""Mutated answers: each ends its document in a state, on both databases, and none as a defect."""

from pathlib import Path

import pytest
from answer_fuzzing import ends
from stores import fresh_url


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_six_hundred_documents_with_mutated_answers_end_in_a_state(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No defect, none left pending; good answers are read among the bad ones. The script measures the loop, too."""
    monkeypatch.setenv("OCTAVO_API_KEY", "EMPTY")
    monkeypatch.setenv("OCTAVO_TIMEOUT", "10")
    found, _ = ends(600, 7, fresh_url(database, tmp_path))
    assert found.total() == 600
    assert [end for end in found if "defect" in end or "pending" in end] == []
    assert found["complete"] > 300
    assert found["quarantined invalid_answer"] > 5
