"""A frozen backbone for pictures of another size than it was opened for: `resized`."""

import copy
from dataclasses import replace

from timm.layers import resample_abs_pos_embed
from torch import Tensor, nn

from promptzoo.backbones.attention import WindowMix
from promptzoo.backbones.layers import Patches, Positions
from promptzoo.backbones.maps import AttendMean, Stem
from promptzoo.backbones.open import Backbone
from promptzoo.backbones.places import MixedRotary, RelativeBias, Rotary
from promptzoo.backbones.pool import Attend, Mean
from promptzoo.backbones.tower import Tower
from promptzoo.errors import ZooError

Grid = tuple[int, int]
#: What keeps a tower at the picture size that it was opened for.
FIXED = {
    WindowMix: "windows",
    RelativeBias: "relative positions",
    MixedRotary: "rotary positions",
    AttendMean: "positions in its pool",
    Stem: "a stem",
}


def resized(backbone: Backbone, size: tuple[int, int], own: bool = False) -> Backbone:
    """Towers of their own around the same weights, for pictures of (h, w); positions are resampled in float32.

    The weights are copies where they are to be its `own`, to be changed or moved.
    A side that patches do not divide loses what is left over at the right and below.  The backbone is one that nothing
    was grafted onto.  Raises `ZooError` where a picture holds no patch, and for windows, which belong to one size.
    """
    adopted = backbone.adopted
    visual, text = tower_around(adopted.visual, own), adopted.text and tower_around(adopted.text, own)
    if size != visual.input[-2:]:
        refit(visual, size, backbone.name)
    return replace(
        backbone,
        adopted=replace(adopted, visual=visual, text=text),
        preprocess=backbone.preprocess.replace(size=size),
    )


def tower_around(tower: Tower, own: bool) -> Tower:
    """A tower of its own around the same weights, or around `own` copies of them."""
    weights = [] if own else [*tower.parameters(), *tower.buffers()]
    return copy.deepcopy(tower, {id(weight): weight for weight in weights})


def refit(tower: Tower, size: tuple[int, int], name: str) -> None:
    """Lets a tower take pictures of another size."""
    for part in tower.modules():
        if type(part) in FIXED:
            own = said(tower.input[-2:])
            way = f"open it with image_size={size}"
            what = f"{name} has {FIXED[type(part)]}, which fit only pictures of {own}"
            raise ZooError(what, key="image_size", given=size, remedy=way)
    old, new = tower.grid, grid_of(tower, size)
    if 0 in new:
        raise ZooError(f"a picture of {said(size)} is smaller than a patch of {name}")
    assert old is not None
    tower.grid, tower.input = new, (*tower.input[:-2], *size)
    for layer in tower.layers:
        layer.grid = new  # type: ignore[assignment]
    for part in tower.modules():
        if isinstance(part, Positions):
            part.table = nn.Parameter(resampled(part.table, old, new), requires_grad=False)
        elif isinstance(part, Mean | Attend):
            part.count = new[0] * new[1]
        elif isinstance(part, Rotary):
            part.table = part.make(new).to(part.table)


def grid_of(tower: Tower, size: tuple[int, int]) -> Grid:
    """The grid of patches of a picture."""
    down, across = patch_of(tower)
    return size[0] // down, size[1] // across


def patch_of(tower: Tower) -> Grid:
    """Height and width of a patch, in pixels."""
    tokens = tower.tokens
    while not isinstance(tokens, Patches):  # under what is grafted around them
        tokens = tokens.step  # type: ignore[assignment]
    down, across = tokens.conv.stride
    return int(down), int(across)


def resampled(table: Tensor, old: Grid, new: Grid) -> Tensor:
    """Positions of another grid, ... (p + n) d: bicubic with antialiasing as timm has it; prefix tokens keep theirs."""
    flat = table.detach().float().view(1, -1, table.shape[-1])
    prefix = flat.shape[1] - old[0] * old[1]
    found: Tensor = resample_abs_pos_embed(flat, list(new), list(old), num_prefix_tokens=prefix)
    return found if table.ndim == flat.ndim else found[0]


def said(size: tuple[int, ...]) -> str:
    return " x ".join(map(str, size))
