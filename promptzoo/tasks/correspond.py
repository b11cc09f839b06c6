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
from promptzoo.tasks.downstream import Downstream
from promptzoo.tasks.eye import Eye
from promptzoo.tasks.fit import Fit, full, letterbox

ROOM = 1 << 30  # bytes of patch features that are kept for pairs to come


class Correspond(Downstream):
    """Each key point goes to the pixel whose upsampled patch feature fits best, and is right if that is near its own.

    LORE's Table 4.  `fit`: `letterbox`, the longer side as long as the backbone's pictures on black, as the code that
    LORE cites has it; `full`, both sides squashed, as the paper words it.  `rows`: a point lies in the row `round(y)`
    of that code, or in `floor`.  `mutual`: a point counts as found only if its find leads back to within half a patch.
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
        layer: int | None = None,
        batch: int = 16,
    ) -> None:
        if not alphas or min(alphas) <= 0 or batch < 1:
            raise ZooError("task.alphas are numbers above 0, task.batch is 1 or more")
        self.fit, self.rows, self.mutual, self.layer = fit, rows, mutual, layer
        self.alphas, self.average, self.batch = alphas, average, batch
        self.known: OrderedDict[Path, Tensor] = OrderedDict()
        self.grid = (0, 0)

    def measure(self, eye: Eye, source: SPair, desk: Desk) -> dict[str, Any]:
        """The four averages at each alpha, and the shares of each category."""
        desk.steps.begin(len(source), "pairs")
        self.known.clear()
        pairs, found = iter(source), []
        while some := list(islice(pairs, self.batch)):
            keys = [contents(source.files[one.name], one.source, one.target) for one in some]
            kept = [desk.kept(key) for key in keys]
            self.look(eye, [one for one, answer in zip(some, kept, strict=True) if answer is None])
            for pair, key, answer in zip(some, keys, kept, strict=True):
                if answer is None:
                    answer = self.right(pair, eye)
                    desk.keep(key, answer)
                found.append((pair.category, len(pair.source_points), answer))
                desk.steps.step()
        tables = {
            f"pck@{alpha:g}": averages([(category, right[place], count) for category, count, right in found])
            for place, alpha in enumerate(self.alphas)
        }
        return {
            "pck": tables[f"pck@{self.alphas[0]:g}"][self.average],
            **tables,
            "average": self.average,
            "pairs": len(found),
            "points": sum(count for _, count, _ in found),
        }

    def look(self, eye: Eye, pairs: Sequence[Pair]) -> None:
        """Patch features of those pictures that are not known yet, in one batch; the oldest make room."""
        sizes = {one.source: one.source_size for one in pairs} | {one.target: one.target_size for one in pairs}
        for path in sizes:
            if path in self.known:
                self.known.move_to_end(path)
        fresh = [path for path in sizes if path not in self.known]
        if not fresh:
            return
        views = [self.fitted(path, sizes[path], eye).image for path in fresh]
        features, self.grid = eye.patches(eye.colours(views), self.layer)
        self.known |= dict(zip(fresh, features.cpu(), strict=True))
        while len(self.known) > len(sizes) and len(self.known) * features[0].nbytes > ROOM:
            self.known.popitem(last=False)

    def fitted(self, path: Path, size: tuple[int, int], eye: Eye) -> Fit:
        """A picture as the tower sees it.  Raises `ZooError` where it is not of the size that its pair says."""
        image: Image.Image = stored(path).image
        if image.size != size:
            said, there = (" x ".join(map(str, one)) for one in (size, image.size))
            raise ZooError(f"{path} is {there}, but its pair says {said}")
        return (letterbox if self.fit == "letterbox" else full)(image, eye.size)

    def right(self, pair: Pair, eye: Eye) -> list[int]:
        """How many points of a pair are found, at each alpha."""
        found, wanted, box = self.found(pair, eye)
        box = box[None]
        return [round(pck(found[None], wanted[None], box, alpha=alpha).points * len(wanted)) for alpha in self.alphas]

    def found(self, pair: Pair, eye: Eye) -> tuple[Tensor, Tensor, Tensor]:
        """Where the points of a pair are found and where they are (k 2), and the target's box (4), on its canvas.

        Infinite where finds must be mutual and are not.  `look` has seen both pictures.
        """
        place = letterbox if self.fit == "letterbox" else full
        source, target = (place(size, eye.size) for size in (pair.source_size, pair.target_size))
        asked, wanted = self.pixel(source.points(pair.source_points)), target.points(pair.target_points)
        one, other = self.known[pair.source], self.known[pair.target]
        found = transfer_keypoints(one, other, asked, grid=self.grid, size=target.canvas).points.double()
        if self.mutual:
            back = transfer_keypoints(other, one, found, grid=self.grid, size=source.canvas).points
            found[~source.near(back, asked, eye.cell(self.layer))] = torch.inf
        return found, wanted, target.box(pair.box)

    def pixel(self, points: Tensor) -> Tensor:
        """The pixels in which points lie."""
        return torch.stack((points[:, 0].floor(), getattr(points[:, 1], self.rows)()), -1)
