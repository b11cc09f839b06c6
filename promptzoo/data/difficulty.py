"""Which samples of a class are easy and which hard, by their features."""

import torch
import torch.nn.functional as F
from torch import Tensor


def centroid_distance(features: Tensor) -> Tensor:
    """How far each sample of a class is from its centre, 1 - cosine, 0 to 2: n d -> n.

    LORE's measure of difficulty as written, Wang et al. 2024.  The centre is the mean of the unit features.
    """
    unit = F.normalize(features, dim=-1)
    return 1 - unit @ F.normalize(unit.mean(0), dim=0)


def easiest(features: Tensor, count: int) -> Tensor:
    """The `count` samples nearest to their class's centre, nearest first: n d -> count."""
    return centroid_distance(features).argsort(stable=True)[:count]


def hardest(features: Tensor, count: int) -> Tensor:
    """The `count` samples farthest from their class's centre, farthest first: n d -> count."""
    return centroid_distance(features).argsort(descending=True, stable=True)[:count]


def herding(features: Tensor, *, rounds: int = 1000) -> Tensor:
    """The order in which samples keep the mean of those taken near that of all: n d -> ranks from 1, 0 for not taken.

    Welling 2009 (Herding), Rebuffi et al. 2017 (iCaRL) arXiv:1611.07725.  LORE's easy samples as released are those of
    the lowest ranks.  Each round takes the sample of the largest product with w, which begins as the mean of the unit
    features and gains that mean less the sample; one that was taken before keeps its rank.  Ends when all have a rank,
    or after `rounds`.
    """
    unit = F.normalize(features, dim=-1)
    mean = unit.mean(0)
    ranks = torch.zeros(len(unit), dtype=torch.long, device=unit.device)
    wish, taken = mean.clone(), 0
    for _ in range(rounds):
        chosen = (unit @ wish).argmax()
        wish += mean - unit[chosen]
        if not ranks[chosen]:
            taken += 1
            ranks[chosen] = taken
        if taken == len(unit):
            break
    return ranks
