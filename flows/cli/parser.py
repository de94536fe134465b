"""The `octavo` command. Exit codes: 0 done, 1 could not run, 2 usage, 3 done but not all complete, 4 paused.

Parsed by cyclopts: it takes types and help as Job declares them, loads a command's module when that command is
called, and starts faster than typer (its help in 0.15 s here, typer's in 0.19, argparse's 0.05).
"""

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from extractors.errors import CannotRun, OctavoError

if TYPE_CHECKING:
    from cyclopts import App, CycloptsError

_ABOUT = "Documents in, validated records out."

COMMANDS = {
    "Read documents": {
        "extract": ("extract:app", "read documents into records"),
        "listen": ("services:listen", "read what a bucket's webhook announces"),
        "consume": ("services:consume", "read what a queue (SQS) announces"),
        "arrivals": ("arrivals:app", "show announced uploads that were not read, and why; try them once more"),
        "worker": ("worker:app", "take the runs of a Prefect work pool; SIGTERM drains"),
        "quarantine": ("quarantine:app", "show what could not be read, and why; read it once more"),
    },
    "Use the records": {
        "records": ("records:app", "show the records of a schema"),
        "export": (
            "export_purge:export",
            "write records to files or a Delta table, only what is new since the last time",
        ),
        "report": ("report:app", "write one HTML page: counts, what needs a person, records beside their pages"),
        "cost": ("cost:app", "what was paid, by day, run, endpoint, schema or document"),
        "history": ("history:app", "show every outcome of a document, and which of them counts"),
        "ground": ("ground:app", "look for values in scans, read by OCR; no model is asked"),
        "evaluate": (
            "evaluate:app",
            "hold the store's records against labels, field by field; nothing is extracted or paid",
        ),
    },
    "Set up and look after": {
        "doctor": ("doctor:app", "what is configured, reachable and missing"),
        "schemas": ("schemas:app", "show the schemas there are"),
        "samples": ("samples:samples", "make sample documents"),
        "serve-model": ("samples:serve_model", "serve the built-in model over HTTP"),
        "db": ("db:app", "bring a store's tables up to date; copy a whole store, or back it up"),
        "purge": ("export_purge:purge", "remove raw replies, or all of a document, for good"),
    },
}
"""Each command by its group: where it stands in `flows.cli`, loaded when it is called, and what it does."""

_EXAMPLES = """
octavo extract inbox/ --schema invoice       a folder, with the endpoint whose key is set
octavo records invoice --format csv          what was read
octavo quarantine                            what was not, and why
octavo doctor                                what is configured and what is missing
""".strip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; heavy libraries are imported by the command that needs them.

    Raises:
        SystemExit: 2 for wrong usage.
    """
    said = list(sys.argv[1:] if arguments is None else arguments)
    if said in (["--help"], ["-h"]):
        # Not by the library: start-up is a feature, and the table above is all there is to say.
        print("\n".join(_help(min(shutil.get_terminal_size().columns, 120))))
        return 0
    try:
        return _run(said)
    except CannotRun as error:
        return stop(str(error), 1)
    except OctavoError as error:
        return stop(f"{error.kind}: {error}", 1)
    except BrokenPipeError:
        # `octavo records ... | head`: the reader has gone, and that is no failure.
        sys.stderr.close()
        return 0
    except KeyboardInterrupt as error:
        return stop(str(error) or "interrupted; run the same command again to go on", 4)


def app() -> "App":
    """All commands, none of them loaded yet."""
    from importlib.metadata import version

    from cyclopts import App

    from flows.cli.options import PLAIN

    made = App(
        name="octavo", help=_ABOUT, help_flags=["--help", "-h"], version=version("octavo"), help_format="plaintext",
        default_parameter=PLAIN, print_error=False, exit_on_error=False,
        suppress_keyboard_interrupt=False, result_action="return_value",
    )  # fmt: skip
    for group, commands in COMMANDS.items():
        for name, (where, about) in commands.items():
            made.command(f"flows.cli.{where}", name=name, help=about, group=group)
    made.register_install_completion_command(help="complete commands and options in your shell from now on")
    return made


def _run(said: Sequence[str]) -> int:
    from cyclopts import CycloptsError
    from rich.console import Console

    if not said:
        return misused("say what to do: octavo COMMAND", "octavo")
    try:
        code: int | None = app()(said, console=Console(highlight=False))
    except CycloptsError as error:
        return misused(_why(error, said), " ".join(["octavo", *(error.command_chain or ())]))
    return code or 0


def _why(error: "CycloptsError", said: Sequence[str]) -> str:
    """What is wrong, in one line; of a misspelt command, what may be meant."""
    from cyclopts import UnknownCommandError, UnusedCliTokensError

    if isinstance(error, UnknownCommandError) and not error.command_chain:
        # Here, for the library would load every command to name them.
        return _unknown(said[0], [name for commands in COMMANDS.values() for name in commands])
    if isinstance(error, UnusedCliTokensError) and error.app and error.unused_tokens:
        names = [name for name in error.app if not name.startswith("-")]
        if names:
            return _unknown(error.unused_tokens[0], names)
    error.verbose = False
    return " ".join(str(error).split())


def _unknown(word: str, names: Sequence[str]) -> str:
    if word.startswith("-"):
        return f"unknown option {word}"
    close = get_close_matches(word, names, n=1)
    return f"unknown command {word!r}: " + (f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}")


def misused(line: str, command: str) -> int:
    """Says how a command goes and what is wrong with this one.

    Raises:
        SystemExit: 2, always.
    """
    print(f"usage: {command} ... (see {command} --help)", file=sys.stderr)
    raise SystemExit(stop(line, 2))


def stop(line: str, code: int) -> int:
    """Says why the command ends, in one line."""
    print(f"octavo: {line}", file=sys.stderr)
    return code


def _help(width: int) -> Iterator[str]:
    wide = max(len(name) for commands in COMMANDS.values() for name in commands)
    yield from ("Usage: octavo COMMAND", "", _ABOUT)
    for group, commands in COMMANDS.items():
        yield from ("", f"{group}:")
        for name, (_, about) in commands.items():
            yield from textwrap.wrap(
                about, width, initial_indent=f"  {name:{wide}}  ", subsequent_indent=" " * (wide + 4)
            )
    yield from ("", "Examples:", *textwrap.indent(_EXAMPLES, "  ").splitlines(), "")
    yield from textwrap.wrap(
        "octavo COMMAND --help tells what a command takes; octavo --version; "
        "octavo --install-completion sets up your shell.",
        width,
    )
