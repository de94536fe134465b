"""The `octavo` command. Exit codes: 0 done, 1 could not run, 2 usage, 3 done but not all complete, 4 paused."""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path

from extractors.errors import CannotRun, OctavoError
from extractors.vocabulary import Records
from flows.cli import commands as commanding
from flows.run.rerun import Rerun

ABOUT = "Documents in, validated records out."


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; heavy libraries are imported by the command that needs them."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.command(options)
    except CannotRun as error:
        return commanding.stop(str(error), 1)
    except OctavoError as error:
        return commanding.stop(f"{error.kind}: {error}", 1)
    except BrokenPipeError:
        # `octavo records ... | head`: the reader has gone, and that is no failure.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt as error:
        return commanding.stop(str(error) or "interrupted; run the same command again to go on", 4)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="octavo", description=ABOUT)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_extract(commands)
    _add_records(commands)
    _add_export(commands)
    _add_quarantine(commands)
    _add_schemas(commands)
    _add_db(commands)
    _add_purge(commands)
    _add_report(commands)
    _add_evaluate(commands)
    _add_others(commands)
    _add_services(commands)
    return parser


Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives its type no public name


def _add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", metavar="URL", help="database (SQLAlchemy URL); default sqlite:///octavo.db")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _amount(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _add_extract(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "extract", help="read documents into records", description="Reads documents into records."
    )
    parser.add_argument(
        "source", nargs="+", metavar="SOURCE", help="s3://bucket/prefix, s3://bucket/key, a folder, a file, @list.txt"
    )
    parser.add_argument(
        "--schema", required=True, metavar="S",
        help="built-in name, package.module:Model, path/to/file.py:Model, or a JSON Schema file",
    )  # fmt: skip
    _add_asking(parser)
    _add_store(parser)
    parser.add_argument("--pages-per-request", type=_positive, metavar="N", help="pages sent together (8)")
    parser.add_argument(
        "--records", type=Records, choices=tuple(Records), default=Records.ONE, help="records in a document"
    )
    parser.add_argument(
        "--split", action="store_true",
        help="a file holds several documents, each of one of the schemas: --schema invoice,receipt --split",
    )  # fmt: skip
    parser.add_argument("--limit", type=_positive, metavar="N", help="take at most N documents")
    parser.add_argument(
        "--rerun", type=Rerun, choices=tuple(Rerun), default=Rerun.CHANGED,
        help="take what is new or changed (default), what failed too, or everything (stored replies are reused)",
    )  # fmt: skip
    parser.add_argument(
        "--dry-run", action="store_true", help="tell what it would take and cost at most; send nothing"
    )
    parser.add_argument(
        "--prefect", action="store_true", help="run as a Prefect flow run even when no Prefect API is configured"
    )
    parser.set_defaults(command=commanding.extract)


