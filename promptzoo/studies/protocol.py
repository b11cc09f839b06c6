"""What a reader of the table must know: how sure it is, and where the recipes were not under one protocol."""

from collections.abc import Callable, Iterator, Sequence
from statistics import fmean

from promptzoo.studies.bootstrap import DRAWS, LEVEL
from promptzoo.studies.standings import Comparison, Standing

FEWEST = 30  # test pictures below which a percentile interval is too narrow
SELECTIONS = {
    "val": "the epoch that is best on validation",
    "last": "the last epoch",
    "mean": "the mean of the last epochs",
}


def notes(found: Comparison) -> Iterator[str]:
    """Every note of a comparison."""
    if found.standings:
        if found.on == "val":
            yield "validation accuracies, for choosing only: report test accuracies of what was chosen"
        else:
            yield from of_the_tests(found.standings)
        yield from of_the_differences(found)
        yield from of_the_selection(found.standings)
        yield from of_the_stages(found.standings)
        yield from of_what_differs(found.standings)


def of_the_tests(standings: Sequence[Standing]) -> Iterator[str]:
    """How many test pictures there are, and how far off one accuracy is for being measured on so few."""
    for count in dict.fromkeys(len(one.runs[0].right) for one in standings):
        shares = [one.mean for one in standings if len(one.runs[0].right) == count]
        errors = [100 * standard_error(share, count) for share in shares]
        least, most = f"{min(errors):.1f}", f"{max(errors):.1f}"
        span = least if least == most else f"{least} to {most}"
        yield f"{count:,} test pictures: the standard error of an accuracy is {span} points"
        if count < FEWEST:
            yield f"{count} pictures are too few for intervals to mean much; some {FEWEST} are the least"


def standard_error(share: float, count: int) -> float:
    """Of an accuracy, 0..1, on so many pictures; not 0 where all or none are right (Agresti and Coull 1998)."""
    middle = (share * count + 2) / (count + 4)
    return float((middle * (1 - middle) / (count + 4)) ** 0.5)


def of_the_differences(found: Comparison) -> Iterator[str]:
    """What the intervals are, and how far to trust them."""
    seeds = len(found.seeds)
    if seeds > 1:
        yield f"± is the standard deviation over the seeds {', '.join(map(str, found.seeds))}"
    else:
        yield f"seed {found.seeds[0]} only: the variation between seeds is unknown"
    if found.held is None and len(found.standings) > 1:
        yield f"the baseline {found.baseline} did not finish, so there are no differences to it"
    if found.differences:
        drawn = "pictures and seeds" if seeds > 1 else "pictures"
        yield (
            f"minus {found.baseline}: points above it on the same pictures and seeds, with the {100 * LEVEL:.0f} % "
            f"interval of {DRAWS:,} bootstrap draws of {drawn}; unclear if it contains 0"
        )
    if len(found.differences) > 2:
        yield (
            f"each interval has {100 * LEVEL:.0f} % on its own: "
            f"among {len(found.differences)}, one more easily excludes 0 by chance"
        )
    for one in found.standings if found.on == "test" else ():
        if found.held is not None and not one.pairs(found.held):
            yield f"{one.name} was tested on other pictures than {found.baseline}, so the two cannot be paired"


def of_the_selection(standings: Sequence[Standing]) -> Iterator[str]:
    """Which epoch of each run was tested."""
    trained = [one for one in standings if one.runs[0].epochs]
    kinds = grouped(trained, lambda one: SELECTIONS[one.runs[0].selection])
    if len(kinds) == 1:
        yield f"tested: {next(iter(kinds))} of each run"
    elif kinds:
        yield f"different epochs were tested: {listed(kinds)}"


def of_the_stages(standings: Sequence[Standing]) -> Iterator[str]:
    """What each reached before its last stage, and what that stage gained, where stages have their own pictures."""
    for one in standings:
        for name in one.runs[0].stages:
            shares = [run.stages[name] for run in one.runs]
            after = fmean(run.accuracy for run in one.runs)
            before = fmean(shares)
            said = f"{100 * before:.1f} % on test after stage {name}, {100 * after:.1f} at the end"
            yield f"{one.name}: {said}, {100 * (after - before):+.1f}"


def of_what_differs(standings: Sequence[Standing]) -> Iterator[str]:
    """Pictures, classes, shots, splits and backbones, where they are not those of all."""
    sets = grouped(standings, lambda one: f"{one.recipe.data.dataset} {one.pictures[:8]}")
    if len(sets) > 1:
        yield f"different pictures: {listed(sets)}"
    if len(sources := grouped(standings, lambda one: one.runs[0].source or "unknown")) > 1:
        yield f"pictures stored differently, so figures cannot be compared: {listed(sources)}"
    elif "jpeg75" in sources:
        yield "all on JPEG copies (jpeg75): not comparable with figures on the original pictures"
    shots = grouped(standings, lambda one: f"{one.recipe.data.shots or 'all'} pictures per class")
    splits = grouped(standings, lambda one: str([run.splits for run in one.runs]))
    if len(shots) > 1:
        yield f"different numbers of training pictures: {listed(shots)}"
    elif len(splits) > 1 and len(sets) == 1:
        yield f"different draws of the pictures: {'; '.join(', '.join(names) for names in splits.values())}"
    if len(classes := grouped(standings, lambda one: str(one.runs[0].classes))) > 1 and len(sets) == 1:
        yield f"different class names: {'; '.join(', '.join(names) for names in classes.values())}"
    weights = grouped(
        standings, lambda one: f"{one.recipe.backbone.open} {one.recipe.backbone.weights} {one.frozen[:8]}"
    )
    if len({one.frozen for one in standings}) > 1:
        yield f"different frozen weights: {listed(weights)}"


def grouped(standings: Sequence[Standing], word: Callable[[Standing], str]) -> dict[str, list[str]]:
    """The names of the standings by something that they say."""
    found: dict[str, list[str]] = {}
    for one in standings:
        found.setdefault(word(one), []).append(one.name)
    return found


def listed(groups: dict[str, list[str]]) -> str:
    return "; ".join(f"{', '.join(names)}: {word}" for word, names in groups.items())
