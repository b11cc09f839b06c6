"""What `promptzoo demo` does: trains the embedded hybrid and writes the page of the run."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from promptzoo.pages.numbers import percent
from promptzoo.pages.progress import Bar
from promptzoo.pages.run_page import may_write, write_run_page
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.session import train

RECIPE = "lore_sa2vp_hybrid"


def show_demo(out: Path, said: Console) -> None:
    """A finished run in `out` is shown again, not trained again.

    Raises `ZooError` before it trains where the page could not be written.
    """
    page, run = out.with_name(f"{out.name}.html"), RunFolder(out)
    may_write(page)
    if not run.finished:
        said.print(f"training [bold]{RECIPE}[/] on the embedded model and pictures", highlight=False)
        train(Recipe.read(RECIPE), out, progress=Bar)
    write_run_page(page, [out], title="The hybrid of LORE and SA²VP on the embedded pictures")
    said.print(f"test accuracy {percent(run.accuracy())} %", highlight=False)
    said.print(f"open [bold]{escape(str(page))}[/]; then go on with promptzoo list", soft_wrap=True, highlight=False)
