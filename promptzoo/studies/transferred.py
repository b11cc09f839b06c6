"""Recipes under a protocol: trained on its source, asked about its targets, seed by seed, and ranked: `transferred`."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, harmonic_mean, stdev
from typing import Any

import numpy as np

from promptzoo.costs.rows import Refused
from promptzoo.errors import DamagedError, ZooError
from promptzoo.files import write
from promptzoo.names import as_folder
from promptzoo.recipe.recipe import Recipe
from promptzoo.studies.bootstrap import DRAWS, LEVEL, Difference, Hits, difference_of_means
from promptzoo.studies.compare import Terms, compared
from promptzoo.studies.protocol import notes, of_the_selection, of_what_differs
from promptzoo.studies.standings import Comparison, Standing
from promptzoo.studies.transfer import Protocol, Target, demand
from promptzoo.training.evaluate_run import answered
from promptzoo.training.progress import Progress
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.seal import content, sealed, unsealed


@dataclass(frozen=True)
class Carried:
    """A recipe's runs on the source, and what they classified correctly of each target: s n.

    `difference` is of the mean over targets to the baseline's, None where there is none.
    """

    standing: Standing
    hits: dict[str, Hits]
    harmonic: bool
    difference: Difference | None = None

    def shares(self) -> dict[str, list[float]]:
        """The accuracy on each target, seed by seed."""
        return {name: [float(one) for one in hits.mean(1)] for name, hits in self.hits.items()}

    @property
    def scores(self) -> list[float]:
        """Of each seed: the harmonic mean of source and target, or the mean over targets."""
        over = list(zip(*self.shares().values(), strict=True))
        if self.harmonic:
            return [harmonic_mean([own, *new]) for own, new in zip(self.standing.accuracies, over, strict=True)]
        return [fmean(one) for one in over]

    @property
    def score(self) -> float:
        """The harmonic mean of the mean accuracies, as CoCoOp has it, or the mean over targets and seeds."""
        means = [fmean(one) for one in self.shares().values()]
        return harmonic_mean([self.standing.mean, *means]) if self.harmonic else fmean(means)


@dataclass(frozen=True)
class Transfer:
    """The whole: rows, the best first, and the comparison on the source, whose notes are those of the protocol."""

    protocol: Protocol
    rows: tuple[Carried, ...]
    source: Comparison

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for JSON.  Accuracies and differences are shares."""
        name = "harmonic" if self.protocol.harmonic else "mean"
        return {
            "protocol": self.protocol.name,
            "baseline": self.source.baseline,
            "seeds": list(self.source.seeds),
            "recipes": [
                {
                    "recipe": one.standing.name,
                    self.protocol.source: told(one.standing.accuracies),
                    "targets": {target: told(shares) for target, shares in one.shares().items()},
                    name: {"accuracy": one.score, "accuracies": one.scores},
                    "tuned_parameters": one.standing.tuned,
                    "difference": one.difference and {**vars(one.difference), "told": one.difference.told},
                }
                for one in self.rows
            ],
            "refused": [{"recipe": one.name, "sentence": one.sentence} for one in self.source.refused],
            "notes": list(self.source.notes),
        }


def told(shares: list[float]) -> dict[str, Any]:
    return {"accuracy": fmean(shares), "std": stdev(shares) if len(shares) > 1 else None, "accuracies": shares}


def transferred(
    words: Sequence[str | Recipe],
    terms: Terms,
    protocol: Protocol,
    say: Callable[[str], None],
    progress: type[Progress] = Progress,
) -> Transfer:
    """Trains on the source as `compared` does, and asks each run about each target once; answers lie beside the runs.

    A recipe that cannot be asked is refused before anything trains.  Raises `ZooError` as `compared` does.
    """
    if terms.on != "test":
        raise ZooError("--protocol reports test accuracies; use --on val without it", key="--on", given=terms.on)
    pictures: dict[str, dict[str, str]] = {}

    def fits(name: str, recipe: Recipe) -> None:
        pictures[name] = demand(protocol, recipe)

    found = compared([*words, *protocol.overrides], terms, say, progress, fits=fits)
    rows, refused = [], [*found.refused]
    for one in found.standings:
        try:
            hits = {
                target.name: np.stack(
                    [
                        asked(one.place / f"seed-{seed}", target, pictures[one.name][target.name], say)
                        for seed in found.seeds
                    ]
                )
                for target in protocol.targets
            }
            rows.append(Carried(one, hits, protocol.harmonic))
        except ZooError as error:
            refused.append(Refused(one.name, str(error)))
    if not rows:
        raise ZooError("no run could be tested", lines=[f"{one.name}: {one.sentence}" for one in refused])
    held = next((one for one in rows if one.standing.name == found.baseline), None)
    rows = [
        one if held is None or one is held else replace(one, difference=apart(one, held))
        for one in sorted(rows, key=lambda one: -one.score)
    ]
    left = [note for note in found.notes if note not in {*notes(found)}]
    said = (*remarks(protocol, rows, found), *left)
    return Transfer(protocol, tuple(rows), replace(found, refused=tuple(refused), notes=said))


def apart(one: Carried, held: Carried) -> Difference:
    """How far the mean over targets is from the baseline's."""
    return difference_of_means(list(one.hits.values()), list(held.hits.values()), trained_once=True)


def asked(run: Path, target: Target, pictures: str, say: Callable[[str], None]) -> Hits:
    """n: which pictures of a target a run names right; an answer that already exists counts."""
    file = run.parent / as_folder(target.name) / f"{run.name}.json"
    stands = {"pictures": pictures, "run": hashlib.sha256(content(RunFolder(run).result_file)).hexdigest()}
    try:
        kept = unsealed(file) if file.exists() else {}
    except DamagedError as error:
        say(f"{file}: {error}; evaluating it again")
        kept = {}
    if {word: kept.get(word) for word in stands} != stands:
        say(f"{run.parent.name}, {run.name}: testing on {target.name}")
        answers = answered(run, overrides=target.overrides)
        if answers.right is None:
            raise ZooError("its task does not classify, so it cannot be tested on other classes")
        right = "".join(str(int(one)) for one in answers.right)
        kept = {
            **stands,
            "target": target.name,
            "overrides": [*target.overrides],
            "classes": answers.classes,
            "right": right,
        }
        write(file, sealed(kept))
    return np.array([mark == "1" for mark in kept["right"]])


def remarks(protocol: Protocol, rows: Sequence[Carried], found: Comparison) -> Iterator[str]:
    """What the figures are of."""
    counts = ", ".join(f"{name} {hits.shape[1]:,}" for name, hits in rows[0].hits.items())
    yield f"test pictures: {protocol.source} {len(rows[0].standing.runs[0].right):,}, {counts}"
    if protocol.harmonic:
        spread = "; its ± is over the harmonic means of the seeds" if len(found.seeds) > 1 else ""
        yield f"harmonic: the harmonic mean of the two mean accuracies (CoCoOp){spread}"
    if len(found.seeds) > 1:
        yield f"± is the standard deviation over the seeds {', '.join(map(str, found.seeds))}"
    if any(one.difference for one in rows):
        yield (
            f"minus {found.baseline}: points above it on the same pictures and seeds, with the {100 * LEVEL:.0f} % "
            f"interval of {DRAWS:,} bootstrap draws; unclear if it contains 0"
        )
    yield from of_the_selection(found.standings)
    yield from of_what_differs(found.standings)
