"""The features of a recipe's pictures in a file, for whatever acts behind them: `write_features`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from promptzoo.backbones import Backbone
from promptzoo.data.data import Data
from promptzoo.errors import ZooError
from promptzoo.files import deliver, vacant
from promptzoo.model.checkpoint import finite, in_order
from promptzoo.model.heads import TextSimilarity
from promptzoo.model.inside import acting
from promptzoo.model.model import Model
from promptzoo.model.site import bare
from promptzoo.model.texts import encode_text
from promptzoo.recipe.build import open_of
from promptzoo.recipe.featured import featured
from promptzoo.recipe.pictures import open_data
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.devices import fabric_of
from promptzoo.training.precision import repeatable
from promptzoo.training.reopen import open_run
from promptzoo.training.run_folder import RunFolder

TEMPLATE = "a photo of a {}."


@dataclass(frozen=True)
class Written:
    """What a file of features holds: how many of each split, of what model, and whether class texts are among them."""

    file: Path
    counts: dict[str, int]
    width: int
    model: str
    texts: bool
    remarks: tuple[str, ...]


def write_features(
    what: str | Path,
    out: str | Path,
    overrides: Sequence[str] = (),
    *,
    weights: str | None = None,
    force: bool = False,
    trust_code: bool = False,
) -> Written:
    """Writes `<split>.features` and `<split>.labels`, float32 and as evaluation sees the pictures; see `FeatureFile`.

    Of a recipe the frozen backbone's features, of a run's folder what enters its head, on the pictures of the recipe;
    `overrides` change the recipe, of a run its data.  With `data.shots=K` the training split is `train<K>`.  Class
    texts are those of the head, or else of the text tower; `trust_code` imports the modules that a run names.
    Raises `ZooError`.
    """
    out = Path(out)
    vacant(out, force)
    if out.suffix != ".safetensors":
        raise ZooError("features are saved to a .safetensors file", place=out, key="out", given=out.suffix)
    run = RunFolder(what) if Path(what).is_dir() else None
    if run is not None and run.begun:
        features = featured(run.recipe(trust_code))
        opened = open_run(what, weights, overrides=overrides, features=features, trust_code=trust_code)
        recipe, model, backbone = opened.recipe, opened.model, opened.backbone
        data, made_by = open_data(recipe, backbone), f"the run of {recipe.name} on {backbone.name} ({backbone.weights})"
        words_of = head_texts(model)
    else:
        recipe = Recipe.read(what, [*overrides, *([] if weights is None else [f"backbone.weights={weights}"])])
        backbone = open_of(recipe)
        data, made_by = open_data(recipe, backbone), f"{backbone.name} with weights '{backbone.weights}'"
        model = Model(backbone.adopted.visual, backbone.adopted.text, data.classes, backbone.adopted.logit_scale)
        words_of = tower_texts(recipe, backbone, data.classes)
    fabric = fabric_of(recipe.train, devices=1)
    with repeatable(fabric.device, recipe.train), fabric.autocast():
        tensors = gathered(model.to(fabric.device).eval(), data, recipe.data.shots)
    if words_of is not None:
        tensors["text.template"] = words_of.cpu().float().contiguous()
    finite(tensors, "what was computed")
    told = {"classnames": json.dumps(data.classes, ensure_ascii=False), "model": made_by, "backbone": backbone.name}
    if model.logit_scale is not None:
        told["logit_scale"] = f"{float(model.logit_scale.exp()):.6g}"
    told["pictures"] = data.splits.fingerprint
    deliver(out, in_order(save(tensors, told), told), force)
    counts = {key.partition(".")[0]: len(one) for key, one in tensors.items() if key.endswith(".labels")}
    return Written(out, counts, model.visual.out, made_by, words_of is not None, data.splits.remarks)


def gathered(model: Model, data: Data, shots: int | None) -> dict[str, Tensor]:
    """Features and labels of each split that has pictures."""
    device, found = next(model.parameters()).device, {}
    for part, loader in ((f"train{shots or ''}", data.train), ("val", data.val), ("test", data.test)):
        if loader is not None and len(loader.labels):
            found[f"{part}.features"] = loader.gather(lambda image: model.features(image.to(device)).float())
            found[f"{part}.labels"] = loader.labels
    return found


def tower_texts(recipe: Recipe, backbone: Backbone, classes: list[str]) -> Tensor | None:
    """The class texts of the frozen text tower, in the template of the head or the knowledge; None without a tower."""
    if backbone.adopted.text is None or backbone.tokenize is None:
        return None
    own = recipe.knowledge.template if recipe.knowledge and recipe.knowledge.text == "backbone" else TEMPLATE
    return encode_text(backbone.adopted.text, backbone.tokenize, classes, recipe.head.get("template", own))


@torch.no_grad()
def head_texts(model: Model) -> Tensor | None:
    """The class texts of a run's head as they were tuned; None where it has none, or one for each picture."""
    head = bare(model.head)
    if not isinstance(head, TextSimilarity) or model.text is None or acting(model.text) & model.text.of_picture:
        return None
    return head.encoded() if acting(model.text) else head.texts
