"""Names of settings: a mistyped one is refused with the nearest that there is, never passed over in silence."""

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches

PREFIX = "OCTAVO_"

BESIDE = frozenset({"OCTAVO_SCHEMA", "OCTAVO_QUEUE"})
"""Variables of deploy/ that commands are given as arguments; no settings, and no mistakes."""

_TESTS = "OCTAVO_TEST_"

_TABLE = "OCTAVO_ENDPOINT"
"""Holds a JSON object, so nobody who wrote anything else meant it: `OCTAVO_ENDPOINTS` is next to it."""

_LINK = re.compile(r"(_SERVICE_HOST|_SERVICE_PORT(_\w+)?|_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$")
"""What Kubernetes and Docker put into the environment beside a service whose name begins with `octavo`."""

_PLAIN = re.compile(r"(?<!_SERVICE)_PORT$")


def unknown_variable(environment: Mapping[str, str], settings: Collection[str]) -> str | None:
    """Why a variable of the environment is refused, in one line; None where each is known.

    Args:
        environment: all of it; only names with `OCTAVO_` are looked at.
        settings: the fields' names.
    """
    known = {PREFIX + name.upper() for name in settings} | BESIDE
    for given, value in sorted(environment.items()):
        name = given.upper()
        if name.startswith(PREFIX) and name not in known and not name.startswith(_TESTS) and not _link(name, value):
            near = known if value.lstrip().startswith("{") else known - {_TABLE}
            return f"{given} is no setting{meant(name, near)}"
    return None


def _link(name: str, value: str) -> bool:
    """`OCTAVO_LISTEN_PORT=tcp://10.0.0.1:80` is one, `OCTAVO_LISTEN_PORT=8400` a mistake."""
    return bool(_LINK.search(name)) and ("://" in value or not _PLAIN.search(name))


def meant(word: str, names: Collection[str]) -> str:
    """`: did you mean ...?`, or where all are listed."""
    close = get_close_matches(word, sorted(names), n=1)
    return f": did you mean {close[0]}?" if close else "; the README lists them"
