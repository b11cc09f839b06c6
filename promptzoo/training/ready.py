"""All that a training is before its first step: `Ready`."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from torch import Tensor

from promptzoo.backbones import Backbone
from promptzoo.data.data import Data
from promptzoo.doing import doing
from promptzoo.errors import ZooError
from promptzoo.model.compiled import compiled
from promptzoo.model.model import Model
from promptzoo.model.recompute import recompute
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.pictures import open_data
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.choice import demand_validation, rule_of
from promptzoo.training.course import Course
from promptzoo.training.evaluate import task_of
from promptzoo.training.features import remember
from promptzoo.training.loop import Loop
from promptzoo.training.machine import Watch, forget_peak
from promptzoo.training.mixing import demand_soft
from promptzoo.training.precision import demand_precision, in_memory
from promptzoo.training.prepare import prepare
from promptzoo.training.rewind import idle
from promptzoo.training.run_writer import RunWriter
from promptzoo.training.words import words_of


@dataclass
class Ready:
    """A training that can begin: what it learns from, its loop, and the watch that counts what it takes."""

    fabric: Fabric
    recipe: Recipe
    run: RunWriter
    backbone: Backbone
    data: Data
    model: Model
    loop: Loop
    text: Tensor | None
    remarks: list[str]
    watch: Watch
    selection: str


def opened(fabric: Fabric, recipe: Recipe, run: RunWriter, beside: Sequence[Data] | None = None) -> Ready:
    """Pictures read, model built, and all found out that is needed before the first step.  Raises `ZooError`.

    One of several seeds takes over what is the same in those `beside` it, none for the first.
    """
    began, watch = time.monotonic(), Watch()
    forget_peak()
    demand_precision(recipe.train.precision, fabric.device.type)
    backbone = open_of(recipe)
    first = beside[0] if beside else None
    data = open_data(recipe, backbone, rank=fabric.global_rank, world=fabric.world_size, beside=first)
    if not data.splits.train:
        said, way = (
            f"'{recipe.data.dataset}' has no training pictures",
            "it is only for testing finished runs: promptzoo eval RUN",
        )
        raise ZooError(said, key="data.dataset", given=recipe.data.dataset, remedy=f"{way} data.dataset=...")
    watch.lap("reading")
    with doing("building the model"):
        model = build(recipe, data.classes, backbone)
    in_memory(model, recipe.train)
    if recipe.train.recompute:
        recompute(model)
    model.to(fabric.device)
    demand_soft(recipe, model, bool(data.train.reader.features))
    if data.val is None:
        demand_validation(recipe)
    selection = rule_of(recipe.train.phases[-1], data.val is not None)
    course = Course(fabric, recipe, model, data, run)
    data = course.data(0)
    with fabric.autocast():
        prepared = prepare(recipe, model, backbone, data)
    remembered = remember(model, data, recipe, fabric.autocast(), beside)
    remarks = [*recipe.remarks, *backbone.remarks, *data.splits.remarks, *prepared.remarks, *idle(model, recipe)]
    remarks += [*course.remarks(), *words_of(recipe)]
    if fabric.is_global_zero:
        run.describe(run.data_file, {
            "fingerprint": data.splits.fingerprint, "test_fingerprint": data.splits.test_fingerprint,
            "pictures": data.counts(), "classes": data.classes, "selection": selection,
            **({"source": data.splits.source} if data.splits.source else {}),
            **prepared.facts, "features_computed_once": remembered, "remarks": remarks,
        })  # fmt: skip
    watch.lap("preparing")
    if recipe.train.compile != "none":
        torch.compiler.reset()  # graphs of runs before
        compiled(model, fabric.device.type)
    loop = Loop(course, data, prepared.guess, task_of(recipe), began)
    return Ready(fabric, recipe, run, backbone, data, model, loop, prepared.text, remarks, watch, selection)
