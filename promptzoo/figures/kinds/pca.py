"""Patches by colour: their first three principal components over all pictures together."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from promptzoo.data.given import Given
from promptzoo.figures.asked import Wish
from promptzoo.figures.columns import Column, array
from promptzoo.figures.kinds.similarity import seen
from promptzoo.figures.panels import Array, Found, Overlaid, Panel

COLOURS = 3


def find(columns: Sequence[Column], pictures: Sequence[Given], wish: Wish) -> Found:
    """Patches after the final norm, or raw behind a `layer`; red, green and blue are three components in 0..1."""
    rows = list[list[Panel]]()
    for number, given in enumerate(pictures):
        first = columns[0].view(given)
        rows.append([Overlaid("" if number else "picture", (first.name,), first.picture)])
    arrays, told = dict[str, Array](), list[str]()
    for column in columns:
        tokens = [seen(column, column.view(given), wish.layer) for given in pictures]
        colours, shares = components(torch.cat([one for one, _ in tokens]))
        said = " ".join(f"{round(100 * share)}" for share in shares)
        told.append(f"{column.label}: the three components hold {said} percent of the variance")
        grids = [grid for _, grid in tokens]
        for number, (some, grid) in enumerate(zip(colours.split([len(one) for one, _ in tokens]), grids, strict=True)):
            small = some.view(*grid, COLOURS)
            size = rows[number][0].picture.shape[:2]  # type: ignore[attr-defined]
            title, note = (column.label, (f"{said} %",)) if number == 0 else ("", ())
            rows[number].append(Overlaid(title, note, stretched(small, size)))
            arrays[f"{number}/{column.label}"] = array(small)
    return Found(rows, arrays, told)


def components(tokens: Tensor) -> tuple[Tensor, list[float]]:
    """n d -> n 3 in 0..1, each component stretched; and how much of the variance each holds.

    A component points where its largest loading is above 0.
    """
    centred = tokens.double() - tokens.double().mean(0)
    _, strength, axes = torch.linalg.svd(centred, full_matrices=False)
    axes = axes[:COLOURS]
    largest = axes.gather(1, axes.abs().argmax(1, keepdim=True))
    found = centred @ (axes * largest.sign()).mT
    low, high = found.amin(0), found.amax(0)
    variance = strength.square() / strength.square().sum()
    return (found - low) / (high - low).clamp(min=1e-12), variance[:COLOURS].tolist()


def stretched(small: Tensor, size: tuple[int, int]) -> Array:
    """h w 3 in 0..1 -> bytes of a picture, patch by patch."""
    whole = F.interpolate(small.float().permute(2, 0, 1)[None], size, mode="nearest-exact")[0].permute(1, 2, 0)
    return np.asarray((whole * 255).round().byte().numpy())
