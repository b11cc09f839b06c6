"""The log of a run once more, for the logger of its recipe: `Mirror`, and `tell_again` of a finished one."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from promptzoo.errors import ZooError, told
from promptzoo.files import refused
from promptzoo.model.logger import Beginning, Logger
from promptzoo.option import option
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry
from promptzoo.training.machine import versions
from promptzoo.training.run_folder import RunFolder

PICTURES = (".png", ".svg", ".pdf")


class Mirror:
    """A run as its logger is told of it; nobody is told where the recipe names none, or in a process beside the first.

    Raises `ZooError` where the logger's package is not installed, or what it writes to cannot be written.
    """

    def __init__(self, recipe: Recipe, folder: Path, first: bool = True) -> None:
        self.recipe, self.folder = recipe, folder
        self.logger: Logger | None = None
        if first and recipe.logger is not None:
            self.logger = Construct(load_registry()).build(recipe.logger, "logger")
        self.begun = False

    def begin(self, lines: list[dict[str, Any]]) -> None:
        """The training begins, or goes on after these lines of its log."""
        if self.logger is not None:
            told = [(line["step"], dict(numbers(line))) for line in lines]
            begun = Beginning(self.recipe.name, self.folder, self.recipe.to_dict(), versions(), told)
            self.begun = True
            with self.writing():
                self.logger.begin(begun)

    def add(self, line: dict[str, Any]) -> None:
        """One epoch's line; nested figures get dotted names."""
        if self.logger is not None:
            with self.writing():
                self.logger.add(dict(numbers(line)), line["step"])

    def end(self, result: Mapping[str, Any], step: int) -> None:
        """The run is finished, and its result written; the figures that lie in its folder are told too."""
        if self.logger is not None:
            if not self.begun:
                self.begin([])
            told = {word: result[word] for word in ("val", "test", "seconds", "tuned_parameters")}
            with self.writing():
                for file in sorted(one for one in self.folder.iterdir() if one.suffix in PICTURES):
                    self.logger.picture(file)
                self.logger.end(dict(numbers(told)), step)
        self.close(True)

    def close(self, finished: bool = False) -> None:
        """Nothing more is told."""
        logger, self.logger = self.logger, None
        if logger is not None and self.begun:
            with self.writing():
                logger.close(finished)

    @contextmanager
    def writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ZooError(refused(self.folder, error, 0), key="train.logger") from error


def tell_again(run: RunFolder, figure: str, trusted: bool) -> list[str]:
    """A figure was drawn into the folder of a finished run: its logger gets it, where a person trusts the run.

    Returns remarks on what did not reach it.
    """
    try:
        recipe = run.recipe(trust_code=True)  # nothing is made of it before it is trusted
        if recipe.logger is None:
            return []
        if not trusted:
            way = f"if you trust its author, {option('trust_code', True)} does"
            return [f"the logger that {run.path} names was not given {figure}; {way}"]
        lines = run.epochs()
        with closing(Mirror(recipe, run.path)) as mirror:
            mirror.begin(lines)
            mirror.end(run.result(), lines[-1]["step"] if lines else 0)
    except Exception as error:  # of somebody's class
        said = str(error) if isinstance(error, ZooError) else told(error)
        return [f"{figure} did not reach the logger of {run.path}: {said}"]
    return []


def numbers(line: Mapping[str, Any], name: str = "") -> Iterator[tuple[str, float]]:
    """Every number of a line, under dotted names."""
    for key, value in line.items():
        if isinstance(value, dict):
            yield from numbers(value, f"{name}{key}.")
        elif isinstance(value, int | float):
            yield f"{name}{key}", value
