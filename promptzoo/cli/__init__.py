"""The command line.  Heavy imports stand inside the command that needs them."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli import finished
from promptzoo.cli.quiet import quiet
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
        return failed(str(error), error.exit_code)
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


def failed(sentence: str, code: int = 2) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return code


def known(incomplete: str) -> list[str]:
    """The words that the shell may complete."""
    from promptzoo.pages.show import words

    return sorted(word for word in words() if word.startswith(incomplete))


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and other packages' warnings.")] = False,
) -> None:
    """What holds for every command; `main` has taken `--debug` already, wherever it stood."""


@app.command("list")
def list_words(
    shelf: Annotated[
        str, typer.Argument(metavar="SHELF", help="One shelf only: blocks, grafts, ..., recipes, lists.")
    ] = "",
) -> None:
    """What there is: every word a recipe may use, what it is, and where it comes from."""
    from promptzoo.pages.listing import list_page

    list_page(shelf)


@app.command()
def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A word of the zoo, a class, or a recipe.", autocompletion=known)
    ],
) -> None:
    """Everything about one word: source, equation, arguments, shapes, and the recipes that use it."""
    from promptzoo.pages.show import show_page

    show_page(name)


Words = Annotated[
    list[str],
    typer.Argument(metavar="RECIPE", help="A recipe (a file, or the name of a shipped one), then key=value ..."),
]
RUNS = Path("runs/compare")


@app.command()
def check(words: Words) -> None:
    """Draw the tower, who acts at which site, and what it costs; nothing is downloaded."""
    from promptzoo.pages.check import check_page
    from promptzoo.pages.listing import console
    from promptzoo.recipe.recipe import Recipe

    check_page(Recipe.read(words[0], words[1:]), console())


Many = Annotated[
    list[str] | None,
    typer.Argument(metavar="RECIPE", help="Recipes or recipe lists, then key=value ...", show_default=False),
]


@app.command()
def report(
    words: Many = None,
    form: Annotated[str, typer.Option("--format", help="table, markdown, csv, json, or html, a page.")] = "table",
    by: Annotated[str, typer.Option("--by", help="Open rows up: graft, block, site, layer or share.")] = "",
    out: Annotated[Path | None, typer.Option("--out", help="A file for the table; report.html for a page.")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="The page's pictures: a .pdf, .png or .svg file.")] = None,
    runs: Annotated[
        Path | None, typer.Option("--runs", help="A folder of finished runs: their costs and accuracies.")
    ] = None,
    classes: Annotated[int | None, typer.Option("--classes", help="How many, where the pictures are not here.")] = None,
    combine: Annotated[
        bool, typer.Option("--combine", help="backbones=A,B grafts=lore,sa2vp (or all) blocks=lore.local (or all).")
    ] = False,
    up_to: Annotated[int, typer.Option("--up-to", help="With --combine: how many methods at most together.")] = 1,
    measure: Annotated[bool, typer.Option("--measure", help="Time and memory too, beside the bare backbone.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Count anew what was counted before.")] = False,
) -> None:
    """What recipes cost: parameters, operations, time and memory; needs no weights, no pictures, no network."""
    from promptzoo.cli.report_command import Wanted, run
    from promptzoo.pages.listing import console

    wanted = Wanted(form, by, out, plot, runs, classes, combine, up_to, measure, force, again)
    run(words or [], wanted, console(), console(errors=True))


@app.command()
def train(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="RECIPE", help="A recipe, then key=value ...", show_default=False)
    ] = None,
    out: Annotated[str | None, typer.Option("--out", help="The run's folder; runs/<recipe> where left out.")] = None,
    resume: Annotated[str | None, typer.Option("--resume", help="An unfinished run's folder, to continue it.")] = None,
) -> None:
    """Train a recipe, select an epoch, read the test split once, and leave everything in a folder."""
    from promptzoo.pages.listing import console
    from promptzoo.pages.outcome import free_folder, result_page
    from promptzoo.recipe.recipe import Recipe
    from promptzoo.training.run import recipe_of
    from promptzoo.training.session import train as run

    if not words and not resume:
        raise ZooError("which recipe?  promptzoo list recipes tells those that are shipped; --resume DIR needs none")
    if out and resume:
        raise ZooError("--out begins a run and --resume continues one; give one of them")
    recipe = Recipe.read(words[0], words[1:]) if words else recipe_of(Path(resume or ""))
    folder = resume or out or str(free_folder(Path("runs"), recipe.name))
    result_page(run(recipe, folder, resume=bool(resume)), recipe, console())


@app.command()
def compare(
    words: Annotated[list[str], typer.Argument(metavar="RECIPE", help="Recipes or lists, then key=value ... for all.")],
    seeds: Annotated[str, typer.Option("--seeds", help="How many, like 3, or which, like 4,7.")] = "3",
    baseline: Annotated[str, typer.Option("--baseline", help="Whom to hold the others against; else the first.")] = "",
    out: Annotated[Path, typer.Option("--out", help="The folder of the runs; none is repeated.")] = RUNS,
    form: Annotated[str, typer.Option("--format", help="table, markdown or json.")] = "table",
    on: Annotated[str, typer.Option("--on", help="Rank by test, or by val alone, to choose words by.")] = "test",
) -> None:
    """Train recipes under one protocol with several seeds, rank them, and tell which differ."""
    from promptzoo.pages.listing import console
    from promptzoo.studies.command import Wanted, run, seeds_of

    run(words, Wanted(seeds_of(seeds), baseline, out, form, on), console(), console(errors=True))


app.command("eval")(finished.evaluate)
app.command("predict")(finished.predict)
app.command("merge")(finished.merge)
