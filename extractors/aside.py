"""Work on what is long, off the event loop, and never two such pieces at once.

Threads of Python take turns: each one more that works makes the loop wait longer, and what is written in C (reading
JSON, validating) holds it up until it is done. So there is one thread for it all.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

_LONG = 8_192
"""Characters from which a text is worked on aside: below, that would take longer than the work."""

_ASIDE = ThreadPoolExecutor(max_workers=1, thread_name_prefix="octavo-aside")

T = TypeVar("T")


async def aside(size: int, work: Callable[..., T], *given: Any) -> T:
    """Work on texts of so many characters; what takes long does not hold up the other documents."""
    if size < _LONG:
        return work(*given)
    return await asyncio.get_running_loop().run_in_executor(_ASIDE, work, *given)
