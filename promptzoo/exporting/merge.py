"""A run, or a model, as a plain model of its own library: `merge`."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from promptzoo.arguments import typed
from promptzoo.backbones.plain import Plain
from promptzoo.data.preprocess import Preprocess
from promptzoo.errors import ZooError
from promptzoo.exporting.abroad import abroad, recipe_abroad
from promptzoo.exporting.decouple import Decoupled, decouple
from promptzoo.exporting.file import LIMIT, ROWS
from promptzoo.exporting.fold import Folded, fold
from promptzoo.exporting.folder import deliver_folder
from promptzoo.files import as_json
from promptzoo.model.checkpoint import MERGED, in_order
from promptzoo.model.heads import LinearHead, fixed
from promptzoo.model.look import evaluating
from promptzoo.model.model import Model
from promptzoo.model.ordinary import ordinary
from promptzoo.model.site import bare
from promptzoo.paths import at
from promptzoo.recipe.pictures import seen_by
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.reopen import open_run
from promptzoo.training.run import Run, trusted

FC = ("weight", "bias")


@dataclass(frozen=True)
class Merged:
    """A plain model: its `state`, what was `folded` into it, and what of the tuned model is the `rest`.

    `difference` is the largest one between the outputs of both on random pictures (and texts), relative to the largest
    output, in float32.  `facts` are what its weights say of themselves, `described` is what its library reads.
    """

    state: dict[str, Tensor] = field(repr=False)
    folded: tuple[Folded, ...]
    rest: tuple[str, ...]
    difference: float
    plain: Plain
    described: dict[str, Any] = field(repr=False)
    classes: int
    facts: dict[str, Any] = field(repr=False)

    def code(self, place: str | Path) -> str:
        """The lines of Python that load the model from where it is, without promptzoo."""
        return self.plain.code(str(place))

    def files(self, folder: Path) -> dict[str, bytes]:
        """What is in the folder, by name.  Raises `ZooError` when the plain model is not the tuned one."""
        if not self.difference <= LIMIT:
            raise ZooError(
                f"the plain model differs from the tuned one by {self.difference:.1e} of the output's scale, "
                f"more than {LIMIT:.0e}, so {folder} is not written"
            )
        words = {MERGED: self.code(folder.name), **{word: said(fact) for word, fact in self.facts.items()}}
        words |= {"folded": said([asdict(one) for one in self.folded]), "rest": said(self.rest)}
        words |= {"difference": said(self.difference), "format": "pt"}
        weights = in_order(save(self.state, words), words)
        return {self.plain.describes: as_json(self.described, indent=2).encode(), self.plain.weights: weights}

    @typed()
    def save(self, folder: str | Path, *, force: bool = False) -> None:
        """Writes a folder that the backbone's library loads, whole or not at all.

        Raises `ZooError` when something already exists, or when the plain model is not the tuned one.
        """
        deliver_folder(at(folder), self.files(at(folder)), force)


@typed()
@ordinary()
def merge(run: Run | str | Path | Model, *, weights: str | None = None, trust_code: bool = False) -> Merged | Decoupled:
    """Folds what a run tuned, or a model in memory, into the weights of its backbone.

    Prompts are not weights: a run with couplings, which make prompts of others, becomes one that holds the prompts.
    `weights` tells where the backbone's weights are now, if not where the run found them;
    `trust_code` imports the modules that the run names in its recipe.
    Raises `ZooError` naming each graft that no plain model can take up, or when there is nothing to fold.
    """
    if isinstance(run, Model):
        return merged(run, "this model", None, None if run.backbone is None else run.backbone.preprocess)
    opened = open_run(path := at(run), weights, trust_code=trusted(run, trust_code))
    return decouple(opened) or merged(opened.model, str(path), opened.recipe, seen_by(opened.recipe, opened.backbone))


def merged(model: Model, who: str, recipe: Recipe | None, preprocess: Preprocess | None) -> Merged:
    """The model as a plain one; `who` it is in sentences."""
    backbone, head = model.backbone, bare(model.head)
    if backbone is None or backbone.plain is None or preprocess is None:
        raise ZooError(f"{who} was not opened by name, so the plain model is unknown")
    plain: Plain = backbone.plain
    own = isinstance(head, LinearHead) and bool(plain.classifier)
    called = {place: key for key, place in backbone.names.items()}
    if own:
        called |= {f"head.fc.{word}": f"{plain.classifier[0]}.{word}" for word in FC}
    folding = fold(model, called)
    if folding.kept:
        said = f"{who} cannot be folded into a plain {backbone.name}; nothing is written"
        raise ZooError(said, given=str(who), lines=map(str, folding.kept))
    folded = folding.folded
    if own:
        folded += (Folded("head", "the linear head", ("head",), plain.classifier, 1),)
    if not folded:
        raise ZooError(f"{who} has nothing to fold: nothing tuned is part of a plain {backbone.name}")
    classes = len(model.classes) if own else 0
    with torch.random.fork_rng(devices=[]):
        twin = plain.make(classes)
    state = {**twin.state_dict(), **{key: folding.weights[place] for place, key in called.items()}}
    if own:  # a distilled model takes the mean of two classifiers
        state |= {f"{each}.{word}": folding.weights[f"head.fc.{word}"] for each in plain.classifier for word in FC}
    state = {key: tensor.detach().cpu().clone().contiguous() for key, tensor in state.items()}
    twin.load_state_dict(state, strict=True)
    facts = {"recipe": None if recipe is None else recipe_abroad(recipe.to_dict()), "backbone": backbone.name}
    facts |= {
        "weights": abroad(backbone.weights, backbone.weights),
        "classes": model.classes,
        "preprocess": asdict(preprocess),
    }
    outside = f"the head, a {type(head).__name__}: a plain {backbone.name} returns features"
    rest = () if own else (outside,)
    described = plain.described(twin, preprocess, model.classes if own else ())
    apart = difference(model, twin, plain, own)
    return Merged(state, folded, rest, apart, plain, described, classes, facts)


@torch.no_grad()
def difference(model: Model, twin: Any, plain: Plain, head: bool) -> float:
    """The largest one between what both make of random pictures and of class names, relative to the output's scale."""
    device, ids = next(model.parameters()).device, None
    image = torch.randn(ROWS, *model.visual.input, generator=torch.Generator().manual_seed(0))
    if model.text is not None:
        ids = model.backbone.tokenize((model.classes * ROWS)[:ROWS])
    with evaluating(model):
        with fixed(model):
            seen = model(image.to(device))
        found = [seen.logits if head else seen.notes["feature"]]
        if model.text is not None and ids is not None:
            found.append(model.text.features(ids.to(device)))
    shares = [
        float((one.cpu() - other).abs().max() / other.abs().max())
        for one, other in zip(found, plain.outputs(twin, image, ids), strict=True)
    ]
    return float(torch.tensor(shares).max())  # not a number, where one is


def said(fact: Any) -> str:
    """A fact as the file says it."""
    return json.dumps(fact, ensure_ascii=False)
