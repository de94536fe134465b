"""The vision client: request -> reply, with limits, retries, budget and checkpoint."""

from extractors.vision.client import ReplyBook, VisionClient
from extractors.vision.pools import open_http
from extractors.vision.probing import reach
from extractors.vision.wire import estimate

__all__ = ["ReplyBook", "VisionClient", "estimate", "open_http", "reach"]
