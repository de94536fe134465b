"""What a collector is sent, by the SDK's own settings."""

import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
RUN = """
from flows.observe import telemetry
telemetry.start_for_run(None)
with telemetry.span("run"):
    pass
telemetry.finish()
"""


def test_each_otel_name_of_the_example_has_its_effect() -> None:
    """Where to, with which headers, and under whose name: a name that is passed over would be seen here."""
    got: list[tuple[str, str | None, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, self.headers["X-Made-Up"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
            "OTEL_EXPORTER_OTLP_HEADERS": "x-made-up=yes",
            "OTEL_SERVICE_NAME": "nightly-of-the-test",
        }
        environment = {**os.environ, **told, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-c", RUN], env=environment, capture_output=True, check=False)
        server.shutdown()
    assert done.returncode == 0, done.stderr
    assert {path for path, _, _ in got} == {"/v1/traces", "/v1/metrics"}
    assert {header for _, header, _ in got} == {"yes"}
    assert all(b"nightly-of-the-test" in body for _, _, body in got)
    named = set(re.findall(r"^#?(OTEL_\w+)=", (ROOT / "deploy" / ".env.example").read_text(), re.MULTILINE))
    assert named == told.keys()
