"""The commands together, and what becomes of a mistake.  Heavy imports stand inside the commands."""

import errno
import io
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated

import typer

from promptzoo.cli.check import check
from promptzoo.cli.compare import compare
from promptzoo.cli.data import data
from promptzoo.cli.demo import demo
from promptzoo.cli.eval import evaluate
from promptzoo.cli.export import export
from promptzoo.cli.features import features
from promptzoo.cli.figure import figure
from promptzoo.cli.flags import Command, Commands
from promptzoo.cli.list import list_words
from promptzoo.cli.merge import merge
from promptzoo.cli.predict import predict
from promptzoo.cli.quiet import quiet
from promptzoo.cli.report import report
from promptzoo.cli.reproduce import reproduce
from promptzoo.cli.settings import settings
from promptzoo.cli.share import share
from promptzoo.cli.show import show
from promptzoo.cli.sweep import sweep
from promptzoo.cli.train import train
from promptzoo.cli.way_in import EXIT_CODES, version, way_in
from promptzoo.doing import watched
from promptzoo.errors import ZooError
from promptzoo.names import STREAM, on_screen
from promptzoo.option import typed_in
from promptzoo.pages.waiting import Narrator
from promptzoo.paths import cut
from promptzoo.training.interrupt import like_ctrl_c

REFUSED = ("start new thread", "Resource temporarily unavailable", "map segment", "allocate memory")  # by no OSError
STOPPED = 130  # what typer gives where Ctrl-C reaches it

app = typer.Typer(
    name="promptzoo",
    help="Prompt architectures for large frozen vision models: take apart, recombine, train, cost and compare.",
    epilog=EXIT_CODES,
    cls=Commands,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code, as `EXIT_CODES` has them."""
    given = [homely(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    open_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=STREAM)
    debug = "--debug" in given
    loud = None if debug else quiet()
    try:
        return done(given, debug)
    finally:
        if loud is not None and arguments is not None:  # Python goes on
            loud()


def done(given: Sequence[str], debug: bool) -> int:
    """Runs a command; what goes wrong becomes a sentence and an exit code."""
    try:
        with typed_in(), like_ctrl_c(), watched(Narrator()):
            words = [word for word in given if word != "--debug"]
            code: int = app(words, prog_name="promptzoo", standalone_mode=False) or 0
        sys.stdout.flush()
        return code if code != STOPPED else stopped(given)
    except ZooError as error:
        if debug:
            raise
        return failed(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return stopped(given)
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        give_up_output()
        return 0
    except (OSError, MemoryError, RuntimeError, ImportError) as error:  # what a machine refuses, wherever it was asked
        if debug or (isinstance(error, RuntimeError | ImportError) and not any(one in str(error) for one in REFUSED)):
            raise
        return failed(refusal(error))
    except Exception as error:
        usage = getattr(error, "format_message", None)  # a mistake in the command itself, found by typer
        if usage is None:
            raise
        said = usage()
        context = getattr(error, "ctx", None)
        way = f"\n    {context.command_path} -h lists arguments and options" if context is not None else ""
        return failed(said[:1].lower() + said[1:].rstrip(".") + way)


def failed(said: str, code: int = 2) -> int:
    from promptzoo.pages.console import console, sentence

    with suppress(OSError):
        sentence(console(errors=True), f"error: {said}")
    return code


def stopped(words: Sequence[str]) -> int:
    """After Ctrl-C where nobody else says what was saved: the same command, which goes on or begins again."""
    print(f"stopped; to run it again: {on_screen(shlex.join(['promptzoo', *words]))}", file=sys.stderr)
    return STOPPED


def say_version(wanted: bool) -> None:
    if wanted:
        print(version())
        raise typer.Exit


def refusal(error: OSError | MemoryError | RuntimeError | ImportError) -> str:
    """What the system says, and of which file."""
    if isinstance(error, RuntimeError | ImportError):
        return f"system error: {error}"
    if isinstance(error, MemoryError):
        return "out of memory on this machine"
    if error.filename is None and error.errno in (errno.ENOSPC, errno.EIO, errno.EDQUOT):
        give_up_output()
        return f"cannot write the output: {error.strerror}"
    where = f": {cut(error.filename)}" if isinstance(error.filename, str) else ""
    return f"system error: {error.strerror or error}{where}"


def open_closed() -> None:
    """Streams that were closed before the command began (`>&-`) lead nowhere, and no file gets their numbers."""
    for name, way in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, way)  # noqa: SIM115 (for as long as the process lives)
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)


def give_up_output() -> None:
    """What is still to be printed goes nowhere, so that the end of the process does not try again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def homely(word: str) -> str:
    """A word with `~` of a path taken for the home, as the shell does for some: `~/x`, `--out=~/x`."""
    option, sign, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return f"{option}{sign}{os.path.expanduser(value)}" if value.startswith("~") else word


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks, and warnings of other packages.")] = False,
    tell: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=say_version, is_eager=True)
    ] = False,
) -> None:
    """What holds for every command; `main` has taken `--debug` already, wherever it stood."""
    if context.invoked_subcommand is None:
        print(way_in(), end="")


COMMANDS: dict[str, Callable[..., None]] = {
    "list": list_words,
    "show": show,
    "settings": settings,
    "check": check,
    "report": report,
    "train": train,
    "compare": compare,
    "sweep": sweep,
    "reproduce": reproduce,
    "eval": evaluate,
    "predict": predict,
    "export": export,
    "merge": merge,
    "share": share,
    "features": features,
    "figure": figure,
    "demo": demo,
}
for name, command in COMMANDS.items():
    app.command(name, cls=Command)(command)
app.add_typer(data, name="data")
