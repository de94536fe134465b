"""Evidence as it is stored: what was written before it had states, as if it had them."""

from collections.abc import Sequence
from typing import Any

from extractors.vocabulary import EvidenceState


def with_states(evidence: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A record's evidence, each entry with `state` and `distance`.

    Where an older Octavo found nothing at all there was mostly nothing to look in: that cannot be told any more.
    """
    any_found = any(item["page"] is not None for item in evidence)
    missing = EvidenceState.NOT_FOUND if any_found else EvidenceState.NOT_CHECKABLE
    return [
        {"state": EvidenceState.FOUND if item["page"] is not None else missing, "distance": None} | item
        for item in evidence
    ]
