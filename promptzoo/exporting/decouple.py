"""A run whose prompts are made by what only training needs, as one that holds the prompts themselves: `decouple`."""

from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from promptzoo.errors import ZooError
from promptzoo.exporting.file import LIMIT, ROWS
from promptzoo.exporting.folder import deliver_folder
from promptzoo.model.heads import fixed
from promptzoo.model.model import Model
from promptzoo.paths import at
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry
from promptzoo.training.checkpoint import pack
from promptzoo.training.reopen import Reopened


@dataclass(frozen=True)
class Decoupled:
    """A run of fewer parameters that gives the same: its `recipe`, its tuned `state`, and which `grafts` changed.

    `parameters` are those tuned before and now, `difference` the largest one between the logits of both on random
    pictures, relative to the largest logit, in float32.
    """

    recipe: Recipe
    state: dict[str, Tensor] = field(repr=False)
    classes: list[str]
    frozen: str
    grafts: tuple[str, ...]
    parameters: tuple[int, int]
    difference: float

    def save(self, folder: str | Path, *, force: bool = False) -> None:
        """Writes a folder with a run's model.safetensors, whole or not at all.

        Raises `ZooError` when something already exists, or when both runs do not give the same.
        """
        if not self.difference <= LIMIT:
            raise ZooError(
                f"the prompts without couplings change the output by {self.difference:.1e} of its scale, "
                f"more than {LIMIT:.0e}, so {folder} is not written"
            )
        content = pack(self.state, self.recipe, self.classes, self.frozen)
        deliver_folder(at(folder), {"model.safetensors": content}, force)


def decouple(run: Reopened) -> Decoupled | None:
    """The run with the prompts of each graft that can tell them (`decoupled`); None where none can."""
    state, words = run.model.tuned_state(), []
    for name, graft in run.model.grafts.items():
        if (found := graft.decoupled()) is not None:
            blocks, own = found
            state = {key: tensor for key, tensor in state.items() if not key.startswith(f"grafts.{name}.")}
            state |= {f"grafts.{name}.{key}": tensor for key, tensor in own.items()}
            words += [f"grafts.{name}.{argument}={{block: {word_of(block)}}}" for argument, block in blocks.items()]
    if not words:
        return None
    recipe = Recipe.parse(run.recipe.to_yaml(), run.recipe.source, words)
    model = build(recipe, run.model.classes, open_of(recipe)).eval()
    model.load_tuned(state)
    before, after = (sum(parameter.numel() for parameter in one.tuned().values()) for one in (run.model, model))
    grafts = tuple(dict.fromkeys(word.split(".")[1] for word in words))
    frozen, apart = model.fingerprint(), difference(run.model, model)
    return Decoupled(recipe, model.tuned_state(), run.model.classes, frozen, grafts, (before, after), apart)


def word_of(block: type[nn.Module]) -> str:
    """What the registry calls a block."""
    return next(word for word, entry in load_registry().blocks.items() if entry.load() is block)


@torch.no_grad()
def difference(one: Model, other: Model) -> float:
    image = torch.randn(ROWS, *one.visual.input, generator=torch.Generator().manual_seed(0))
    with fixed(one), fixed(other):
        seen, again = one(image).logits, other(image).logits
    return float((seen - again).abs().max() / seen.abs().max())
