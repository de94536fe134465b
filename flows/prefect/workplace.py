"""The settings of a process that a worker started: what it keeps must outlast the folder that it was started in."""

import tempfile
from pathlib import Path

from prefect.runtime import deployment

from extractors.errors import BadConfiguration
from flows.settings import Settings, read_settings
from flows.store.url import parsed_url


def settings_at_work() -> Settings:
    """The settings of this run's process: its environment, and `octavo.toml` of the worker's folder.

    Raises:
        BadConfiguration: the store is a file in the temporary folder that Prefect's own worker makes for each run and
            removes afterwards, with all that was paid for in it.
    """
    known = read_settings()
    url, here = parsed_url(known.store, read_only=False), Path.cwd()
    passing = here.parent == Path(tempfile.gettempdir()).resolve() and here.name.endswith("prefect")
    if deployment.id and passing and url.get_backend_name() == "sqlite" and Path(str(url.database)).parent == here:
        raise BadConfiguration(
            f"the store {known.store} would be lost with this run's temporary folder: start workers with "
            "`octavo worker`, whose runs are where it is, or set OCTAVO_STORE to an absolute path or to PostgreSQL"
        )
    return known
