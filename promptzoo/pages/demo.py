"""What `promptzoo demo` does: trains the embedded hybrid and writes the page of the run."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from promptzoo.extras import LackingError
from promptzoo.files import vacant
from promptzoo.pages.numbers import percent
from promptzoo.pages.progress import Bar
from promptzoo.pages.run_page import write_run_page
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.session import train

RECIPE = "lore_sa2vp_hybrid"


def show_demo(out: Path, said: Console) -> None:
    """A finished run in `out` is shown again, not trained again; where a page lacks its packages, these are told.

    Raises `ZooError` before it trains where there is a page already.
    """
    page, run = out.with_name(f"{out.name}.html"), RunFolder(out)
    vacant(page)
    if not run.finished:
        said.print(f"training [bold]{RECIPE}[/] on the embedded model and pictures", highlight=False)
        train(Recipe.read(RECIPE), out, progress=Bar)
    said.print(f"test accuracy {percent(run.accuracy())} %; the run is in {escape(str(out))}", highlight=False)
    try:
        write_run_page(page, [out], title="The hybrid of LORE and SA²VP on the embedded pictures")
        told = f"open [bold]{escape(str(page))}[/]; then go on with promptzoo list"
    except LackingError as lacking:
        told = f"for a page about it: {escape(lacking.remedy)}, then promptzoo demo again; or go on with promptzoo list"
    said.print(told, soft_wrap=True, highlight=False)
