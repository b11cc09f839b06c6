"""Counts what was asked, recipe after recipe, and gathers the rows of the table."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from promptzoo.costs.combine import Wishes
from promptzoo.costs.conditions import Conditions
from promptzoo.costs.counting import PLACEHOLDERS, Memo, class_names, of_recipe, tuned_share
from promptzoo.costs.estimate import Estimate, estimate
from promptzoo.costs.lists import Listed
from promptzoo.costs.measure import measure
from promptzoo.costs.report import Counted, Report
from promptzoo.costs.rows import Refused, Row
from promptzoo.costs.store import Store
from promptzoo.doing import each
from promptzoo.errors import ZooError
from promptzoo.recipe.lists import RecipeList
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.trust import refuse_code
from promptzoo.training.runs import NOTHING, Accuracy, read_runs


class Gathering:
    """Counts recipe after recipe, takes from the store what already exists (unless `again`), and gathers rows.

    `classes` are how many, where a recipe's pictures do not tell.
    """

    def __init__(self, classes: int | None = None, again: bool = False) -> None:
        self.classes, self.again, self.store = classes, again, Store()
        self.memo: Memo = {}
        self.rows: list[Row] = []
        self.refused: list[Refused] = []
        self.skipped: list[tuple[str, str]] = []
        self.remarks: list[str] = []

    def count(self, recipe: Recipe, classes: int | Sequence[str] | None) -> Report:
        """One report.  Raises `RecipeError` for a recipe that cannot be built."""
        names, remarks = class_names(recipe, classes)
        found = None if self.again else self.store.find(recipe, len(names))
        if found is None:
            found = of_recipe(recipe, names, self.memo)
            self.store.keep(recipe, len(names), found)
        return replace(found, remarks=remarks)

    def recipes(
        self, recipes: Sequence[Recipe], measured: bool = False, compile: bool = False, memory: bool = False
    ) -> None:
        """Recipes as they are; with `measured`, time and memory too, of what torch compiles with `compile`.

        With `memory` that of a training step is estimated.
        """
        for recipe in each("counting", recipes):
            found = self.count(recipe, self.classes)
            taken = measure(recipe, classes=found.classes, compile=compile) if measured else None
            kept = self.estimated(recipe, found.classes) if memory else None
            self.rows.append(replace(row(found, recipe), measured=taken, estimate=kept))

    def estimated(self, recipe: Recipe, classes: int) -> Estimate | None:
        """The memory of a training step of the recipe's batch, in its precision; where nothing learns, a remark."""
        precision = "fp32" if recipe.train.precision == "tf32" else None  # which holds the same, and needs no GPU
        asked: Any = {"batch": None, "precision": precision, "threads": 1, "device": "cpu"}
        found = estimate(recipe, Conditions.of(recipe, classes=classes, **asked))
        if found is None:
            self.remarks.append(f"{recipe.name} trains nothing: it has no training step")
        return found

    def combinations(self, wishes: Wishes) -> None:
        """Every combination; one that cannot be built is listed with its sentence."""
        number = self.classes or PLACEHOLDERS
        for asked in each("counting", list(wishes.combinations())):
            if asked.recipe is None:
                self.refused.append(Refused(asked.name, asked.sentence))
                continue
            try:
                self.rows.append(Row(self.count(asked.recipe, number), asked.methods))
            except ZooError as error:
                self.refused.append(Refused(f"{asked.name} on {asked.recipe.backbone.open}", str(error)))

    def finished_runs(self, folder: Path, trust_code: bool = False) -> None:
        """The recipes of runs, with what they came to; one that cannot be counted is skipped with its reason.

        One that names code of its own is counted only with `trust_code`.
        """
        runs = read_runs(folder)
        self.skipped += [(path, reason) for path, reason in runs.skipped if reason != NOTHING]
        self.remarks += runs.remarks
        for group in each("counting", list(runs.groups)):
            try:
                if not trust_code:
                    refuse_code(group.recipe.node, group.accuracy.paths[0])
                found = self.count(group.recipe, list(group.classes))
            except ZooError as error:
                self.skipped += [(path, f"cannot be counted: {error}") for path in group.accuracy.paths]
                continue
            name = Path(group.accuracy.paths[0]).parent.name if found.name == "recipe" else found.name
            found = replace(found, name=name)
            twin = next((one for one in self.rows if one.accuracy is None and alike(one.report, found)), None)
            if twin is not None:  # the recipe was asked for too: one row has both
                self.rows.remove(twin)
            came = row(found, group.recipe, group.accuracy)
            self.rows.append(replace(came, measured=None if twin is None else twin.measured))

    def listed(self, asked: RecipeList) -> Listed:
        """The rows of a list, counted as far as it asks."""
        found = []
        for one, recipe in zip(each("counting", asked.rows), asked.recipes(), strict=True):
            classes = one.classes or self.classes
            if asked.counts == "parameters":
                found.append(tuned_share(recipe, classes))
            else:
                whole = self.count(recipe, classes)
                found.append(Counted(whole.classes, whole.parameters.tuned, whole.shares, whole.inference))
        return Listed(asked, found)


SAID = ("name", "backbone", "classes", "parameters", "inference")


def alike(one: Report, other: Report) -> bool:
    """Whether two reports are of one name and say the same costs, whatever else their recipes have."""
    return all(getattr(one, word) == getattr(other, word) for word in SAID)


def row(found: Report, recipe: Recipe, accuracy: Accuracy | None = None) -> Row:
    return Row(found, " + ".join(recipe.grafts) or "bare", accuracy)
