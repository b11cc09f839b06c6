"""Key points of one picture found in another: pairs side by side, with lines between the points."""

import numpy as np
from PIL import Image
from torch import Tensor

from promptzoo.data.annotated import stored
from promptzoo.data.sources.spair import Pair
from promptzoo.data.transforms import Pixels, pixels
from promptzoo.figures.asked import Wish
from promptzoo.figures.kinds.tasks import Viewers, picked
from promptzoo.figures.panels import Array, Found, Line, Overlaid, Panel
from promptzoo.tasks.correspond import Correspond
from promptzoo.tasks.fit import Fit, full, letterbox

TASK = "correspond"
GREEN, RED = 2, 1  # places in the palette


def find(asked: Viewers, wish: Wish) -> Found:
    """A row for each pair, a column for each model: green where a point is found within alpha, red where it is not."""
    task, source = asked.task, asked.source
    assert isinstance(task, Correspond)
    rows, arrays, told = list[list[Panel]](), dict[str, Array](), list[str]()
    for number in picked(wish.pick, len(source.names), "pair"):
        pair, row = source.pair(source.names[number]), list[Panel]()
        for label, eye in asked.eyes:
            task.known.clear()
            layers = task.layers(eye)[:1]
            task.look(eye, [pair], layers)
            found, wanted, box = task.found(pair, eye, 0, layers[0])
            right = near(found, wanted, box, task.alphas[0])
            said = f"{int(right.sum())} of {len(right)} within {task.alphas[0]:g}"
            row.append(side_by_side(label if not rows else "", said, pair, task.fit, eye.size, (found, right)))
            arrays |= {f"{number}/{label}": found.numpy(), f"{number}/{label}/right": right.numpy()}
            arrays[f"{number}/truth"] = wanted.numpy()
            told.append(f"{pair.name}, {label}: {said}")
        rows.append(row)
    return Found(rows, arrays, told, legend=())


def near(found: Tensor, wanted: Tensor, box: Tensor, alpha: float) -> Tensor:
    """Whether each point is found: no further off than alpha times the longer side of the target's box."""
    right: Tensor = (found - wanted).norm(dim=1) <= alpha * (box[2:] - box[:2]).max()
    return right


def side_by_side(
    title: str, said: str, pair: Pair, fit: str, size: tuple[int, int], came: tuple[Tensor, Tensor]
) -> Overlaid:
    """Both pictures as they were looked at, and a line from each point to where it was found."""
    views: list[Fit] = [
        (letterbox if fit == "letterbox" else full)(stored(path).image, size) for path in (pair.source, pair.target)
    ]
    pictures = [view.image.resize(view.canvas[::-1], Image.Resampling.BICUBIC) for view in views]
    high, wide = max(one.height for one in pictures), sum(one.width for one in pictures)
    sheet = Image.new("RGB", (wide, high))
    sheet.paste(pictures[0], (0, 0))
    sheet.paste(pictures[1], (pictures[0].width, 0))
    whole, shift, lines = pixels(sheet), pictures[0].width, list[Line]()
    top, bottom = filled(whole)
    begun = views[0].points(pair.source_points)
    for (x, y), (u, v), right in zip(begun.tolist(), *(one.tolist() for one in came), strict=True):
        if np.isfinite(u):
            lines.append(Line((x, shift + u), (y - top, v - top), 0.8, GREEN if right else RED))
    return Overlaid(title, (said,), whole[top:bottom], lines=lines)


def filled(whole: Pixels) -> tuple[int, int]:
    """The first row of pixels that is not the black of a letterbox, and the one behind the last."""
    rows = np.flatnonzero(whole.any((1, 2)))
    return (int(rows[0]), int(rows[-1]) + 1) if len(rows) else (0, len(whole))
