"""A flow run's process as `octavo worker` starts it: `python -m flows.prefect.engine`.

Prefect puts the working directory before all else when it imports a flow's module, PYTHONSAFEPATH or not. What is
imported by then stays as it is: so Octavo's packages are, before that.
"""

import runpy

import extractors
import flows
import schemas

OURS = (extractors, flows, schemas)

if __name__ == "__main__":
    runpy.run_module("prefect.engine", run_name="__main__", alter_sys=True)
