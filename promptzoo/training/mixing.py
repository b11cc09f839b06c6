"""Pictures of a batch mixed with one another, and their labels: mixup and cutmix, as timm has them."""

import numpy as np
import torch
from timm.data.mixup import Mixup
from torch import Tensor
from torch.nn.functional import one_hot

from promptzoo.errors import ZooError
from promptzoo.model.model import Model
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.train_settings import Phase


def mixes(recipe: Recipe) -> bool:
    """Whether any stage mixes pictures."""
    return any(stage.mixup or stage.cutmix for stage in recipe.train.phases)


def demand_soft(recipe: Recipe, model: Model, features: bool) -> None:
    """Raises `ZooError` where a recipe mixes and a loss needs one class a picture, or where there are no pictures."""
    word = next((word for word in ("mixup", "cutmix") if any(getattr(one, word) for one in recipe.train.phases)), "")
    hard = [name for name, loss in model.losses.items() if not loss.soft]
    if word and hard:
        said = f"train.{word} gives a picture two classes, but the loss '{hard[0]}' takes only one"
        way = f"leave out {word}, or switch off the loss with losses.{hard[0]}.weight=0"
        raise ZooError(said, key=f"train.{word}", given=hard, remedy=way)
    if word and features:
        said = f"train.{word} mixes pictures, but '{recipe.data.dataset}' contains features"
        raise ZooError(said, key=f"train.{word}", given=recipe.data.dataset)


class Mixing:
    """One draw for each batch: its pictures with those of the batch turned round, by mixup or cutmix, half and half.

    Zhang et al. 2018 (mixup), Yun et al. 2019 (cutmix); timm's `Mixup`.  Of an odd batch the last picture stays.
    A function of the batch and a seed alone.
    """

    def __init__(self, phase: Phase, classes: int) -> None:
        self.classes = classes
        self.mix = Mixup(phase.mixup, phase.cutmix, label_smoothing=0.0, num_classes=classes)

    def __call__(self, image: Tensor, label: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """b 3 h w, b -> b 3 h w, b c."""
        even = len(image) // 2 * 2
        soft = one_hot(label, self.classes).to(image.dtype)
        if not even:
            return image, soft
        before = np.random.get_state()
        np.random.seed(seed % 2**32)
        try:
            mixed, shares = self.mix(image[:even].clone(), label[:even])
        finally:
            np.random.set_state(before)
        return torch.cat([mixed, image[even:]]), torch.cat([shares.to(soft.dtype), soft[even:]])
