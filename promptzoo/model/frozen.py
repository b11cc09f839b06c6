"""The bare backbone's feature of a picture: without grafts or dropout, from the weights that it was opened with."""

from functools import partial

from torch import Tensor, nn
from torch.func import functional_call

from promptzoo.backbones.notes import Notes
from promptzoo.backbones.tower import Tower
from promptzoo.model.contract import Graft, Loss
from promptzoo.model.inside import During, inside
from promptzoo.model.parts import Parts
from promptzoo.model.site import Around, after, bare_name


class Original(nn.Module):
    """Copies of those weights of a tower that were thawed, made before they learn."""

    def __init__(self, tower: Tower):
        super().__init__()
        thawed = {bare_name(name): weight for name, weight in tower.named_parameters() if weight.requires_grad}
        self.names = list(thawed)
        for place, weight in enumerate(thawed.values()):
            self.register_buffer(str(place), weight.detach().clone(), persistent=False)

    def weights(self, tower: Tower) -> dict[str, Tensor]:
        """By the names that they have in the tower now."""
        kept = dict(zip(self.names, self.buffers(), strict=True))
        places = {name: bare_name(name) for name, _ in tower.named_parameters()}
        return {name: kept[place] for name, place in places.items() if place in kept}


def bare_features(tower: Tower, original: Original | None, x: Tensor) -> Tensor:
    """b ... -> b o: the features of a tower whose grafts are silent."""
    weights = {} if original is None else original.weights(tower)
    with During(inside(tower).dropouts, "training", False):
        feature: Tensor = functional_call(tower, weights, (x, Notes(x.shape[0]))) if weights else tower.features(x)
    return feature


def asked(*parts: Parts[Graft] | Parts[Loss]) -> bool:
    """Whether one of these grafts or losses asks for the bare backbone's feature of each picture (`frozen`)."""
    return any(part.frozen for some in parts for part in some.values())


def still(tower: Tower) -> bool:
    """Whether the tower's own weights and steps are the same at every step: nothing of it learns or drops."""
    _, dropouts, weights = inside(tower)
    return not any(weight.requires_grad for weight in weights) and not any(part.p for part in dropouts)


def constant(tower: Tower) -> bool:
    """Whether the feature of a picture is always the frozen backbone's: nothing acts or learns before the pool's end.

    What stands `after` the pool, or at the head, takes that feature and changes nothing of it.
    """
    if not still(tower):
        return False
    behind: list[Around] = []
    pool: nn.Module = tower.pool
    while isinstance(pool, Around):
        behind.append(pool)
        pool = pool.step
    return len(inside(tower).arounds) == len(behind) and all(stands_after(around) for around in behind)


def stands_after(around: Around) -> bool:
    wrap = around.wrap[0]
    return isinstance(wrap, partial) and wrap.func is after
