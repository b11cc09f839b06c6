"""What a run needs before its first step: the knowledge of each class, the guesses, and what grafts prepare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, distributed

from promptzoo.backbones import Backbone
from promptzoo.data.data import Data
from promptzoo.model.contract import Graft, Learning, Loss
from promptzoo.model.model import Model
from promptzoo.model.site import bare
from promptzoo.model.texts import encode_text
from promptzoo.recipe.knowledge import describe, encode
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.settings import KnowledgeSettings
from promptzoo.training.guess import guess, remark, wrong_share
from promptzoo.training.nearness import nearness

BEFORE_STEP = ("zero_shot", "linear_probe")  # guesses that are known before training


@dataclass
class Prepared:
    """What was found out before training; `guess` holds a class for each training picture, or is None."""

    guess: Tensor | None = None
    text: Tensor | None = None  # c t, the class texts of the backbone's own text tower
    facts: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


def prepare(recipe: Recipe, model: Model, backbone: Backbone, data: Data) -> Prepared:
    """Gives the losses their knowledge, guesses each training picture, and lets grafts and losses prepare themselves.

    A function of recipe, weights and pictures, so that a resumed run repeats it and gets the same.  Of several
    processes the first does it and the others receive what it found: what rounding decides is the same in all.
    """
    parts = [*model.grafts.values(), *model.losses.values(), bare(model.head)]
    chief = not distributed.is_initialized() or distributed.get_rank() == 0
    found = prepared_here(recipe, model, backbone, data) if chief else Prepared()
    if not distributed.is_initialized():
        return found
    told: list[Any] = [None] * (1 + len(parts))
    if chief:
        told = [replace(found, text=None if found.text is None else found.text.cpu()), *map(tensors, parts)]
    distributed.broadcast_object_list(told, src=0)
    if chief:
        return found
    for part, state in zip(parts, told[1:], strict=True):
        receive(part, state)
    received: Prepared = told[0]
    if received.text is not None:
        received.text = received.text.to(next(model.parameters()).device)
    return received


def tensors(part: Learning) -> dict[str, Tensor]:
    """All tensors of a graft, loss or head by name, on the CPU."""
    return {name: one.detach().cpu() for name, one in (*part.named_parameters(), *part.named_buffers())}


def receive(part: Learning, state: dict[str, Tensor]) -> None:
    """Takes the tensors that the first process prepared, in sizes and numbers."""
    if isinstance(part, Graft):
        part.resize(state)
    for name, own in (*part.named_parameters(), *part.named_buffers()):
        own.data = state[name].to(own.device)


def prepared_here(recipe: Recipe, model: Model, backbone: Backbone, data: Data) -> Prepared:
    """What one process finds out."""
    prepared, device = Prepared(), next(model.parameters()).device
    prepared.text = class_texts(recipe, model, backbone)
    kind, takes = recipe.data.guess, any(knows(loss) for loss in model.losses.values())
    labels, features = data.train.labels, torch.empty(0)
    if (kind in BEFORE_STEP and model.losses) or (takes and recipe.knowledge and recipe.knowledge.features):
        features = data.train.gather(lambda image: model.frozen_features(image.to(device)))
    if takes and recipe.knowledge is not None:
        with model.ungrafted():
            q = encode(recipe.knowledge, model, tokenize=backbone.tokenize, seen=(features, labels))
        for loss in model.losses.values():
            loss.set_knowledge(q.to(device))
        prepared.facts["knowledge"] = describe(recipe.knowledge)
    if model.losses:
        text = None if prepared.text is None else prepared.text.cpu()
        found = guess(kind, features, labels, classes=data.classes, text=text, seed=recipe.train.seed)
        if found is not None:
            share = wrong_share(found, labels)
            prepared.guess, prepared.facts["guess_wrong_share"] = found, share
            prepared.remarks.append(remark(kind, share))
    parts = {**dict(model.grafts.items()), **dict(model.losses.items()), "head": bare(model.head)}
    prepared.facts |= prepare_parts(parts, recipe, model, data)
    prepared.facts["cosine_to_frozen"] = nearness(model, data.train)
    return prepared


def prepare_parts(parts: Mapping[str, Learning], recipe: Recipe, model: Model, data: Data) -> dict[str, Any]:
    """Lets grafts, losses and the head prepare themselves, each under the recipe's seed; what they say, by name."""
    found = {}
    for name, part in parts.items():
        torch.manual_seed(recipe.train.seed)
        if (facts := part.prepare(model, data)) is not None:
            found[name] = facts
    return found


def knows(loss: Loss) -> bool:
    """Whether a loss takes what is known of each class."""
    return type(loss).set_knowledge is not Loss.set_knowledge


def class_texts(recipe: Recipe, model: Model, backbone: Backbone) -> Tensor | None:
    """c t: the class names in the template of the recipe's knowledge, or of its head; None without a text tower.

    Knowledge of the backbone's own text comes first: the template of a head that learns its words says little alone.
    """
    own: Tensor | None = bare(model.head).texts
    asked = recipe.knowledge
    if own is not None and (asked is None or asked.text != "backbone"):
        return own
    if model.text is None or backbone.tokenize is None:
        return None
    template: str | Sequence[str] = (asked or KnowledgeSettings(text="backbone")).template
    with model.ungrafted():
        texts = encode_text(model.text, backbone.tokenize, model.classes, template)
    return texts.to(next(model.parameters()).device)
