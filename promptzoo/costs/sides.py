"""The two sides of a measurement: the bare backbone and the model of a recipe, with random weights and pictures.

The bare backbone's training step goes from its features back to the tokens of the first layer, as if prompts had joined
there.  No frozen weight receives a gradient on either side, and no optimizer moves anything.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from promptzoo.backbones.notes import Notes
from promptzoo.costs.clock import Pair, Work
from promptzoo.costs.conditions import Conditions
from promptzoo.model.model import Model
from promptzoo.model.step import step_of
from promptzoo.recipe.build import build
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.knowledge import knowledge_dim
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry
from promptzoo.training.prepare import BEFORE_STEP


class Sides:
    """Both sides, and one batch for them.  Raises `RecipeError` for what cannot be built."""

    def __init__(self, recipe: Recipe, under: Conditions) -> None:
        self.recipe, self.under = recipe, under
        self.bare, self.model = bare_backbone(recipe, under), whole(recipe, under)
        self.image = pictures(self.bare, under)

    def inference(self) -> Pair:
        """One pass over the batch."""
        bare, own = self.under.as_one(self.bare.visual.features), self.under.as_one(self.model.eval())
        return forward(bare, self.image, self.under), forward(own, self.image, self.under)

    def training(self) -> Pair | None:
        """One training step; None where nothing learns.  The bare side is cut off for it, and infers no more."""
        if not self.model.losses or not self.model.tuned():
            return None
        own = training_step(self.recipe, self.model, self.image, self.under)
        return bare_step(self.bare, self.image, self.under), own


def bare_backbone(recipe: Recipe, under: Conditions) -> Model:
    """The backbone of a recipe in a model without grafts and losses, of which only the visual tower runs.

    It is built as the whole is, so that in a process of its own it has loaded the same libraries.
    """
    said = recipe.to_dict()
    alone = {"backbone": said["backbone"], "head": {"head": "linear"}, "data": said["data"]}
    return whole(Recipe.of(alone, recipe.source), under)


def whole(recipe: Recipe, under: Conditions) -> Model:
    """The model of a recipe with random weights, on which its cost does not depend, and random knowledge."""
    recipe = Recipe.of(recipe.to_dict(), recipe.source, ["backbone.weights=random"])
    model = build(recipe, [f"class {i}" for i in range(under.classes)])
    if recipe.knowledge is not None:
        q = torch.randn(under.classes, knowledge_dim(recipe.knowledge, model))
        for loss in model.losses.values():
            loss.set_knowledge(q)
    return model.to(under.device)


def pictures(model: Model, under: Conditions) -> Tensor:
    """A batch of noise."""
    return torch.randn(under.batch, *model.visual.input).to(under.device)


def forward(module: Callable[[Tensor], object], image: Tensor, under: Conditions) -> Work:
    """One pass over a batch, without gradients."""

    def work() -> None:
        with torch.no_grad(), under.autocast():
            module(image)

    return work


def bare_step(bare: Model, image: Tensor, under: Conditions) -> Work:
    """Forward and backward of a bare backbone, which from then on is cut off below its first layer."""
    maps = bare.visual.heads is None  # whose layers have no place for prompts
    end_here = Leaf().to(under.device).added if under.compile else leaf
    bare.at("visual.embed" if maps else "visual.embed.enter")[0].around(end_here, "leaf")
    slope, features = torch.randn(bare.visual.out).to(under.device), under.as_one(bare.visual.features)

    def work() -> None:
        with under.autocast():
            end = (features(image) * slope).sum()
        end.backward()

    return work


def leaf(enter: Callable[..., Tensor], x: Tensor, notes: Notes) -> Tensor:
    """Where the bare backbone's backward ends."""
    return enter(x, notes).detach().requires_grad_()


class Leaf(nn.Module):
    """The same inside a graph, which has no leaf of its own: a zero that learns is added."""

    def __init__(self) -> None:
        super().__init__()
        self.zero = nn.Parameter(torch.zeros(()))

    def added(self, enter: Callable[..., Tensor], x: Tensor, notes: Notes) -> Tensor:
        """b n d -> b n d, or a map of any shape."""
        return enter(x, notes).detach() + self.zero


def training_step(recipe: Recipe, model: Model, image: Tensor, under: Conditions, keep: bool = False) -> Work:
    """Forward, losses and backward by the recipe's own rule, on labels and guesses drawn at random.

    With `keep` the gradients stay, for an optimizer.
    """
    rule = Construct(load_registry()).build(recipe.rule, "rule")
    step = under.as_one(step_of(model.train(), recipe.data.guess))
    label, drawn = torch.randint(under.classes, (2, under.batch)).to(under.device)
    guess, tuned = drawn if recipe.data.guess in BEFORE_STEP else None, model.tuned()

    def work() -> None:
        with under.autocast():
            losses, _ = step(image, label, guess)
        rule(losses, tuned.values(), torch.autograd.backward, lambda gradient: gradient)
        for parameter in tuned.values() if not keep else ():
            parameter.grad = None

    return work
