"""Wide schemas against a server that answers no more than 60 fields at once: what is lost, and what it takes.

    python tests/benchmarks/bench_wide.py [--columns 20]

Each schema is asked as it is, and as it would be in one question. Of more than 60 fields the server leaves out every
third. It bills a token for four characters and 1,500 for a page, and its cache holds the pages with all that stood
before them in an earlier request.
"""

import argparse
import json
import os
import sys
import tempfile
import threading
from pathlib import Path
from unittest import mock

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent / "support")]

from fakes import Answer, Asked, model_server
from pages import digital_pdf
from runs import rows, run
from wide import answers, leaves_in, record_of, wide_schema, written

from extractors.asking import groups


def main() -> int:
    """Prints the table; 1 where a leaf is lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--columns", type=int, default=20)
    options = parser.parse_args()
    print(f"{'leaves':>6} {'asked in':>9} {'calls':>6} {'input':>7} {'cached':>7} {'output':>7} {'values lost':>12}")
    lost = 0
    for leaves in (40, 120, 369):
        measured(leaves, options.columns, 10_000)
        lost += measured(leaves, options.columns, groups.AT_ONCE)
    return int(lost > 0)


def measured(leaves: int, columns: int, at_once: int) -> int:
    """One run, one line; the values that are lost."""
    schema = wide_schema(leaves, columns=columns)
    record, cache, lock = record_of(schema), set[str](), threading.Lock()

    def script(asked: Asked) -> Answer:
        answer = answers(record, asked)
        parts = asked.body["messages"][-1]["content"]
        held = sum(
            1500 for at, part in enumerate(parts) if part["type"] == "image_url" and key(parts[: at + 1]) in cache
        )
        with lock:
            cache.update(key(parts[: at + 1]) for at in range(len(parts)))
        usage = {**answer.usage, "prompt_tokens_details": {"cached_tokens": held}}
        return Answer(text=answer.text, usage=usage)

    with tempfile.TemporaryDirectory() as place, mock.patch.object(groups, "AT_ONCE", at_once):
        os.chdir(place)
        folder = Path(place) / "inbox"
        folder.mkdir()
        (folder / "a.pdf").write_bytes(digital_pdf(["A form 12.00"]))
        with model_server(script) as server:
            summary = run(folder, server.base_url, schema_name=written(Path(place), schema))
        ((data,),) = rows("select data from records") or [("{}",)]
        os.chdir(HERE)
    usage, lost = summary.meter.usage, leaves_in(record) - leaves_in(json.loads(data))
    how = "one" if at_once > leaves else "groups"
    told = f"{usage.input:7} {usage.cached:7} {usage.output:7} {lost:5} of {leaves_in(record)}"
    print(f"{leaves:6} {how:>9} {summary.meter.calls:6} {told}")
    return lost


def key(parts: list[dict[str, object]]) -> str:
    """What stands before a place in a request."""
    return json.dumps(parts)


if __name__ == "__main__":
    sys.exit(main())
