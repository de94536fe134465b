"""One notice, posted: signed, without following redirects, and never longer than a few seconds."""

import asyncio
import logging
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from flows.signing import SIGNATURE, STAMP, signature

# Its lines hold the whole address, which may be a secret, in whatever log has the level for them.
logging.getLogger("httpx").setLevel(logging.WARNING)

PATIENCE = 10.0
"""Seconds that a receiver has for one notice, its name's lookup included."""


async def post(url: SecretStr, body: str, secret: SecretStr | None) -> str | None:
    """Posts a notice.

    In a thread that nobody waits for: a name that is looked up for minutes keeps no process from its end.

    Returns:
        None when the receiver took it (2xx), else why not, in one line without secrets.
    """
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[str | None] = loop.create_future()

    def answer(told: str | None) -> None:
        if not answered.done():
            answered.set_result(told)

    def work() -> None:
        told = _post(url.get_secret_value(), body.encode(), secret)
        with suppress(RuntimeError):  # nobody waits any more
            loop.call_soon_threadsafe(answer, told)

    threading.Thread(target=work, name="octavo-notice", daemon=True).start()
    try:
        return await asyncio.wait_for(answered, PATIENCE)
    except TimeoutError:
        return f"no answer in {PATIENCE:g} s"


def shown(url: SecretStr) -> str:
    """Whom it is posted to, for people: names and paths in it may be secrets."""
    parts = urlsplit(url.get_secret_value())
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def _post(url: str, body: bytes, secret: SecretStr | None) -> str | None:
    headers = {"Content-Type": "application/json", "User-Agent": "octavo"}
    if secret is not None:
        headers[STAMP] = stamp = str(int(time.time()))
        headers[SIGNATURE] = signature(secret, body, stamp)
    try:
        # What it says beside its status is not read.
        with (
            httpx.Client(timeout=PATIENCE) as client,
            client.stream("POST", url, content=body, headers=headers) as got,
        ):
            return None if got.is_success else f"it answered {got.status_code}"
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return type(error).__name__
