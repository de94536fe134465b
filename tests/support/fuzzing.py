"""Opens and draws mutated files in real workers, and counts how they end.

`python tests/support/fuzzing.py [COUNT] [SEED]` does 10,000; `test_fuzzing` does 600 in every test run. A file
that ends in anything but pages or an error of the tree is kept in the working directory.
"""

import asyncio
import hashlib
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ in {"__main__", "__mp_main__"}:
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "support")]

from mutations import mutations  # noqa: E402 - after the path

from extractors.documents import PageFailure, Spooled  # noqa: E402 - likewise
from extractors.errors import DocumentError  # noqa: E402 - likewise
from extractors.pages.limits import Limits  # noqa: E402 - likewise
from extractors.pages.opening import open_document  # noqa: E402 - likewise
from extractors.pages.rendering import render_pages  # noqa: E402 - likewise
from extractors.pages.workers import Workers  # noqa: E402 - likewise

LIMITS = Limits(max_page_pixels=4_000_000, max_image_pixels=4_000_000, max_pages=50, seconds=20, memory_bytes=1 << 30)


async def ends(count: int, seed: int, workers: int = 2) -> Counter[str]:
    """How so many mutated files end: `drawn`, `page: KIND`, an error's kind, or `DEFECT`."""
    found: Counter[str] = Counter()
    files = mutations(seed, count)
    with tempfile.TemporaryDirectory(prefix="octavo-fuzz-") as folder:
        async with Workers(workers, LIMITS.memory_bytes) as pool:

            async def take_files() -> None:
                for content in files:
                    found[await _end(content, Path(folder), pool)] += 1

            await asyncio.gather(*(take_files() for _ in range(workers)))
    return found


async def _end(content: bytes, folder: Path, pool: Workers) -> str:
    path = folder / hashlib.sha256(content).hexdigest()
    path.write_bytes(content)
    spooled = Spooled(path, path.name, len(content))
    try:
        document = await pool.run(open_document, spooled, LIMITS, ("x",), seconds=LIMITS.seconds)
        pages = tuple(range(1, min(document.page_count, 3) + 1))
        drawn = await pool.run(render_pages, document, pages, LIMITS, seconds=LIMITS.seconds)
    except DocumentError as error:
        return error.kind
    except RuntimeError as error:
        return _kept(content, path, error)
    finally:
        path.unlink(missing_ok=True)
    assert len(drawn) == len(pages), path.name
    return next((f"page: {page.kind}" for page in drawn if isinstance(page, PageFailure)), "drawn")


def _kept(content: bytes, path: Path, error: RuntimeError) -> str:
    Path(f"fuzz-{path.name[:12]}").write_bytes(content)
    print(error, file=sys.stderr)
    return "DEFECT"


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    counts = asyncio.run(ends(wanted, int(sys.argv[2]) if len(sys.argv) > 2 else 1))
    for end, many in counts.most_common():
        print(f"{many:7,}  {end}")
    sys.exit(counts["DEFECT"] > 0)
