"""Mutated files: each ends in pages or in an error of the tree, and nothing hangs."""

import asyncio

from fuzzing import ends


def test_six_hundred_mutated_files_end_in_a_state() -> None:
    """No defect, no crash left unsaid, no file without an end; some of them even draw."""
    found = asyncio.run(ends(600, seed=7))
    assert found.total() == 600
    assert found["DEFECT"] == 0
    assert found["drawn"] > 50
    assert found["damaged"] > 50
