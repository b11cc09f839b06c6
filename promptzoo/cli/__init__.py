"""The command line: `main` in `app`, and one file a command."""

import sys

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code.  Ctrl-C while the commands are still read ends as quietly."""
    try:
        from promptzoo.cli.app import main as run
    except KeyboardInterrupt:
        import shlex

        from promptzoo.names import on_screen

        words = sys.argv[1:] if arguments is None else arguments
        print(f"stopped; to run it again: {on_screen(shlex.join(['promptzoo', *words]))}", file=sys.stderr)
        return 130
    return run(arguments)
