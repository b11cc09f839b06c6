"""`promptzoo train`."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.stale import STALE
from promptzoo.cli.trust import TRUST
from promptzoo.errors import ZooError
from promptzoo.files import free_folder


def train(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="RECIPE", help="A recipe, then key=value ...", show_default=False)
    ] = None,
    out: Annotated[str | None, typer.Option("--out", help="The run's folder; runs/<recipe> where left out.")] = None,
    resume: Annotated[str | None, typer.Option("--resume", help="An unfinished run's folder, to continue it.")] = None,
    stale: Annotated[float | None, STALE] = None,
    trust_code: Annotated[bool, TRUST] = False,
) -> None:
    """Train a recipe, select an epoch, read the test split once, and leave everything in a folder."""
    from promptzoo.pages.console import console
    from promptzoo.pages.progress import Bar
    from promptzoo.pages.result import result_page
    from promptzoo.recipe.recipe import Recipe
    from promptzoo.training.run_folder import RunFolder
    from promptzoo.training.session import train as run

    if not words and not resume:
        raise ZooError("which recipe?  promptzoo list recipes tells those that are shipped; --resume DIR needs none")
    if out and resume:
        raise ZooError("--out begins a run and --resume continues one; give one of them")
    begun = RunFolder(resume or "")
    recipe = Recipe.read(words[0], words[1:]) if words else begun.recipe(trust_code)
    for remark in begun.remarks:
        console(errors=True).print(f"note: {remark}", markup=False, soft_wrap=True)
    free = None if resume or out else free_folder(Path("runs"), recipe.name)
    try:
        result = run(recipe, resume or out or str(free), resume=bool(resume), progress=Bar, stale=stale)
    except ZooError:
        if free is not None:
            with suppress(OSError):  # there is something in it that stays
                free.rmdir()
        raise
    result_page(result, recipe, console())
