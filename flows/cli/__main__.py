"""`python -m flows.cli`: the `octavo` command without its script."""

import sys

from flows.cli import main

if __name__ == "__main__":
    sys.exit(main())
