"""Any kind of figure, of runs and pictures: numbers, then a drawing of them."""

import importlib
import io
import os
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from promptzoo.arguments import demand as demand_type
from promptzoo.arguments import typed
from promptzoo.data.given import Given, one_by_one
from promptzoo.errors import ZooError
from promptzoo.figures.asked import Wish
from promptzoo.figures.columns import columns_of, folders_of
from promptzoo.figures.draw import draw
from promptzoo.figures.kinds import KINDS, Kind
from promptzoo.figures.kinds.tasks import asked
from promptzoo.figures.marks import DARK, LIGHT
from promptzoo.figures.panels import Array, Found
from promptzoo.figures.save import content, ending
from promptzoo.figures.style import style
from promptzoo.files import deliver, vacant
from promptzoo.model.ordinary import ordinary
from promptzoo.option import option
from promptzoo.paths import at
from promptzoo.training.run import trusted
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.tracking.mirror import tell_again

DPI = 300


@dataclass(frozen=True)
class Drawn:
    """A figure: `arrays` holds every number in it by name, `told` says the main ones, `remarks` are doubts.

    `figure` is matplotlib's, None where no file was asked for.
    """

    arrays: dict[str, Array]
    told: Sequence[str]
    remarks: Sequence[str]
    figure: Any


@typed("pictures", "options")
@ordinary()
def figure(
    kind: str,
    runs: str | Path | Sequence[str | Path],
    pictures: Given | Iterable[Given] = (),
    *,
    out: str | Path | None = None,
    data: str | Path | None = None,
    overrides: Sequence[str] = (),
    bare: bool = False,
    dark: bool = False,
    weights: str | None = None,
    force: bool = False,
    trust_code: bool = False,
    **options: Any,
) -> Drawn:
    """Draws a figure of runs and pictures; the kinds are those of `promptzoo figure`.

    Args:
        kind: `attention`, `tsne`, ...
        runs: Folders of finished runs, or their model.safetensors; of `scatter` one folder of runs.
        pictures: As in `Run.predict`, if the kind takes pictures.
        out: A .pdf, .png or .svg file for the drawing.
        data: An .npz file for the numbers.
        overrides: `data.root=DIR`, `task.KEY=VALUE`, of the kinds of a task.
        bare: Adds a column for the frozen tower alone.
        dark: For a dark page.
        weights: Where the backbone's weights are now, if they have moved.
        force: Overwrite files.
        trust_code: Imports the modules that the runs name in their recipes, and lets the logger of a run have a figure
            that is drawn into its folder.
        options: Options of the kind, such as `layer=11` or `at=(7, 7)`: the fields of `Wish`.

    Raises `ZooError` for an unknown kind or option, and for what a run or its tower cannot provide.
    """
    chosen, wish = kind_of(kind), wish_of(kind, options, bare)
    drawing, numbers = (None if one is None else Path(one) for one in (out, data))
    targets(drawing, numbers, force)
    paths = [runs] if isinstance(runs, str | os.PathLike) else list(runs)
    given = list(one_by_one(pictures))
    demand(chosen, paths, given, overrides)
    all_trusted = all(trusted(run, trust_code) for run in paths)
    scheme = DARK if dark else LIGHT
    with style(scheme):
        found = find(chosen, paths, given, overrides, wish, bare, weights, all_trusted)
        made = None if drawing is None else draw(found, scheme)
        if drawing is not None:
            deliver(drawing, content(made, drawing.suffix.lower(), DPI), force)
    if numbers is not None:
        deliver(numbers, packed(found.arrays), force)
    remarks = [] if drawing is None else told_beside(drawing, paths, trust_code)
    return Drawn(found.arrays, found.told, [*found.remarks, *remarks], made)


def kind_of(name: str) -> Kind:
    """Raises `ZooError` for a kind that there is not."""
    if name not in KINDS:
        raise ZooError(f"no figure '{name}'", key="kind", given=name, possible=KINDS)
    return KINDS[name]


