"""How far a model stands from the frozen one: the cosine of the features that enter the head."""

import torch
from torch import Tensor
from torch.nn import functional as F

from promptzoo.data.loader import Loader
from promptzoo.model.frozen import constant
from promptzoo.model.model import Model
from promptzoo.model.site import bare

PICTURES = 16  # that a run looks at


@torch.no_grad()
def nearness(model: Model, pictures: Loader, count: int = PICTURES) -> float:
    """The mean over `count` pictures, evenly taken, of the cosine to the frozen feature: 1 for what starts as it.

    In evaluation mode, without augmentation; of the base pathway where there are two.
    """
    if constant(model.visual):
        return 1.0
    device = next(bare(model.visual.tokens).parameters()).device

    def cosine(image: Tensor) -> Tensor:
        image = image.to(device)
        frozen = model.frozen_features(image)
        return F.cosine_similarity(model.pooled(image, frozen)[0][: len(image)].float(), frozen.float())

    many = len(pictures.labels)
    count = min(count, many)
    return round(float(pictures.gather(cosine, only=[i * many // count for i in range(count)]).mean()), 4)
