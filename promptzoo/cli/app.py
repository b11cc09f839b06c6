"""The commands together, and what becomes of a mistake.  Heavy imports stand inside the commands."""

import errno
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

from promptzoo.cli.check import check
from promptzoo.cli.compare import compare
from promptzoo.cli.data import data
from promptzoo.cli.eval import evaluate
from promptzoo.cli.list import list_words
from promptzoo.cli.merge import merge
from promptzoo.cli.predict import predict
from promptzoo.cli.quiet import quiet
from promptzoo.cli.report import report
from promptzoo.cli.show import show
from promptzoo.cli.train import train
from promptzoo.errors import ZooError
from promptzoo.names import STREAM, on_screen
from promptzoo.paths import cut
from promptzoo.training.interrupt import like_ctrl_c

app = typer.Typer(
    name="promptzoo",
    help="Prompt architectures for large frozen vision models: take apart, recombine, train, cost and compare.",
    pretty_exceptions_enable=False,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 2 for what the user can put right, 130 for Ctrl-C."""
    words = [homely(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=STREAM)
    debug = "--debug" in words
    if not debug:
        quiet()
    try:
        words = [word for word in words if word != "--debug"] or ["--help"]
        with like_ctrl_c():
            code = app(words, prog_name="promptzoo", standalone_mode=False) or 0
        sys.stdout.flush()
        return code
    except ZooError as error:
        if debug:
            raise
        return failed(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        give_up_output()
        return 0
    except (OSError, MemoryError) as error:  # what a machine refuses, wherever it was asked
        if debug:
            raise
        return failed(refusal(error))
    except Exception as error:
        usage = getattr(error, "format_message", None)  # a mistake in the command itself, found by typer
        if usage is None:
            raise
        said = usage()
        return failed(said[:1].lower() + said[1:].rstrip("."))


def failed(sentence: str, code: int = 2) -> int:
    with suppress(OSError):
        print(f"error: {on_screen(sentence)}", file=sys.stderr)
    return code


def refusal(error: OSError | MemoryError) -> str:
    """What the system says, and of which file."""
    if isinstance(error, MemoryError):
        return "the memory of this machine is spent"
    if error.filename is None and error.errno in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
        give_up_output()
        return f"the output cannot be written: {error.strerror}"
    where = f": {cut(error.filename)}" if isinstance(error.filename, str) else ""
    return f"the system refuses: {error.strerror or error}{where}"


def give_up_output() -> None:
    """What is still to be printed goes nowhere, so that the end of the process does not try again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def homely(word: str) -> str:
    """A word with `~` of a path taken for the home, as the shell does for some: `~/x`, `--out=~/x`."""
    option, sign, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return f"{option}{sign}{os.path.expanduser(value)}" if value.startswith("~") else word


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and other packages' warnings.")] = False,
) -> None:
    """What holds for every command; `main` has taken `--debug` already, wherever it stood."""


app.command("list")(list_words)
app.command()(show)
app.command()(check)
app.command()(report)
app.command()(train)
app.command()(compare)
app.command("eval")(evaluate)
app.command()(predict)
app.command()(merge)
app.add_typer(data, name="data")
