"""The command line: `main` in `app`, and one file a command."""

from promptzoo.cli.app import main

__all__ = ["main"]
