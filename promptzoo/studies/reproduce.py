"""A paper's table, row for row, beside what is reached here: `reproduced`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean

from promptzoo.errors import ZooError
from promptzoo.files import room
from promptzoo.paths import at
from promptzoo.recipe.papers import PaperRow, PaperTable
from promptzoo.recipe.pictures import open_dataset
from promptzoo.recipe.recipe import Recipe
from promptzoo.studies.compare import Terms
from promptzoo.studies.executor import OneByOne
from promptzoo.studies.plan import Member, demand_seedless, ground
from promptzoo.studies.printed import Cell, Reproduced
from promptzoo.studies.record import Finished
from promptzoo.studies.untrained import asked_of
from promptzoo.training.interrupt import StoppedError
from promptzoo.training.progress import Progress

WOULD = "it would run"
NO_RECIPE = "no recipe implements this method"


def reproduced(
    table: PaperTable,
    overrides: Sequence[str],
    terms: Terms,
    say: Callable[[str], None],
    progress: type[Progress] = Progress,
    dry: bool = False,
) -> Reproduced:
    """Trains every row on every set that can be opened here; with `dry` nothing, but says what would be.

    Finished runs below `terms.out` are not repeated.
    Raises `ZooError` for overrides that no row takes, and for a folder that takes no runs; `StoppedError` after Ctrl-C.
    """
    demand(table, overrides)
    runs = OneByOne(terms.out / table.name, terms.seeds, say, progress, terms.stale)
    lacking = {place: absent(table, place, overrides) for place in table.sets}
    known: dict[str, str] = {}
    found: dict[tuple[str, str], list[Finished] | str] = {}
    for row in table.rows:
        for place in table.sets:
            key = (row.run or row.name, place)
            if key not in found:
                found[key] = lacking[place] or run(table, row, place, overrides, runs, known, dry)
    cells = []
    for row in table.rows:
        extra = [one for one in (*table.sets, *table.means) if one not in table.columns]
        printed = dict(zip(table.columns, row.printed, strict=True))
        for column in (*table.columns, *extra):
            cells.append(cell(table, row, column, printed.get(column), found))
    return Reproduced(table, tuple(cells), tuple(overrides), terms.seeds)


def demand(table: PaperTable, overrides: Sequence[str]) -> None:
    """Raises `ZooError` for a seed, for a `data.root` that is a file, and for overrides that no recipe takes."""
    demand_seedless(overrides)
    for word in overrides:
        key, _, root = word.partition("=")
        if key.strip() == "data.root" and at(root).is_file():
            raise ZooError(f"{word} is a file, not the folder of the data sets", key="data.root", given=root)
    data = f"data.dataset={next(iter(table.sets.values()))}"
    recipes = dict.fromkeys(row.recipe for row in table.rows if row.recipe)
    errors = []
    for recipe in [one for one in recipes if learns(one)]:
        try:
            Recipe.read(recipe, [data, *table.overrides, *overrides])
            return
        except ZooError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def learns(recipe: str) -> bool:
    """Whether a recipe as it is shipped is trained."""
    return bool(Recipe.read(recipe).train.epochs)


def absent(table: PaperTable, place: str, overrides: Sequence[str]) -> str:
    """Why a set cannot be opened here; nothing where it can."""
    under = (f"data.dataset={table.sets[place]}", *table.overrides, *overrides)
    data = [word for word in under if word.startswith("data.")]
    try:
        open_dataset(Member(place, "linear").read(data, ()).recipe)
    except ZooError as error:
        return f"{table.sets[place]}: {str(error).splitlines()[0]}"
    return ""


def run(
    table: PaperTable,
    row: PaperRow,
    place: str,
    overrides: Sequence[str],
    runs: OneByOne,
    known: dict[str, str],
    dry: bool,
) -> list[Finished] | str:
    """What a row came to on a set, seed by seed, or why it was not run.

    Raises `ZooError` where the folder of the runs takes none, and `StoppedError`.
    """
    if row.recipe is None:
        return NO_RECIPE
    name = f"{row.run or row.name} on {place}"
    try:
        asked = [*(with_run(word, table, row, place, runs) for word in table.under(row, place)), *overrides]
        entrant = Member(name, row.recipe, tuple(asked_of(row.recipe, (), asked)), row=True).read((), runs.seeds)
        stands = ground(entrant.recipe, known)
    except ZooError as error:
        return left_out(runs, name, error)
    if dry:
        runs.places.setdefault(name, runs.out / entrant.folder)
        return WOULD
    if not all(runs.kept(entrant, stands, seed) for seed in runs.seeds):
        room(runs.out)
    try:
        records = [runs.run(entrant, stands, seed).finished for seed in runs.seeds]
        return [one for one in records if one is not None]
    except StoppedError:
        raise
    except ZooError as error:
        return left_out(runs, name, error)


def left_out(runs: OneByOne, name: str, error: ZooError) -> str:
    """Why a row is not run, which is said."""
    runs.say(f"{name} is skipped: {error}")
    return str(error).splitlines()[0]


def with_run(word: str, table: PaperTable, row: PaperRow, place: str, runs: OneByOne) -> str:
    """An override with the folder of the run whose lists it takes, that of the first seed."""
    if not row.lists or "RUN" not in word:
        return word
    other = next(one for one in table.rows if one.name == row.lists)
    folder = runs.places.get(f"{other.run or other.name} on {place}")
    if folder is None:
        raise ZooError(f"it needs the lists of {row.lists}, which was not run")
    return word.replace("RUN", str(Path(folder) / f"seed-{runs.seeds[0]}"))


def cell(
    table: PaperTable,
    row: PaperRow,
    column: str,
    printed: float | None,
    found: dict[tuple[str, str], list[Finished] | str],
) -> Cell:
    """A figure of a set, or the mean of a column's parts where all of them were run."""
    value = reached(table, row, column, found)
    if isinstance(value, float):
        return Cell(row.name, column, printed, 100 * value)
    return Cell(row.name, column, printed, why=value)


def reached(
    table: PaperTable, row: PaperRow, column: str, found: dict[tuple[str, str], list[Finished] | str]
) -> float | str:
    """The share that a row reached in a column, mean over seeds, or why there is none."""
    if column in table.sets:
        came = found[row.run or row.name, column]
        if isinstance(came, str):
            return came
        if row.stage and any(row.stage not in one.stages for one in came):
            return f"no stage {row.stage} was trained"
        return fmean(one.stages[row.stage] if row.stage else one.accuracy for one in came)
    parts = {part: reached(table, row, part, found) for part in table.means[column]}
    if missing := [part for part, value in parts.items() if isinstance(value, str)]:
        return f"without {', '.join(missing)}"
    return fmean(value for value in parts.values() if isinstance(value, float))
