"""What each command runs; heavy libraries are imported by the command that needs them. Each returns its exit code."""

import argparse
import sys


def stop(line: str, code: int) -> int:
    """Says why the command ends, in one line."""
    print(f"octavo: {line}", file=sys.stderr)
    return code


def extract(options: argparse.Namespace) -> int:
    """Reads documents into records."""
    from flows.cli.extract import extract_command
    from flows.run.asked import several

    if several(options.schema) and not options.split:
        return stop("several schemas need --split, which reads each part of a file with the one that it fits", 2)
    return extract_command(options)


def records(options: argparse.Namespace) -> int:
    """Shows the records of a schema."""
    from flows.cli.show import show_records

    return show_records(options.schema, options.format, options.store)


def export(options: argparse.Namespace) -> int:
    """Writes records to files or a Delta table."""
    from flows.cli.export_purge import show_export

    return show_export(options.schema, options.destination, options.format, options.store, formulas=options.formulas)


def quarantine_list(options: argparse.Namespace) -> int:
    """Shows what could not be read, a line each."""
    from flows.cli.show import show_quarantine

    return show_quarantine(options.store)


def quarantine_show(options: argparse.Namespace) -> int:
    """Shows one of them, with its pages and raw replies."""
    from flows.cli.show import show_quarantined

    return show_quarantined(options.id, options.store, options.images)


def quarantine_retry(options: argparse.Namespace) -> int:
    """Reads them once more."""
    from flows.cli.retry import retry_command

    return retry_command(options)


def schemas_list(_options: argparse.Namespace) -> int:
    """Shows the schemas, a line each."""
    from flows.cli.show import show_schemas

    return show_schemas()


def schemas_show(options: argparse.Namespace) -> int:
    """Shows a schema as the model is asked for it."""
    from flows.cli.show import show_schema

    return show_schema(options.schema)


def schemas_check(options: argparse.Namespace) -> int:
    """Whether a schema can be asked for."""
    from flows.cli.show import check_schema

    return check_schema(options.schema)


def purge(options: argparse.Namespace) -> int:
    """Removes raw replies, or all of a document."""
    from flows.cli.export_purge import show_purge

    return show_purge(options.before, options.document, options.store, only_replies=options.replies)


def report(options: argparse.Namespace) -> int:
    """Writes the page on the store."""
    from flows.report.html import write_report

    print(write_report(options.out, options.store, options.limit))
    return 0


def evaluate(options: argparse.Namespace) -> int:
    """Holds the records against labels."""
    from flows.cli.evaluate import evaluate_command

    return evaluate_command(options.labels, options.schema, options.store, as_json=options.json)


def db_upgrade(options: argparse.Namespace) -> int:
    """Brings an older store's tables up to date."""
    from flows.cli.upgrade import upgrade_store

    return upgrade_store(options.store)


def doctor(options: argparse.Namespace) -> int:
    """What is configured, reachable and missing."""
    from flows.cli.doctor import examine

    return examine(options.endpoint, options.base_url, options.model, options.store, ask=options.probe)


def samples(options: argparse.Namespace) -> int:
    """Makes sample documents."""
    from flows.samples import make_samples

    made = make_samples(options.folder)
    print(f"{len(made)} sample documents in {options.folder}")
    return 0


def listen(options: argparse.Namespace) -> int:
    """Reads what a webhook announces."""
    from flows.cli.services import listen_command

    return listen_command(options)


def consume(options: argparse.Namespace) -> int:
    """Reads what a queue announces."""
    from flows.cli.services import consume_command

    return consume_command(options)


def serve_model(options: argparse.Namespace) -> int:
    """Serves the built-in model over HTTP."""
    from extractors.local_model import serve

    serve(options.host, options.port)
    return 0
