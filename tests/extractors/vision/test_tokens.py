"""The token formula, against mistral-common's own image encoder."""

import base64
import io

from hypothesis import example, given, settings
from hypothesis import strategies as st
from mistral_common.protocol.instruct.chunk import ImageURLChunk
from mistral_common.tokens.tokenizers.image import ImageConfig, ImageEncoder, SpecialImageIDs
from PIL import Image

from extractors.local_model.chat import image_tokens as tokens_of_the_built_in_model
from extractors.pages.sizes import MOST_CELLS, grid, image_tokens

# Mistral Small 3.1/3.2: patch 14, merged 2x2, longest side 1540 (DESIGN section 4).
ENCODER = ImageEncoder(ImageConfig(14, 1540, 2), SpecialImageIDs(img=10, img_break=12, img_end=13))


def encoded(width: int, height: int) -> int:
    """Tokens that the encoder makes of a white image."""
    file = io.BytesIO()
    Image.new("L", (width, height), 255).save(file, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
    return len(ENCODER(ImageURLChunk(image_url=url)).tokens)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 55), st.integers(1, 55))
@example(39, 55)  # A4: 2,200 tokens
@example(41, 53)  # Letter: 2,226
def test_images_on_the_grid_cost_what_the_encoder_says(columns: int, rows: int) -> None:
    """Every image that Octavo sends lies on the model's grid, and is counted exactly."""
    width, height = 28 * columns, 28 * rows
    assert image_tokens(width, height) == encoded(width, height) == (columns + 1) * rows
    assert tokens_of_the_built_in_model(width, height) == (columns + 1) * rows


@settings(max_examples=10, deadline=None)
@given(st.floats(100, 3000), st.floats(100, 3000))
def test_every_page_is_drawn_to_the_grid(width: float, height: float) -> None:
    """No page is larger than what the model takes, so none is scaled down on its way."""
    columns, rows = (side / 28 for side in grid(width, height))
    assert columns == int(columns)
    assert rows == int(rows)
    assert max(columns, rows) <= MOST_CELLS
