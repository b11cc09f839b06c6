"""The recipes in the order of their mean accuracy, each compared with the baseline."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from promptzoo.costs.rows import Refused
from promptzoo.recipe.recipe import Recipe
from promptzoo.studies.bootstrap import Difference, Hits, difference
from promptzoo.studies.record import Finished


@dataclass(frozen=True)
class Standing:
    """A recipe with its finished runs, one for each seed, and the multiply-accumulates of a picture where counted.

    `frozen` and `pictures` are the digests of what it stands on; `difference` is to the baseline, None where there is
    none.  `on` says which accuracies count, those of `test` or `val`; `place` is the folder of the runs.
    """

    name: str
    recipe: Recipe
    frozen: str
    pictures: str
    runs: tuple[Finished, ...]
    macs: float | None = None
    difference: Difference | None = None
    on: str = "test"
    place: Path = Path()

    @property
    def accuracies(self) -> list[float]:
        return [run.share(self.on) for run in self.runs]

    @property
    def mean(self) -> float:
        return fmean(self.accuracies)

    @property
    def std(self) -> float | None:
        """Over the seeds, that of a sample; None for one seed."""
        return stdev(self.accuracies) if len(self.runs) > 1 else None

    @property
    def seconds(self) -> float:
        return fmean(run.seconds for run in self.runs)

    @property
    def tuned(self) -> int:
        return self.runs[0].tuned_parameters

    @property
    def hits(self) -> Hits:
        """s n"""
        return np.stack([run.hits for run in self.runs])

    @property
    def tests(self) -> set[str]:
        """The digests of the test pictures, one where all seeds share them."""
        return {run.test for run in self.runs}

    def pairs(self, other: "Standing") -> bool:
        """Whether both answered for the same test pictures under every seed, and these count."""
        return self.on == "test" and len(self.tests | other.tests) == 1


@dataclass(frozen=True)
class Comparison:
    """The whole: standings ranked by mean accuracy, who did not get there, and what a reader must know."""

    baseline: str
    seeds: tuple[int, ...]
    standings: tuple[Standing, ...]
    refused: tuple[Refused, ...]
    notes: tuple[str, ...] = ()

    @property
    def on(self) -> str:
        """Which accuracies are ranked, those of `test` or `val`: the same for all."""
        return self.standings[0].on if self.standings else "test"

    @property
    def held(self) -> Standing | None:
        """The baseline, where it ran."""
        return next((one for one in self.standings if one.name == self.baseline), None)

    @property
    def differences(self) -> list[Difference]:
        return [one.difference for one in self.standings if one.difference is not None]

    def to_dict(self) -> dict[str, Any]:
        """Plain types, for JSON.  Accuracies and differences are shares."""
        return {
            "baseline": self.baseline,
            "on": self.on,
            "seeds": list(self.seeds),
            "recipes": [told(one) for one in self.standings],
            "refused": [{"recipe": one.name, "sentence": one.sentence} for one in self.refused],
            "notes": list(self.notes),
        }


def told(one: Standing) -> dict[str, Any]:
    apart = one.difference
    return {
        "recipe": one.name,
        "backbone": one.recipe.backbone.open,
        "accuracy": one.mean,
        "std": one.std,
        "accuracies": one.accuracies,
        "test_pictures": len(one.runs[0].right),
        "tuned_parameters": one.tuned,
        "macs": one.macs,
        "seconds": [run.seconds for run in one.runs],
        "difference": apart and {"mean": apart.mean, "low": apart.low, "high": apart.high, "told": apart.told},
    }


def ranked(
    standings: Sequence[Standing], refused: Sequence[Refused], baseline: str, seeds: Sequence[int]
) -> Comparison:
    """The best first, equals as they were asked for; each that answered for the baseline's pictures held against it."""
    held = next((one for one in standings if one.name == baseline), None)
    found = [
        one
        if held is None or one is held or not one.pairs(held)
        else replace(one, difference=difference(one.hits, held.hits))
        for one in sorted(standings, key=lambda one: -one.mean)
    ]
    return Comparison(baseline, tuple(seeds), tuple(found), tuple(refused))
