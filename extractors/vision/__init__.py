"""The vision client: request -> reply, with limits, retries, budget and checkpoint."""

from extractors.vision.client import VisionClient
from extractors.vision.connections import open_http
from extractors.vision.estimating import estimate
from extractors.vision.probing import Probed, probe, reach
from extractors.vision.sampling import refuse_untaken

__all__ = [
    "Probed", "VisionClient", "estimate", "open_http", "probe", "reach", "refuse_untaken",
]  # fmt: skip
