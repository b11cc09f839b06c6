"""Test pictures that a run classified rightly and wrongly, with what it looked at: `gallery`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from promptzoo.data.picture import Picture
from promptzoo.data.transforms import Pixels
from promptzoo.errors import ZooError
from promptzoo.extras import package
from promptzoo.figures.columns import Column, array
from promptzoo.figures.draw_pictures import STRENGTH, stretched
from promptzoo.figures.kinds.attention import attended
from promptzoo.figures.kinds.grad_cam import cam
from promptzoo.figures.panels import Array


@dataclass(frozen=True)
class Shown:
    """A picture as the tower saw it, the same under the map of what it looked at, and what was named."""

    name: str
    truth: str
    named: str
    probability: float
    right: bool
    picture: Pixels
    seen: Pixels
    by: str


def gallery(column: Column, pictures: Sequence[Picture], most: int = 6) -> list[Shown]:
    """The first pictures that were misclassified, and the first that were not, of as many classes as there are.

    By the predictions of the run.  Attention of the last layer; where there is none, Grad-CAM.
    """
    assert column.folder is not None
    known = {one.name: one for one in pictures}
    answers = [one for one in column.folder.predictions() if one[0] in known]
    chosen = [
        one for kind in (False, True) for one in spread([answer for answer in answers if answer[3] == kind], most)
    ]
    return [shown(column, known[name], truth, named, right) for name, truth, named, right in chosen]


def spread(answers: Sequence[tuple[str, str, str, bool]], most: int) -> list[tuple[str, str, str, bool]]:
    """So many of them, class after class in turn."""
    turn: dict[str, int] = {}
    ordered = []
    for place, one in enumerate(answers):
        turn[one[1]] = turn.get(one[1], -1) + 1
        ordered.append((turn[one[1]], place))
    return [answers[place] for _, place in sorted(ordered)[:most]]


def shown(column: Column, picture: Picture, truth: str, named: str, right: bool) -> Shown:
    """One picture, looked at."""
    view = column.view(picture.open())
    probabilities = column.look(view.image).output.logits[0].float().softmax(0)
    try:
        heat, _, grid = attended(column, view.image)
        values, by = array(heat.mean(0).view(grid)), "attention"
    except ZooError:
        label, found = cam(column, view.image)
        values, by = array(found), f"Grad-CAM for {column.model.classes[label]}"
    share = float(probabilities[column.label_of(named)])
    return Shown(picture.name, truth, named, share, right, view.picture, overlaid(view.picture, values), by)


def overlaid(picture: Pixels, values: Array) -> Pixels:
    """A map over its picture, as figures have it: stretched, from its smallest to its largest, in jet."""
    whole = stretched(values, picture.shape[:2])
    span = max(float(whole.max() - whole.min()), 1e-12)
    colours = package("matplotlib", "page").colormaps["jet"]((whole - whole.min()) / span)[..., :3]
    mixed: Pixels = np.rint((1 - STRENGTH) * picture + STRENGTH * 255 * colours).clip(0, 255).astype(np.uint8)
    return mixed
