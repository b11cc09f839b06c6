"""What the commands that make many runs have in common: `compare` and `reproduce`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from promptzoo.errors import ZooError

Seeds = Annotated[str, typer.Option("--seeds", metavar="SEEDS", help="How many, like 3, or which ones, like 4,7.")]
Out = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="The folder of the runs; finished ones are not repeated.")
]
FORMS = ("table", "markdown", "json")
Form = Annotated[str, typer.Option("--format", metavar="FORM", help="table, markdown or json.")]


def demand_form(form: str) -> None:
    """Raises `ZooError` for a form that there is not."""
    if form not in FORMS:
        said = f"--format takes {', '.join(FORMS)}, not '{form}'"
        raise ZooError(said, key="--format", given=form, possible=FORMS)


def tell(form: str, page: Any, found: object) -> None:
    """What was found, by the page that shows it, on the screen or in another form."""
    from promptzoo.pages.console import console, say

    if form == "table":
        page.show(found, console())
    else:
        say(page.markdown(found) if form == "markdown" else page.as_json(found))
