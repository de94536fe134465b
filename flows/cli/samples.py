"""`octavo samples` and `octavo serve-model`: documents and a model to try Octavo with, without a key."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flows.cli.options import Host, Port, command

samples = command("samples", "octavo samples samples/")
serve_model = command(
    "serve-model",
    """
octavo serve-model --port 8399
octavo extract inbox/ --schema invoice --base-url http://127.0.0.1:8399/v1 --model octavo-ocr
""",
)


@samples.default
def _samples(folder: Annotated[Path, Parameter(name="DIR", help="made when it is missing")], /) -> int:
    """Makes sample documents."""
    from flows.samples import make_samples

    made = make_samples(folder)
    print(f"{len(made)} sample documents in {folder}")
    return 0


@serve_model.default
def _serve_model(*, host: Host = "127.0.0.1", port: Port = 8399) -> int:
    """Serves the built-in model over HTTP."""
    from extractors.local_model import serve

    serve(host, port)
    return 0
