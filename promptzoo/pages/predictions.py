"""What `promptzoo predict` prints or writes: each picture's likeliest classes, as lines, as CSV and as JSON."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from promptzoo.errors import ZooError
from promptzoo.files import as_json
from promptzoo.pages.table import Table
from promptzoo.training.predictor import Prediction

FORMS = ("table", "csv", "json")
Named = Sequence[tuple[Path, Prediction | ZooError]]


def told(found: Named) -> list[tuple[str, str]]:
    """Each picture that was named, and its classes in words."""
    rankings = [(str(file), one.ranking) for file, one in found if isinstance(one, Prediction)]
    return [(file, ", ".join(f"{name} {100 * share:.1f} %" for name, share in row)) for file, row in rankings]


def lines(found: Named) -> str:
    """A line for each picture that was named."""
    return "".join(f"{file}  {words}\n" for file, words in told(found))


def comma_separated(found: Named) -> str:
    """A row for each picture; empty cells where it could not be read."""
    most = max((len(one.ranking) for _, one in found if isinstance(one, Prediction)), default=1)
    titles = [f"{word}{'' if place == 1 else f'_{place}'}" for place in range(1, most + 1) for word in CELLS]
    table = Table(["picture", *titles])
    for file, one in found:
        ranking = one.ranking if isinstance(one, Prediction) else ()
        cells = [cell for name, share in ranking for cell in (name, f"{share:.4f}")]
        table.add(str(file), *cells, *([None] * (len(titles) - len(cells))))
    return table.csv()


CELLS = ("class", "probability")


def as_json_text(found: Named) -> str:
    """A list of pictures, each with its classes, or with what is wrong with it."""
    pictures = [
        {"picture": str(file), "error": str(one)}
        if isinstance(one, ZooError)
        else {"picture": str(file), "classes": [{"class": name, "probability": share} for name, share in one.ranking]}
        for file, one in found
    ]
    return as_json(pictures, indent=2) + "\n"


def written(found: Named, form: str) -> str:
    """The predictions in a form."""
    return {"table": lines, "csv": comma_separated, "json": as_json_text}[form](found)


def predictions_page(found: Named, out: Console) -> None:
    """The lines on the screen, names of pictures bold."""
    for file, words in told(found):
        out.print(f"[bold]{escape(file)}[/]  {escape(words)}", soft_wrap=True)