def _add_records(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("records", help="show the records of a schema")
    parser.add_argument("schema", metavar="SCHEMA")
    parser.add_argument("--format", choices=("table", "json", "jsonl", "csv"), default="table")
    _add_store(parser)
    parser.set_defaults(command=commanding.records)


def _add_export(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "export", help="write records to files or a Delta table, only what is new since the last time"
    )
    parser.add_argument("schema", metavar="SCHEMA")
    parser.add_argument("destination", metavar="DEST", help="a folder, or s3://bucket/prefix")
    parser.add_argument("--format", choices=("parquet", "csv", "jsonl", "delta"), default="parquet")
    parser.add_argument(
        "--formulas", action="store_true", help="leave CSV cells that a spreadsheet would run as they are"
    )
    _add_store(parser)
    parser.set_defaults(command=commanding.export)


def _add_asking(parser: argparse.ArgumentParser) -> None:
    """Whom to ask, what it may cost, what opens locked documents: what every command that reads documents takes."""
    parser.add_argument("--endpoint", type=_names, default=(), metavar="E[,E2]", help="vision endpoints, in order")
    parser.add_argument("--base-url", metavar="U", help="an OpenAI-compatible server")
    parser.add_argument("--model", metavar="M", help="the model's name there")
    parser.add_argument("--max-cost", type=_amount, metavar="USD", help="stop before more than this is spent")
    parser.add_argument("--concurrency", type=_positive, metavar="N", help="calls in flight (64)")
    parser.add_argument("--password", metavar="P", help="tried on locked PDFs (OCTAVO_PASSWORD is not shown by ps)")
    parser.add_argument("--passwords", metavar="FILE", type=Path, help="passwords for locked PDFs, one a line")
    parser.add_argument("--json", action="store_true", help="print the run's counts as JSON in the last line")


def _add_quarantine(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("quarantine", help="show what could not be read, and why")
    actions = parser.add_subparsers(metavar="ACTION")
    listing = actions.add_parser("list", help="one line each")
    show = actions.add_parser("show", help="one of them, with its pages and the model's raw replies")
    show.add_argument("id", type=int, metavar="ID")
    show.add_argument("--images", type=Path, metavar="DIR", help="write its pages there, as the model saw them")
    retry = actions.add_parser("retry", help="read them once more, all or those chosen")
    retry.add_argument("id", type=int, nargs="*", metavar="ID", help="of the list; none: all")
    retry.add_argument("--kind", metavar="KIND", help="only those of this kind")
    retry.add_argument("--schema", metavar="S", help="only those of this schema; one of your own is named here")
    _add_asking(retry)
    for each in (listing, show, retry):
        _add_store(each)
    parser.set_defaults(command=commanding.quarantine_list, store=None)
    listing.set_defaults(command=commanding.quarantine_list)
    show.set_defaults(command=commanding.quarantine_show)
    retry.set_defaults(command=commanding.quarantine_retry)


def _add_schemas(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("schemas", help="show the schemas there are")
    actions = parser.add_subparsers(metavar="ACTION")
    actions.add_parser("list", help="one line each").set_defaults(command=commanding.schemas_list)
    show = actions.add_parser("show", help="a schema as the model is asked for it")
    show.add_argument("schema", metavar="S")
    show.set_defaults(command=commanding.schemas_show)
    check = actions.add_parser("check", help="whether a schema of yours can be asked for")
    check.add_argument("schema", metavar="S")
    check.set_defaults(command=commanding.schemas_check)
    parser.set_defaults(command=commanding.schemas_list)


def _add_db(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("db", help="look after the store's tables")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    upgrade = actions.add_parser("upgrade", help="bring the tables of an older Octavo up to date")
    _add_store(upgrade)
    upgrade.set_defaults(command=commanding.db_upgrade)


def _add_purge(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "purge", help="remove raw replies, or all of a document, for good",
        description="Removes raw replies older than a date (records and evidence stay), or all that is known of a "
        "document.",
    )  # fmt: skip
    parser.add_argument("--before", type=_day, metavar="DATE", help="YYYY-MM-DD (UTC): only what is older")
    parser.add_argument("--document", metavar="URI", help="this document: all of it, or with --replies those alone")
    parser.add_argument("--replies", action="store_true", help="raw replies only, which is all that --before removes")
    _add_store(parser)
    parser.set_defaults(command=commanding.purge)


def _day(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), time(), UTC)


def _add_report(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "report", help="write one HTML page: counts, what needs a person, records beside their pages"
    )
    parser.add_argument("out", type=Path, metavar="OUT.html", help="the file; it needs nothing beside it")
    parser.add_argument("--limit", type=_positive, default=20, metavar="N", help="newest records shown (20)")
    _add_store(parser)
    parser.set_defaults(command=commanding.report)


def _add_evaluate(commands: "Commands[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "evaluate", help="hold the store's records against labels, field by field",
        description="Holds the records that are in the store now against true values: extract first. Nothing is "
        "extracted here, and nothing paid.",
    )  # fmt: skip
    parser.add_argument(
        "labels", metavar="LABELS",
        help="JSON Lines, or CSV by its name, here or at s3://: each line names a document (sha256, uri or file) and "
        "its true values, under the schema's names",
    )  # fmt: skip
    parser.add_argument("--schema", required=True, metavar="S", help="whose records")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    _add_store(parser)
    parser.set_defaults(command=commanding.evaluate)


def _add_others(commands: "Commands[argparse.ArgumentParser]") -> None:
    doctor = commands.add_parser("doctor", help="what is configured, reachable and missing")
    doctor.add_argument("--endpoint", type=_names, default=(), metavar="E[,E2]")
    doctor.add_argument(
        "--probe", action="store_true", help="send each endpoint one tiny question, which it may bill"
    )
    doctor.add_argument("--base-url", metavar="U")
    doctor.add_argument("--model", metavar="M")
    _add_store(doctor)
    doctor.set_defaults(command=commanding.doctor)
    samples = commands.add_parser("samples", help="make sample documents")
    samples.add_argument("folder", type=Path, metavar="DIR")
    samples.set_defaults(command=commanding.samples)
    serve = commands.add_parser("serve-model", help="serve the built-in model over HTTP")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8399)
    serve.set_defaults(command=commanding.serve_model)


def _add_services(commands: "Commands[argparse.ArgumentParser]") -> None:
    listen = commands.add_parser("listen", help="read what a bucket's webhook announces")
    listen.add_argument("--host", default="127.0.0.1")
    listen.add_argument("--port", type=int, default=8400)
    listen.set_defaults(command=commanding.listen)
    consume = commands.add_parser("consume", help="read what a queue (SQS) announces")
    consume.add_argument("--queue", required=True, metavar="URL")
    consume.add_argument("--host", default="127.0.0.1")
    consume.add_argument("--port", type=int, help="answer /healthz, /readyz and /metrics there")
    consume.set_defaults(command=commanding.consume)
    for each in (listen, consume):
        each.add_argument("--schema", required=True, metavar="S")
        each.add_argument("--endpoint", type=_names, default=(), metavar="E[,E2]")
        each.add_argument("--base-url", metavar="U")
        each.add_argument("--model", metavar="M")
        each.add_argument("--concurrency", type=_positive, metavar="N", help="calls in flight (64)")
        _add_store(each)
