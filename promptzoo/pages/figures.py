"""What `promptzoo figure` does and says: reads which words are runs, pictures or settings, and tells the numbers."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from promptzoo.errors import ZooError
from promptzoo.figures.figure import figure, kind_of
from promptzoo.figures.kinds import KINDS
from promptzoo.pages.console import sentence
from promptzoo.pages.table import Table
from promptzoo.paths import at


def kinds_page(out: Console) -> None:
    """Every kind, what it is of, and which options it takes."""
    made = Table(["kind", "shows", "options"], numbers=())
    for kind in KINDS.values():
        options = " ".join(f"--{'class' if one == 'of' else one.replace('_', '-')}" for one in kind.takes)
        made.add(kind.name, kind.about, options)
    out.print(made.screen())


def make_figure(words: Sequence[str], options: dict[str, Any], said: Console) -> None:
    """The whole command; what was drawn goes into files, its main numbers to the screen."""
    kind, *others = words
    kind_of(kind)
    runs, pictures, settings = sorted_out(others)
    drawn = figure(kind, runs, pictures, overrides=settings, **options)
    for line in drawn.told:
        said.print(escape(line), soft_wrap=True, highlight=False)
    for line in drawn.remarks:
        sentence(said, line, "note")
    for file in filter(None, (options["out"], options["data"])):
        said.print(f"written: {escape(str(file))}", soft_wrap=True)


def sorted_out(words: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """Runs, which are folders or end in .safetensors; pictures, which are files; and settings, which hold `=`.

    Raises `ZooError` for what is not there.
    """
    runs, pictures, settings = list[str](), list[str](), list[str]()
    for word in words:
        path = at(word)
        if path.is_dir() or path.suffix == ".safetensors":
            runs.append(word)
        elif path.is_file():
            pictures.append(word)
        elif "=" in word:
            settings.append(word)
        else:
            raise ZooError(f"no run or picture '{word}'", given=word)
    return runs, pictures, settings
