"""Pictures in rows, with what lies over them, by matplotlib."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from promptzoo.extras import package
from promptzoo.figures.marks import Scheme
from promptzoo.figures.panels import Array, Overlaid
from promptzoo.figures.scatter import cut

ONE, TWO, FEW, MOST = 3.35, 7.0, 5, 11  # inches of one and of two columns; squares that fit one, panels of a row
GAP, TITLE, LINE, BAR = 0.07, 0.16, 0.105, 0.125  # inches: between panels, above them, of a note, of a scale
NAME, NOTE = 7.0, 6.0  # points
STRENGTH = 0.5  # of a map over its picture


def pictures(rows: Sequence[Sequence[Overlaid]], legend: Sequence[str], scheme: Scheme) -> Any:
    """A figure as high as its rows need; a long row goes on below."""
    lines = [row[start : start + MOST] for row in rows for start in range(0, len(row), MOST)]
    most = max(map(len, lines))
    weights = [max(aspect(row[place]) for row in lines if place < len(row)) for place in range(most)]
    wide = ONE if most == 1 or sum(weights) <= FEW else TWO
    across = [(wide - GAP * most) * weight / sum(weights) for weight in weights]
    heights = [height(row, across) for row in lines]
    total = sum(sum(one) for one in heights) + GAP * (len(lines) - 1) + (0.2 if any(legend) else 0)
    figure = package("matplotlib.figure", "page").Figure(figsize=(wide, total))
    top = total
    for row, (above, tall, below) in zip(lines, heights, strict=True):
        for place, one in enumerate(row):
            left, width = sum(across[:place]) + GAP * (place + 0.5), across[place]
            deep = min(tall, width / aspect(one))
            axes = figure.add_axes([left / wide, (top - above - deep) / total, width / wide, deep / total])
            seen(axes, one, scheme)
            written(figure, one, (left, top - above - deep, width, deep), (wide, total), scheme)
        top -= above + tall + below + GAP
    if any(legend):
        keys(figure, legend, scheme)
    return figure


def aspect(one: Overlaid) -> float:
    """Width over height."""
    return float(one.picture.shape[1] / one.picture.shape[0])


def height(row: Sequence[Overlaid], across: Sequence[float]) -> tuple[float, float, float]:
    """Inches above the pictures of a row, of the pictures, and below them."""
    above = TITLE if any(one.title for one in row) else 0.0
    below = max(LINE * len(one.note) + (BAR if one.heat is not None else 0) for one in row) + 0.02
    return above, max(wide / aspect(one) for one, wide in zip(row, across, strict=False)), below


def seen(axes: Any, one: Overlaid, scheme: Scheme) -> None:
    """A picture and what lies over it."""
    high, wide = one.picture.shape[:2]
    axes.imshow(one.picture, extent=(0, wide, high, 0), aspect="auto", interpolation="antialiased")
    axes.grid(visible=False)
    axes.set(xticks=[], yticks=[], xlim=(0, wide), ylim=(high, 0))
    for side in axes.spines.values():
        side.set_visible(one.frame is not None)
        side.set(color=scheme.colours[one.frame or 0], linewidth=2)
    if one.heat is not None:
        low, most = one.limits
        over = {"cmap": "jet", "alpha": STRENGTH, "vmin": low, "vmax": max(most, low + 1e-12)}
        axes.imshow(stretched(one.heat, (high, wide)), extent=(0, wide, high, 0), aspect="auto", **over)
    for mask, painted in one.contours:
        if mask.any() and not mask.all():
            axes.contour(mask, [0.5], colors=[scheme.colours[painted]], linewidths=0.9)
    for line in one.lines:
        for colour, more, alpha in (("white", 0.4, 0.6), (scheme.colours[line.colour], 0, 1)):
            end = {"marker": "o", "markevery": [1], "ms": line.width + more + 1.2, "mew": 0}
            axes.plot(line.x, line.y, color=colour, lw=line.width + more, alpha=alpha, solid_capstyle="round", **end)
    for x0, y0, x1, y1 in one.boxes:
        for colour, width in (("black", 1.8), ("white", 0.8)):
            axes.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color=colour, lw=width)


def stretched(values: Array, size: tuple[int, int]) -> Array:
    """A map h w on the size of a picture, bilinearly, corners not aligned."""
    maps = torch.from_numpy(values).float()[None, None]
    whole: Array = F.interpolate(maps, size, mode="bilinear", align_corners=False)[0, 0].numpy()
    return whole


def written(
    figure: Any, one: Overlaid, box: tuple[float, float, float, float], size: tuple[float, float], scheme: Scheme
) -> None:
    """The title above a picture, its scale and notes below; `box` (left, low, wide, high) and `size` in inches."""
    (left, low, wide, high), (whole, total) = box, size

    def text(x: float, y: float, said: str, points: float, **more: Any) -> None:
        if points == NAME and fitted(said, NAME, wide) != said:  # two words are smaller before they are cut
            points = NOTE
        said = fitted(said, points, wide)
        figure.text(x / whole, y / total, said, fontsize=points, **more)

    middle = left + wide / 2
    if one.title:
        text(middle, low + high + 0.045, one.title, NAME, ha="center", va="bottom", color=scheme.ink)
    if one.heat is not None:
        scale = figure.add_axes(
            [(left + 0.37 * wide) / whole, (low - 0.105) / total, 0.28 * wide / whole, 0.05 / total]
        )
        scale.imshow([list(range(64))], cmap="jet", aspect="auto")
        scale.set_axis_off()
        for x, said, side in zip((left, left + wide), ends(*one.limits), ("left", "right"), strict=True):
            figure.text(x / whole, (low - 0.08) / total, said, fontsize=5.5, ha=side, va="center", color=scheme.soft)
        low -= BAR
    for place, said in enumerate(one.note):
        text(middle, low - 0.03 - LINE * place, said, NOTE, ha="center", va="top", color=scheme.soft)


def fitted(said: str, points: float, wide: float) -> str:
    """As much of a text as so many inches hold."""
    if not said.strip():
        return said
    path = package("matplotlib.textpath", "page").TextPath((0, 0), said, size=points)
    long = path.get_extents().width / 72
    return said if long <= wide else cut(said, max(3, int(len(said) * wide / long)))


def ends(low: float, most: float) -> tuple[str, str]:
    """What stands at both ends of a scale; what nobody tells from 0 there is 0."""
    return number(low if abs(low) > 1e-4 * abs(most) else 0.0), number(most if abs(most) > 1e-4 * abs(low) else 0.0)


def number(value: float) -> str:
    """A raw value in few letters."""
    text = f"{value:.2g}" if value == 0 or 1e-2 <= abs(value) < 1000 else f"{value:.0e}".replace("e-0", "e-")
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def keys(figure: Any, legend: Sequence[str], scheme: Scheme) -> None:
    """What colours mean, at the foot."""
    line = package("matplotlib.lines", "page").Line2D
    told = [(line([], [], color=scheme.colours[place], lw=1.5), name) for place, name in enumerate(legend) if name]
    figure.legend(*zip(*told, strict=True), loc="lower center", ncol=len(told), fontsize=NAME, borderaxespad=0.1)
