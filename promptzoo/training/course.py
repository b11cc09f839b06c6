"""The stages of a training that learn from pictures of their own: `Course`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor

from promptzoo.data.data import Data
from promptzoo.errors import ZooError
from promptzoo.model.contract import Graft, Task
from promptzoo.model.heads import fixed
from promptzoo.model.model import Model
from promptzoo.paths import at
from promptzoo.recipe.recipe import Recipe
from promptzoo.training import samples
from promptzoo.training.evaluate import evaluate, main_figure
from promptzoo.training.resume import Reached
from promptzoo.training.run_folder import RunFolder
from promptzoo.training.run_writer import RunWriter
from promptzoo.training.samples import Samples
from promptzoo.training.seal import unsealed

CALLED = {"easiest": "easy", "hardest": "hard"}


class Course:
    """What each stage with `shots` learns from, chosen by the model as the stage finds it.

    Lists lie in the run's folder as `samples-<stage>.csv` and are read there once they are; what the model reached on
    test before a stage is in `<earlier stage>.json`.
    Raises `ZooError`, before anything trains, for classes with too few pictures, and for lists of another set.
    """

    def __init__(self, fabric: Fabric, recipe: Recipe, model: Model, data: Data, run: RunWriter) -> None:
        self.fabric, self.recipe, self.model, self.whole, self.run = fabric, recipe, model, data, run
        self.stages = recipe.train.phases
        self.names = names_of(recipe)
        pictures, classes = data.splits.train, data.classes
        for number, stage in enumerate(self.stages):
            if stage.shots is None:
                continue
            samples.demand(stage.shots, pictures, classes)
            if stage.shots.lists is not None:
                samples.read(self.given(number), pictures, classes)
        settling = [name for name, graft in model.grafts.items() if type(graft).settle is not Graft.settle]
        if self and len(self.stages) > 1 and settling:
            said = f"'{settling[0]}' is only ready after the last stage, so it cannot be tested after an earlier one"
            raise ZooError(said, key="train.stages", given=settling)

    def __bool__(self) -> bool:
        """Whether any stage has pictures of its own."""
        return any(stage.shots is not None for stage in self.stages)

    def given(self, number: int) -> Path:
        """The list of another run that a stage takes."""
        shots = self.stages[number].shots
        assert shots is not None
        assert shots.lists is not None
        place = at(shots.lists)
        if not place.is_dir():
            return place
        theirs = names_of(RunFolder(place).recipe())
        if number >= len(theirs) or not theirs[number]:
            said = f"{place} has no list of stage {number + 1}: its stages have no 'shots'"
            raise ZooError(said, key="lists", given=str(place))
        return place / f"samples-{theirs[number]}.csv"

    def file(self, number: int) -> Path:
        return self.run.path / f"samples-{self.names[number]}.csv"

    def data(self, number: int) -> Data:
        """The pictures of a stage."""
        if self.stages[number].shots is None:
            return self.whole
        return replace(self.whole, train=self.whole.train.some(self.chosen(number).places))

    def guess(self, number: int, first: Tensor | None) -> Tensor | None:
        """What the push of the K-L loss turns from: of a later stage what the model named before it."""
        if first is None or not number or self.stages[number].shots is None:
            return first
        named = self.chosen(number).named
        if None in named:
            said = f"{self.file(number)} lacks the model's predictions, which this stage's loss pushes away from"
            raise ZooError(
                said, key="data.guess", remedy="write data.guess=none, or take lists of a run that stored predictions"
            )
        return torch.tensor(named)

    def chosen(self, number: int) -> Samples:
        """A stage's samples: those of its list where it is there, else chosen now, and kept."""
        shots, file = self.stages[number].shots, self.file(number)
        assert shots is not None
        pictures, classes = self.whole.splits.train, self.whole.classes
        if not file.exists():
            if shots.lists is not None:
                found = samples.read(self.given(number), pictures, classes)
                if number and self.recipe.data.guess not in ("none", "current"):  # as this model names them
                    found = replace(found, named=self.seen()[1][found.places].tolist())
            else:
                features, named = self.seen() if number else (self.bare(), None)
                found = samples.choose(shots, features, self.whole.train.labels, classes, named)
            if self.fabric.is_global_zero:
                self.run.put(file, samples.as_csv(found, pictures, classes))
        self.fabric.barrier()
        return samples.read(file, pictures, classes)

    def bare(self) -> Tensor:
        """n o: the frozen backbone's feature of every training picture as evaluation sees it."""
        device = self.fabric.device
        with torch.no_grad(), self.fabric.autocast():
            return self.whole.train.gather(lambda image: self.model.frozen_features(image.to(device)).float())

    def seen(self) -> tuple[Tensor, Tensor]:
        """n o, n: the feature of every training picture as evaluation sees it, and the class that the model names."""
        named: list[Tensor] = []
        device = self.fabric.device

        def look(image: Tensor) -> Tensor:
            output = self.model(image.to(device))
            named.append(output.logits.argmax(1).cpu())
            feature: Tensor = output.notes["feature"][: len(image)].float()
            return feature

        self.model.eval()
        with torch.no_grad(), self.fabric.autocast(), fixed(self.model):
            features = self.whole.train.gather(look)
        return features, torch.cat(named)

    def finish(self, task: Task, reached: Reached, val: dict[str, Any] | None) -> None:
        """Keeps what the model reaches on test after a stage, and on validation, if that is known."""
        test = evaluate(self.fabric, task, self.model, self.whole.test, what="testing the stage").figures
        told = {"stage": self.names[reached.stage], "test": test, "val": val, "epochs": reached.epochs}
        if self.fabric.is_global_zero:
            self.run.describe(self.run.path / f"{self.names[reached.stage]}.json", told)

    def told(self, task: Task) -> dict[str, Any]:
        """The main figure on test after each stage but the last, by its name."""
        files = {name: self.run.path / f"{name}.json" for name in self.names[:-1] if name}
        return {name: main_figure(task, unsealed(file)["test"])[1] for name, file in files.items() if file.exists()}

    def remarks(self) -> list[str]:
        """Which pictures each stage learns from, in words."""
        found = []
        for name, stage in zip(self.names, self.stages, strict=True):
            if (shots := stage.shots) is not None and shots.lists is not None:
                found.append(f"stage {name}: the pictures listed in {shots.lists}")
            elif shots is not None:
                rest = ", of those misclassified" if shots.wrong_only else ""
                rest += ", filled up with the farthest" if shots.fill != "none" else ""
                found.append(f"stage {name}: the {shots.count} {shots.by} of each class by {shots.measure}{rest}")
        return found


def names_of(recipe: Recipe) -> list[str]:
    """What the lists of each stage are called: easy, hard, hard-2; nothing where a stage has none of its own."""
    found: list[str] = []
    for number, stage in enumerate(recipe.train.phases):
        name = "" if stage.shots is None else CALLED.get(str(stage.shots.by)) or f"stage-{number + 1}"
        found.append(f"{name}-{number + 1}" if name and name in found else name)
    return found