def wish_of(kind: str, options: dict[str, Any], bare: bool) -> Wish:
    """Raises `ZooError` for an option that there is not, or that a kind does not take."""
    takes = KINDS[kind].takes
    for name in options:
        if name not in Wish.__dataclass_fields__:
            raise ZooError(f"a figure has no option '{name}'", key=name, given=name, possible=takes)
        demand_type(name, options[name], typing.get_type_hints(Wish)[name])
    wish = Wish(**options)
    for name in [*wish.changed(), *(["bare"] if bare else [])]:
        if name not in takes:
            said = f"{kind} takes no {option(name)}"
            way = f"it takes {', '.join(map(option, takes))}" if takes else "it takes no options"
            raise ZooError(said, key=name, given=name, possible=takes, remedy=way)
    return wish


def targets(drawing: Path | None, numbers: Path | None, force: bool) -> None:
    """Raises `ZooError` before anything is opened where a file cannot be written as it is asked for."""
    if drawing is not None:
        ending(drawing, "out")
        vacant(drawing, force)
    if numbers is not None:
        if numbers.suffix != ".npz":
            raise ZooError(
                f"{option('data')} takes a file that ends in .npz, not '{numbers.name}'", key="data", given=numbers.name
            )
        vacant(numbers, force)


def demand(kind: Kind, runs: Sequence[str | Path], pictures: Sequence[Given], overrides: Sequence[str]) -> None:
    """Raises `ZooError` where what a kind is of is missing, or something else is given beside."""
    if not runs:
        raise ZooError(f"no run given: {kind.name} is a figure of finished runs", key="runs")
    if kind.of == "pictures" and not pictures:
        raise ZooError(
            f"no picture given: {kind.name} is a figure of pictures; a folder counts as a run", key="pictures"
        )
    if kind.of != "pictures" and pictures:
        said = f"{kind.name} takes no pictures"
        raise ZooError(said, key="pictures", given=str(pictures[0]))
    if kind.of != "task" and overrides:
        raise ZooError(f"{kind.name} takes no overrides, got '{overrides[0]}'", key="overrides", given=overrides[0])
    if kind.of == "folder" and len(runs) > 1:
        raise ZooError(f"{kind.name} takes one folder of runs, not {len(runs)}", key="runs", given=list(map(str, runs)))


def find(
    kind: Kind, runs: Sequence[str | Path], pictures: Sequence[Given], overrides: Sequence[str], wish: Wish,
    bare: bool = False, weights: str | None = None, trust_code: bool = False,
) -> Found:  # fmt: skip
    """The numbers of a figure."""
    home: Any = importlib.import_module(kind.home)
    found: Found
    if kind.of == "folder":
        found = home.find(Path(runs[0]), trust_code)
    elif kind.of == "task":
        found = home.find(asked(home.TASK, runs, overrides, bare, weights, trust_code), wish)
    elif kind.of == "runs":
        found = home.find(folders_of(runs), wish)
    else:
        columns = columns_of(runs, bare, weights, trust_code)
        more = {"pictures": (pictures,), "data": (kind.name,), "models": ()}[kind.of]
        found = home.find(columns, *more, wish)
    return found


def told_beside(drawing: Path, runs: Sequence[str | Path], trust_code: bool) -> list[str]:
    """Gives a figure that was drawn into the folder of a finished run to its logger.  Returns remarks."""
    beside = RunFolder(drawing.parent)
    if not beside.finished:
        return []
    own = any(trusted(run) and at(run).resolve() == beside.path.resolve() for run in runs)
    return tell_again(beside, drawing.name, trust_code or own)


def packed(arrays: dict[str, Array]) -> bytes:
    """Numbers as the content of an .npz file."""
    with io.BytesIO() as buffer:
        np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
        return buffer.getvalue()
