"""What in a picture speaks for a class: Grad-CAM on the patches."""

from collections.abc import Sequence

import torch
from torch import Tensor

from promptzoo.backbones.pool import Mean
from promptzoo.data.given import Given
from promptzoo.errors import ZooError
from promptzoo.figures.asked import Wish
from promptzoo.figures.columns import Column, View, array
from promptzoo.figures.kinds.maps import Map, figure_of, grid_of
from promptzoo.figures.panels import Found
from promptzoo.model.model import Model
from promptzoo.model.site import bare


def find(columns: Sequence[Column], pictures: Sequence[Given], wish: Wish) -> Found:
    """SA2VP, Pei et al. 2024, Fig. 4; Selvaraju et al. 2017, arXiv:1610.02391: for the class that is named, or `of`."""

    def one(column: Column, view: View) -> list[Map]:
        asked = None if wish.of is None else column.label_of(wish.of)
        label, values = cam(column, view.image, wish.site, asked)
        return [Map(array(values), (f"for {column.model.classes[label]}",))]

    return figure_of(columns, pictures, wish, one, of_class=True)


def cam(column: Column, image: Tensor, place: str | None = None, label: int | None = None) -> tuple[int, Tensor]:
    """1 3 h w -> the class and its map, h w: ReLU of the patches weighed by the mean gradient of the class's logit.

    Raises `ZooError` for a place that is not a row of patches, and where the gradient of all patches is zero.
    """
    model, path = column.model, place or usual(column.model)
    site, *others = model.at(path)
    if others:
        raise ZooError(f"'{path}' matches {1 + len(others)} sites, but a map needs one", key="site", given=path)
    grid = site.grid if site.grid is not None else grid_of(column)
    with torch.enable_grad(), column.silent():
        looked = model.look(image.clone().requires_grad_(), sites=[path])
        there, logits = looked.sites[path], looked.output.logits
        if not isinstance(there, Tensor) or there.ndim != 3 or there.shape[1] < grid[0] * grid[1]:
            raise ZooError(
                f"the output of '{path}' is not a sequence of patches",
                key="site",
                given=path,
                remedy=f"use {usual(model)}",
            )
        label = int(logits[0].argmax()) if label is None else label
        (gradient,) = torch.autograd.grad(logits[0, label], there, allow_unused=True)
    patches = slice(there.shape[1] - grid[0] * grid[1], None)
    if gradient is None or not gradient[0, patches].any():
        said = f"at '{path}' the gradient of every patch is zero: from there on only the class token reaches the head"
        raise ZooError(said, key="site", given=path, remedy=f"use {usual(model)}")
    return label, weighed(there[0, patches], gradient[0, patches]).view(grid)


def weighed(patches: Tensor, gradient: Tensor) -> Tensor:
    """n d, n d -> n: ReLU(sum_d w_d A_d), w the gradient's mean over the patches."""
    return (patches * gradient.mean(0)).sum(1).relu().detach()


def usual(model: Model) -> str:
    """The last place whose patches still speak: behind the last layer where the pool averages them, else before it."""
    last = f"visual.layers.{len(model.visual.layers) - 1}"
    return last if isinstance(bare(bare(model.visual.pool).take), Mean) else f"{last}.attention.norm"
