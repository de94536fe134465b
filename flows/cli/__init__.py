"""The `octavo` command: what it takes, what it prints, how it ends."""

from flows.cli.parser import main

__all__ = ["main"]
