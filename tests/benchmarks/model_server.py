"""A loopback model for load: N slots, a fixed latency, an answer of a fixed size, faults on request.

Run as a process of its own: `python model_server.py SLOTS LATENCY FAULT_SHARE ANSWER_TOKENS`. It prints
its port, serves until its standard input closes, then prints its counts as JSON.
"""

import asyncio
import json
import random
import sys
import time

RECORD = {"merchant": "Corner Shop", "total": "12.00", "currency": "EUR", "items": []}

_AFTER_IMAGES = 2000
"""Bytes at the end of a body, where the plain fields are: its images need not be searched."""


class Model:
    """Counts what it serves."""

    def __init__(self, slots: int, latency: float, faults: float, tokens: int) -> None:
        self.slots = asyncio.Semaphore(slots)
        self.latency, self.faults = latency, faults
        self.random = random.Random(7)
        self.calls = self.faulty = self.in_flight = self.most = 0
        self.first = self.last = 0.0
        text = json.dumps({**RECORD, "address": "x " * max(0, tokens - 40)})
        message = {"role": "assistant", "content": text}
        usage = {"prompt_tokens": 2300, "completion_tokens": tokens}
        self.good = json.dumps(
            {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": usage}
        ).encode()
        pieces = [text[i : i + 4] for i in range(0, len(text), 4)]
        events = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
        events += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": usage}]
        self.stream = "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode() + b"data: [DONE]\n\n"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length")
                )
                body = await reader.readexactly(length)
                await self.answer(writer, streamed=b'"stream": true' in body[-_AFTER_IMAGES:])
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def answer(self, writer: asyncio.StreamWriter, *, streamed: bool) -> None:
        """Waits for a slot and the latency, then answers, sometimes badly."""
        now = time.monotonic()
        self.first = self.first or now
        self.calls += 1
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        async with self.slots:
            await asyncio.sleep(self.latency)
        self.in_flight -= 1
        self.last = time.monotonic()
        if self.random.random() < self.faults:
            self.faulty += 1
            self.fault(writer)
            return
        kind, raw = (b"text/event-stream", self.stream) if streamed else (b"application/json", self.good)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (kind, len(raw), raw))

    def fault(self, writer: asyncio.StreamWriter) -> None:
        """One of the ways in which endpoints fail."""
        kind = self.random.randrange(4)
        if kind == 0:
            writer.write(b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0.2\r\nContent-Length: 0\r\n\r\n")
        elif kind == 1:
            writer.write(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\ndown")
        elif kind == 2:
            writer.transport.abort()
        else:
            raw = b'{"error": {"message": "upstream failed", "code": 502}}'
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(raw), raw))


async def main() -> None:
    """Serves until standard input closes."""
    slots, latency, faults, tokens = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    model = Model(slots, latency, faults, tokens)
    server = await asyncio.start_server(model.serve, "127.0.0.1", 0, limit=1 << 22)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    counts = {
        "calls": model.calls,
        "faulty": model.faulty,
        "most": model.most,
        "first": model.first,
        "last": model.last,
    }
    print(json.dumps(counts), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
