"""The command line.  Heavy imports stand inside the command that needs them."""

import logging
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated

import typer

from promptzoo.errors import ZooError

app = typer.Typer(
    name="promptzoo",
    help="Prompt architectures for large frozen vision models: take apart, recombine, train, cost and compare.",
    pretty_exceptions_enable=False,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code: 2 for what the user can put right, 130 for Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    if not debug:
        quiet()
    try:
        words = [word for word in words if word != "--debug"] or ["--help"]
        return app(words, prog_name="promptzoo", standalone_mode=False) or 0
    except ZooError as error:
        if debug:
            raise
        return failed(str(error))
    except (KeyboardInterrupt, typer.Abort):
        print("stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        usage = getattr(error, "format_message", None)  # a mistake in the command itself, found by typer
        if usage is None:
            raise
        said = usage()
        return failed(said[:1].lower() + said[1:].rstrip("."))


def failed(sentence: str) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return 2


def quiet() -> None:
    """What other packages would print beside our own output; `--debug` lets it through."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    for name, value in {
        "PYTHONWARNINGS": "ignore",  # for processes started from here
        "TORCH_CPP_LOG_LEVEL": "ERROR",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }.items():
        os.environ.setdefault(name, value)


def known(incomplete: str) -> list[str]:
    """The words that the shell may complete."""
    from promptzoo.recipe import shipped_recipes
    from promptzoo.registry import load_registry

    words = {*shipped_recipes(), *(word for _, word, _ in load_registry().entries())}
    return sorted(word for word in words if word.startswith(incomplete))


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and other packages' warnings.")] = False,
) -> None:
    """What holds for every command; `main` has taken `--debug` already, wherever it stood."""


@app.command("list")
def list_words(
    shelf: Annotated[str, typer.Argument(help="One shelf only: blocks, grafts, ..., recipes.")] = "",
) -> None:
    """What there is: every word a recipe may use, what it is, and where it comes from."""
    from promptzoo.pages import list_page

    list_page(shelf)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A word of the zoo, a class, or a recipe.", autocompletion=known)],
) -> None:
    """Everything about one word: source, equation, arguments, shapes, and the recipes that use it."""
    from promptzoo.pages import show_page

    show_page(name)
