"""Reads a folder of runs: what recipes came to, over their seeds.  Nothing is built, no code of a run is executed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from promptzoo.errors import ZooError, shown, some
from promptzoo.files import from_json
from promptzoo.option import option, resuming
from promptzoo.paths import at
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.run_folder import SPLIT, RunFolder


@dataclass(frozen=True)
class Accuracy:
    """The accuracy of a recipe over the seeds of its runs, as shares 0..1; `std` is that of a sample.

    `std` is None for a single seed.  `paths` are the folders of the runs, `pictures` is the name of their set.
    """

    mean: float
    std: float | None
    seeds: tuple[int, ...]
    split: str
    paths: tuple[str, ...]
    pictures: str = ""


@dataclass(frozen=True)
class Group:
    """Came runs of one recipe and the same classes, apart from their seeds; the recipe is that of the first."""

    recipe: Recipe
    classes: tuple[str, ...]
    accuracy: Accuracy


@dataclass(frozen=True)
class FoundRuns:
    """What a folder holds.  `skipped` are the folders left aside, each with its reason.

    `remarks` tell what was rebuilt, and of runs that were tested on other pictures under one name, so that their
    figures do not compare.
    """

    groups: tuple[Group, ...]
    skipped: tuple[tuple[str, str], ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Came:
    """What one finished run came to."""

    path: Path
    recipe: Recipe
    classes: tuple[str, ...]
    accuracy: float
    tested_on: str = ""  # a digest of the test pictures
    source: str = ""  # how they were stored, where that changes them
    remarks: tuple[str, ...] = ()  # what of its folder was rebuilt


def read_runs(folder: Path) -> FoundRuns:
    """The finished runs in a folder, at any depth.  Raises `ZooError` where there is no folder or no finished run."""
    folder = at(folder)
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        raise ZooError(f"{folder} {what}; {option('runs')} takes a folder of runs")
    finished: list[Came] = []
    skipped: list[tuple[str, str]] = []
    for path, reason in walk(folder, set()):
        try:
            if reason:
                raise ZooError(reason)
            finished.append(read(path))
        except ZooError as error:
            skipped.append((str(path), str(error).splitlines()[0]))
    if not finished:
        raise ZooError(f"{folder} contains no finished run{said(folder, skipped)}")
    groups: dict[str, list[Came]] = {}
    for run in finished:
        groups.setdefault(key(run), []).append(run)
    remarks = (*(f"{run.path}: {one}" for run in finished for one in run.remarks), *unlike(finished))
    return FoundRuns(tuple(map(group, groups.values())), tuple(skipped), remarks)


def unlike(runs: Sequence[Came]) -> Iterator[str]:
    """Where runs on pictures of one name were tested on others, or on the same stored otherwise."""
    named: dict[str, list[Came]] = {}
    for run in runs:
        named.setdefault(pictures(run.recipe), []).append(run)
    for name, some_runs in named.items():
        for word, about in (("source", "stored differently"), ("tested_on", "not the same")):
            kinds: dict[str, list[str]] = {}
            for run in some_runs:
                kinds.setdefault(getattr(run, word)[:40] or "unknown", []).append(str(run.path))
            if len(kinds) > 1:
                told = "; ".join(f"{kind}: {some(paths, 3, quote='')}" for kind, paths in kinds.items())
                yield f"the test pictures of '{name}' are {about}, so their figures cannot be compared: {told}"
                break


def said(folder: Path, skipped: Sequence[tuple[str, str]], most: int = 3) -> str:
    """What is there instead, for the sentence."""
    told = [f"\n    {path}: {reason}" for path, reason in skipped if (path, reason) != (str(folder), NOTHING)]
    return some(told, most, quote="", joint="")


def walk(folder: Path, seen: set[tuple[int, int]]) -> Iterator[tuple[Path, str]]:
    """Every folder of a run, in order; with a reason those that cannot be one.

    A folder without any run, however deep, is told once, at its top.  A link is followed, but no folder is read twice.
    """
    try:
        status = folder.stat()
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        inside = sorted(folder.iterdir())
        below = [child for child in inside if child.is_dir() and not child.name.startswith(".")]
    except OSError as error:
        yield folder, f"cannot be read: {error.strerror}"
        return
    names = {file.name for file in inside}
    run = RunFolder(folder)
    own = names & {run.recipe_file.name, run.result_file.name, run.model_file.name}
    found = [each for child in below for each in walk(child, seen)]
    runs = [(path, reason) for path, reason in found if reason != NOTHING]
    if own:
        yield folder, ""
        yield from runs
    elif runs:
        yield from found
    else:
        yield folder, NOTHING


NOTHING = "is not a run"


def read(path: Path) -> Came:
    """A finished run.  Raises `ZooError` with what is wrong with it."""
    run = RunFolder(path)
    for file in (run.recipe_file, run.result_file, run.model_file):
        if file.exists() and not file.is_file():  # a pipe would be waited for
            raise ZooError(f"its {file.name} is not a file")
    if not run.finished:
        raise ZooError(f"is unfinished; continue it with {resuming(path)}" if run.begun else "has no result.json")
    if not run.begun:
        raise ZooError("has no recipe.yaml")
    recipe = run.recipe(trust_code=True)  # nothing is built of it here: who builds asks again
    classes = names(run.tuned()[1]["classes"])
    try:
        told = run.data()
    except ZooError:  # its figures stand all the same
        told = {}
    tested_on, source = (str(told.get(word, "")) for word in ("test_fingerprint", "source"))
    return Came(path, recipe, classes, run.accuracy(), tested_on, source, tuple(run.remarks))


def names(text: str) -> tuple[str, ...]:
    """The classes of a checkpoint."""
    try:
        classes = from_json(text)
    except ValueError:
        classes = None
    if not isinstance(classes, list) or not classes or not all(isinstance(name, str) for name in classes):
        raise ZooError(f"its model.safetensors should contain a list of class names, got {shown(text)}")
    return tuple(classes)


def key(run: Came) -> str:
    """The same for runs that differ in their seed alone.  The order counts among grafts, and nowhere else."""
    recipe = run.recipe.to_dict()
    recipe["train"] = {word: value for word, value in recipe.get("train", {}).items() if word != "seed"}
    return json.dumps([recipe, list(recipe.get("grafts", {})), run.classes], sort_keys=True, default=str)


def group(runs: Sequence[Came]) -> Group:
    """The mean over seeds, and their standard deviation; runs with equal seeds count as one."""
    seeds: dict[int, list[float]] = {}
    for run in runs:
        seeds.setdefault(run.recipe.train.seed, []).append(run.accuracy)
    means = [fmean(seeds[seed]) for seed in sorted(seeds)]
    spread = stdev(means) if len(means) > 1 else None
    paths = tuple(str(run.path) for run in runs)
    came = Accuracy(fmean(means), spread, tuple(sorted(seeds)), SPLIT, paths, pictures(runs[0].recipe))
    return Group(runs[0].recipe, runs[0].classes, came)


def pictures(recipe: Recipe) -> str:
    """What a recipe's set of pictures is called: the last folder of its root, its file, or its dataset's word."""
    data = recipe.to_dict()["data"]
    place = data.get("root") or data.get("file")
    return Path(str(place)).name if place else str(data["dataset"])
