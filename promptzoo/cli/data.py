"""`promptzoo data`."""

from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.flags import Command, Commands
from promptzoo.cli.loading import loading

data = typer.Typer(help="List data sets, check one, show what a model sees of it, or split it at random.", cls=Commands)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A source or a preset: see promptzoo data list.")]
Words = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="ROOT KEY=VALUE",
        help="Its folder, and other arguments of its source: promptzoo show SOURCE.",
        show_default=False,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite the file.")]


@data.command("list", cls=Command)
def list_sets() -> None:
    """List sources and presets, and what each needs."""
    from promptzoo.pages.console import console
    from promptzoo.pages.data import list_page

    list_page(console())


@data.command("check", cls=Command)
def check_set(name: Name, words: Words = None) -> None:
    """Count and decode all pictures; find what is missing, broken or in two splits. Or ROOT task=T: a task's set."""
    with loading():
        from promptzoo.pages.asked import counts_page
        from promptzoo.pages.console import console
        from promptzoo.pages.data import check_page, takes

    of_task = any(word.partition("=")[0] == "task" for word in words or ()) and not takes(name, "task")
    (counts_page if of_task else check_page)(name, words or (), console())


@data.command("show", cls=Command)
def show_set(
    name: Name,
    words: Words = None,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The picture to write.")] = Path("shots.png"),
    recipe: Annotated[
        str, typer.Option("--recipe", metavar="RECIPE", help="The recipe whose backbone sees them.")
    ] = "linear",
    shots: Annotated[int, typer.Option("--shots", metavar="COUNT", help="Pictures of each class.")] = 4,
    seed: Annotated[int, typer.Option("--seed", metavar="NUMBER", help="Seed of the draw.")] = 1,
    force: Force = False,
) -> None:
    """Draw a contact sheet of the shots as a model sees them."""
    with loading():
        from promptzoo.pages.console import console
        from promptzoo.pages.shots import show_page

    show_page(name, words or (), out, console(), recipe=recipe, shots=shots, seed=seed, force=force)


@data.command("split", cls=Command)
def split_set(
    name: Name,
    words: Words = None,
    test: Annotated[float, typer.Option("--test", metavar="SHARE", help="Share of each class to test on.")] = 0.2,
    val: Annotated[float, typer.Option("--val", metavar="SHARE", help="Share to validate on.")] = 0.1,
    seed: Annotated[int, typer.Option("--seed", metavar="NUMBER", help="Seed of the split.")] = 0,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The list to write.")] = Path("split.csv"),
    force: Force = False,
) -> None:
    """Split a set by a seed and write the split as a list."""
    with loading():
        from promptzoo.pages.console import console
        from promptzoo.pages.data import split_page

    split_page(name, words or (), {"val": val, "test": test, "seed": seed}, out, console(), force)
