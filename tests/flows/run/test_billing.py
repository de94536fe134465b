"""Whatever a server does, and however a run ends, what is booked is what is billed."""

from pathlib import Path

import pytest
from billing import trial
from stores import fresh_url

_TRIALS = {"sqlite": 8, "postgresql": 4}
"""`tests/support/billing.py` does more."""


@pytest.mark.parametrize(
    ("database", "seed"), [(name, seed) for name, count in _TRIALS.items() for seed in range(count)]
)
def test_the_bill_is_what_is_booked(database: str, seed: int, tmp_path: Path) -> None:
    """Under hangs, drips, resets, cuts, kills, STOP and CONT, repair rounds and limits.

    Settled <= bill <= settled + unsettled, equal where every call was answered; documents cost what their calls did;
    with a limit, the bill is at most that and what was in flight.
    """
    found = trial(1000 * (database == "postgresql") + seed, tmp_path, fresh_url(database, tmp_path))
    assert found.wrong == ()
