"""A frozen backbone with a head, to graft onto in Python: `open_backbone`."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

from torch import nn

from promptzoo.arguments import typed
from promptzoo.backbones.loaded import adopt_loaded
from promptzoo.data.dataset import told_apart
from promptzoo.errors import Problems, ZooError
from promptzoo.model.heads import LinearHead
from promptzoo.model.model import Model
from promptzoo.model.ordinary import ordinary
from promptzoo.recipe.bounds import LARGEST
from promptzoo.recipe.registry import load_registry
from promptzoo.recipe.sections import settings
from promptzoo.recipe.settings import BackboneSettings
from promptzoo.recipe.towers import open_towers
from promptzoo.recipe.yaml import Place, placed


@typed("model", "classes", "image_size")
@ordinary()
def open_backbone(
    model: str | nn.Module,
    classes: int | Sequence[str],
    weights: str | Path | None = None,
    *,
    image_size: int | tuple[int, int] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Model:
    """A frozen backbone with a linear head, to graft onto: `open_backbone("timm/vit_base_patch16_224", classes=10)`.

    Args:
        model: `timm/NAME`, `open_clip/NAME` or `promptzoo/zoo_tiny`; or a model of timm or open_clip that is loaded
            already, of a class of theirs or one derived from it.  The loaded one is frozen, and shares its weights.
        classes: How many, or their names.
        weights: Of a name: `random` (the default), `shipped`, a pretrained tag, or a file.
        image_size: Of a name: pixels, one number or (height, width); by default the backbone's own.
        options: Of a name: further arguments of the network's constructor, such as `{"depth": 4}`.

    Returns a `Model`: pictures b 3 h w, normalised, to logits b c.
    Raises `ZooError` for an unknown name, tag or file, and for a loaded model with arguments that need a name;
    `AdoptionError`, a subclass, for a network that no adopter supports.
    """
    names = told_apart(numbered(classes))
    if isinstance(model, nn.Module):
        late = {"weights": weights, "image_size": image_size, "options": options}
        if given := [word for word, value in late.items() if value is not None]:
            said = f"the {type(model).__name__} is already loaded, so '{given[0]}' has no effect"
            raise ZooError(said, key=given[0], remedy="pass it to the library that loads the model")
        backbone = adopt_loaded(load_registry().adopters, model)
    elif isinstance(model, str):
        told = {"open": model, "weights": str(weights or "random"), "image_size": image_size, "options": options or {}}
        asked = section(told)
        backbone = open_towers(asked.open, asked.weights, size=asked.size, options=asked.options)
    else:
        said = f"a backbone is a name like timm/NAME, or a loaded model; got a {type(model).__name__}"
        raise ZooError(said, key="model", given=type(model).__name__)
    adopted = backbone.adopted
    made = Model(adopted.visual, adopted.text, names, adopted.logit_scale)
    made.backbone = backbone
    like = next(adopted.visual.parameters())  # which may have come in half precision, or on a GPU
    made.head = LinearHead(adopted.visual.out, len(names)).to(like.device, like.dtype)
    return made.eval()


def section(told: Mapping[str, Any]) -> BackboneSettings:
    """What was asked for, under the rules of a recipe's section.  Raises `RecipeError`."""
    problems = Problems()
    asked = settings(BackboneSettings, placed({"backbone": told}, Place("open_backbone")), "backbone", problems)
    problems.stop()
    return asked


def numbered(classes: int | Sequence[str]) -> list[str]:
    """The names of the classes, or their numbers.  Raises `ZooError` where there is none."""
    if isinstance(classes, Integral) and not isinstance(classes, bool) and classes <= LARGEST:
        names = [str(i) for i in range(int(classes))]
    else:
        names = list(classes) if isinstance(classes, Iterable) and not isinstance(classes, str) else []
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ZooError(
            f"classes should be a number of classes or a list of names, got {classes!r}", key="classes", given=classes
        )
    return names
