"""Where a point of one picture is in another: the percentage of correct key points on SPair-71k."""

from collections import OrderedDict
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import torch
from PIL import Image
from torch import Tensor

from promptzoo.data.annotated import stored
from promptzoo.data.sources.spair import Pair, SPair
from promptzoo.errors import ZooError
from promptzoo.metrics import pck, transfer_keypoints
from promptzoo.tasks.averages import averages
from promptzoo.tasks.desk import Desk, contents
from promptzoo.tasks.downstream import Downstream, Layer, layer_of
from promptzoo.tasks.eye import Eye, Grid
from promptzoo.tasks.fit import Fit, full, letterbox

ROOM = 1 << 30  # bytes of patch features that are kept for pairs to come


class Correspond(Downstream):
    """Each key point goes to the pixel whose upsampled patch feature matches best, and is correct if that is near.

    LORE's Table 4.  `fit`: `letterbox`, the longer side as long as the backbone's pictures on black, as the code that
    LORE cites has it; `full`, both sides squashed, as the paper words it.  `rows`: a point lies in the row `round(y)`
    of that code, or in `floor`.  `mutual`: a point counts as found only if its find leads back to within half a patch.
    `layer`: the raw tokens behind one, from 0, in place of those after the final norm; `all` is a table of all.
    `space`: of CLIP, `pooled` takes patches through the projection.
    Figures are shares; four averages are all called PCK.
    """

    source = SPair
    score = "pck"

    def __init__(
        self,
        *,
        fit: Literal["letterbox", "full"] = "letterbox",
        rows: Literal["round", "floor"] = "round",
        mutual: bool = False,
        alphas: tuple[float, ...] = (0.1, 0.05, 0.01),
        average: Literal["pairs", "categories_of_pairs", "categories_of_points", "points"] = "categories_of_pairs",
        layer: Layer = None,
        space: Literal["width", "pooled"] = "width",
        batch: int = 16,
    ) -> None:
        if not alphas or min(alphas) <= 0 or batch < 1:
            raise ZooError("task.alphas should be above 0, and task.batch 1 or more")
        self.fit, self.rows, self.mutual, self.layer, self.space = fit, rows, mutual, layer_of(layer), space
        self.alphas, self.average, self.batch = alphas, average, batch
        self.known: OrderedDict[Path, list[Tensor]] = OrderedDict()
        self.grids: list[Grid] = []

    def measure(self, eye: Eye, source: SPair, desk: Desk) -> dict[str, Any]:
        """The four averages at each alpha, and the shares of each category."""
        desk.steps.begin(len(source), "pairs")
        self.known.clear()
        pairs, layers, found = iter(source), self.layers(eye), []
        while some := list(islice(pairs, self.batch)):
            keys = [contents(source.files[one.name], one.source, one.target) for one in some]
            kept = [desk.kept(key) for key in keys]
            self.look(eye, [one for one, answer in zip(some, kept, strict=True) if answer is None], layers)
            for pair, key, answer in zip(some, keys, kept, strict=True):
                if answer is None:
                    answer = [self.right(pair, eye, place, layer) for place, layer in enumerate(layers)]
                    desk.keep(key, answer, [eye.size])
                found.append((pair.category, len(pair.source_points), answer))
                desk.steps.step()
        told = {
            "average": self.average,
            "list": source.said,
            "pairs": len(found),
            "points": sum(one for _, one, _ in found),
        }
        return self.beside(layers, [{**self.figures(found, place), **told} for place in range(len(layers))])

    def counts(self, source: SPair) -> dict[str, int | str]:
        """Pairs, categories, pictures and points; each pair is read."""
        pairs = list(source)
        return {
            "list": source.said,
            "pairs": len(pairs),
            "categories": len({one.category for one in pairs}),
            "pictures": len({path for one in pairs for path in (one.source, one.target)}),
            "points": sum(len(one.source_points) for one in pairs),
        }

    def figures(self, found: Sequence[tuple[str, int, Any]], layer: int) -> dict[str, Any]:
        """What the pairs come to: category, points, and for each layer how many are right at each alpha."""
        tables = {
            f"pck@{alpha:g}": averages([(category, right[layer][place], count) for category, count, right in found])
            for place, alpha in enumerate(self.alphas)
        }
        return {"pck": tables[f"pck@{self.alphas[0]:g}"][self.average], **tables}

    def look(self, eye: Eye, pairs: Sequence[Pair], layers: Sequence[int | None]) -> None:
        """Patch features of those pictures that are not known yet, in one batch; the oldest make room."""
        sizes = {one.source: one.source_size for one in pairs} | {one.target: one.target_size for one in pairs}
        for path in sizes:
            if path in self.known:
                self.known.move_to_end(path)
        fresh = [path for path in sizes if path not in self.known]
        if not fresh:
            return
        views = [self.fitted(path, sizes[path], eye).image for path in fresh]
        looked = eye.patches(eye.colours(views), layers, self.space)
        self.grids = [grid for _, grid in looked]
        for place, path in enumerate(fresh):
            self.known[path] = [features[place].cpu() for features, _ in looked]
        room = sum(one.nbytes for one in self.known[fresh[0]])
        while len(self.known) > len(sizes) and len(self.known) * room > ROOM:
            self.known.popitem(last=False)

    def fitted(self, path: Path, size: tuple[int, int], eye: Eye) -> Fit:
        """A picture as the tower sees it.  Raises `ZooError` where it is not of the size that its pair says."""
        image: Image.Image = stored(path).image
        if image.size != size:
            said, there = (" x ".join(map(str, one)) for one in (size, image.size))
            raise ZooError(f"{path} is {there}, but its pair says {said}")
        return (letterbox if self.fit == "letterbox" else full)(image, eye.size)

    def right(self, pair: Pair, eye: Eye, layer: int, behind: int | None) -> list[int]:
        """How many points of a pair are found by one of the layers asked, at each alpha."""
        found, wanted, box = self.found(pair, eye, layer, behind)
        box = box[None]
        return [round(pck(found[None], wanted[None], box, alpha=alpha).points * len(wanted)) for alpha in self.alphas]

    def found(self, pair: Pair, eye: Eye, layer: int, behind: int | None) -> tuple[Tensor, Tensor, Tensor]:
        """Where the points of a pair are found and where they are (k 2), and the target's box (4), on its canvas.

        By one of the layers asked.  Infinite where finds must be mutual and are not.  `look` has seen both pictures.
        """
        place = letterbox if self.fit == "letterbox" else full
        source, target = (place(size, eye.size) for size in (pair.source_size, pair.target_size))
        asked, wanted = self.pixel(source.points(pair.source_points)), target.points(pair.target_points)
        one, other, grid = self.known[pair.source][layer], self.known[pair.target][layer], self.grids[layer]
        found = transfer_keypoints(one, other, asked, grid=grid, size=target.canvas).points.double()
        if self.mutual:
            back = transfer_keypoints(other, one, found, grid=grid, size=source.canvas).points
            found[~source.near(back, asked, eye.cell(behind))] = torch.inf
        return found, wanted, target.box(pair.box)

    def pixel(self, points: Tensor) -> Tensor:
        """The pixels in which points lie."""
        return torch.stack((points[:, 0].floor(), getattr(points[:, 1], self.rows)()), -1)
