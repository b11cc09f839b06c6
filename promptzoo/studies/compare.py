"""Recipes compared: who takes part is read, what is not trained yet is trained, and all are ranked."""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptzoo.arguments import typed
from promptzoo.errors import ZooError, shown
from promptzoo.model.ordinary import ordinary
from promptzoo.names import on_screen
from promptzoo.option import option
from promptzoo.recipe.recipe import Recipe
from promptzoo.studies.executor import OneByOne, Quiet
from promptzoo.studies.executors import engine_of, executor
from promptzoo.studies.frame import grounded, none_ended, stood
from promptzoo.studies.plan import read_field
from promptzoo.studies.rounds import trained
from promptzoo.studies.standings import Comparison
from promptzoo.training.given import settled
from promptzoo.training.progress import Progress

ON = ("test", "val")
Asked = str | Path | Recipe | Mapping[str, Any]  # what a recipe is made from


@dataclass(frozen=True)
class Terms:
    """Under what recipes are compared: seeds, the baseline's name, the folder of the runs, and which split ranks.

    `stale` is as in `train`.

    `engine` is the word of an executor; `together` trains the seeds of a recipe in one pass, where they can.

    Raises `ZooError` for a split that is not there, and for a folder that is a file.
    """

    seeds: tuple[int, ...]
    baseline: str
    out: Path
    on: str = "test"
    stale: float | None = None
    engine: str = "here"
    together: bool = False

    def __post_init__(self) -> None:
        if self.on not in ON:
            raise ZooError(
                f"{option('on')} takes {' or '.join(ON)}, not '{self.on}'", key="on", given=self.on, possible=ON
            )
        engine_of(self.engine)
        if self.out.exists() and not self.out.is_dir():
            raise ZooError(f"{self.out} is a file; {option('out')} takes a folder for the runs")


@typed("recipes", "data")
@ordinary(trains=True)
def compare(
    recipes: Asked | Sequence[Asked],
    *,
    data: Any = None,
    seeds: int | Sequence[int] = 3,
    baseline: str = "",
    out: str | Path = "runs/compare",
    on: str = "test",
    engine: str = "here",
    together: bool = False,
    overrides: str | Sequence[str] = (),
    quiet: bool = False,
) -> Comparison:
    """Trains recipes under one protocol with several seeds, ranks them, and tells which differ.

    Args:
        recipes: One or several: names and paths of recipes and recipe lists, `Recipe`s, mappings.  A mapping has no
            name; `Recipe(mapping, "mine")` has.
        data: Other pictures for all, as for `train`.
        seeds: A number N, for seeds 1 to N; or a list.
        baseline: The name of the row that the others are compared with; by default the first.
        out: The folder of the runs; finished runs are not repeated.
        on: Rank by `test`, or by `val` only, to choose settings.
        engine: Where to run: `here`, one after another; `local:N`, N at once on this machine; `ray`;
            `slurm`.
        together: Trains all seeds of a recipe in one pass, where nothing acts before the features of its pictures;
            to the numbers of each alone within 1e-5, in folders of their own.
        overrides: `key=value`, for all recipes; one or several.
        quiet: Prints no progress.

    Returns a `Comparison`: `standings`, the best first, with mean accuracy (0..1) and difference; `refused`; `notes`.
    Raises `ZooError` if no recipe finished, and `StoppedError` after Ctrl-C, which leaves all resumable.
    """
    asked, which = asked_in_python(recipes, seeds, overrides)
    terms = Terms(which, baseline, Path(out), on, engine=engine, together=together)
    return compared(asked, terms, saying(quiet), Quiet if quiet else Progress, settled(data))


def asked_in_python(
    recipes: Asked | Sequence[Asked], seeds: int | Sequence[int], overrides: str | Sequence[str]
) -> tuple[list[str | Recipe], tuple[int, ...]]:
    """The same as a command has them: recipes with overrides behind them, and seeds.  Raises `ZooError`."""
    several = list(recipes) if isinstance(recipes, Iterable) and not isinstance(recipes, str | Mapping) else [recipes]
    if foreign := [one for one in several if isinstance(one, str) and "=" in one and "\n" not in one]:
        said = f"recipes come first, then overrides as text; got {shown(foreign[0])}"
        raise ZooError(said, key="recipes", given=foreign[0])
    named = [str(one) if isinstance(one, str | Path) and "\n" not in str(one) else Recipe(one) for one in several]
    which = seeds_of(str(seeds)) if isinstance(seeds, int) else seeds_of(",".join(map(str, seeds)) + ",")
    return [*named, *([overrides] if isinstance(overrides, str) else overrides)], which


def saying(quiet: bool) -> Callable[[str], None]:
    """Who hears what goes on: the error stream, or nobody."""
    return (lambda _: None) if quiet else (lambda text: print(on_screen(text), file=sys.stderr))


def on_of(words: Sequence[str], engine: str = "here") -> tuple[str, str]:
    """What `--on` says, each once: which split ranks, and where runs are made.  Raises `ZooError` for both twice."""
    splits, engines = ([word for word in words if (word in ON) == ranks] for ranks in (True, False))
    if len(splits) > 1 or len(engines) > 1:
        raise ZooError(
            f"{option('on')} takes at most one split and one place; got {', '.join(words)}", key="on", given=list(words)
        )
    return (splits or ["test"])[0], (engines or [engine])[0]


def seeds_of(text: str) -> tuple[int, ...]:
    """`3` is 1, 2, 3; `4,7` is those two, and `4,` that one.  Raises `ZooError` for anything else."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words or not all(word.isascii() and word.isdecimal() for word in words):
        raise ZooError(f"{option('seeds')} takes a number of seeds, like 3, or a list, like 4,7; not '{text}'")
    numbers = [int(word) for word in words]
    if "," not in text:
        if not numbers[0]:
            raise ZooError(f"{option('seeds')} takes 1 or more, not 0; for seed 0 alone, write '0,'")
        return tuple(range(1, numbers[0] + 1))
    if len(set(numbers)) < len(numbers):
        raise ZooError(f"{option('seeds')} lists a seed twice: '{text}'")
    return tuple(numbers)


def compared(
    words: Sequence[str | Recipe],
    terms: Terms,
    say: Callable[[str], None],
    progress: type[Progress] = Progress,
    data: Any = None,
    fits: Callable[[str, Recipe], None] | None = None,
) -> Comparison:
    """Trains seed after seed, each recipe under one before any under the next; `say` hears what goes on.

    `fits` is asked of each recipe by its name before anything trains, and raises `ZooError` for one that does not.
    Raises `ZooError` if no recipe finished, and `StoppedError` after Ctrl-C, which leaves all resumable.
    """
    field = read_field(words, terms.baseline, terms.seeds, data)
    runs = OneByOne(terms.out, terms.seeds, say, progress, terms.stale)
    refused = list(field.refused)
    grounds = grounded(field, terms.on, runs, refused, fits)
    with executor(terms.engine, terms.out) as engine:
        records = trained(field, grounds, terms.seeds, runs, refused, engine, terms.together)
    found = stood(field, grounds, records, terms.on, runs, refused)
    if not found.standings:
        raise none_ended(found.refused)
    return found
