"""The vision client: request -> reply, with limits, retries, budget and checkpoint."""

from extractors.vision.client import VisionClient
from extractors.vision.connections import open_http
from extractors.vision.contexts import obeying, told_contexts
from extractors.vision.estimating import estimate
from extractors.vision.fitting import pages_of
from extractors.vision.probing import Probed, Reached, probe, reach
from extractors.vision.sampling import refuse_untaken
from extractors.vision.tokenizers import how_counted

__all__ = [
    "Probed", "Reached", "VisionClient", "estimate", "how_counted", "obeying", "open_http", "pages_of", "probe",
    "reach", "refuse_untaken", "told_contexts",
]  # fmt: skip
