"""Which pictures show the same place: mean average precision on revisited Oxford and Paris."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from promptzoo.data.annotated import Stored, stored
from promptzoo.data.sources.revisited import Box, Revisited
from promptzoo.data.transforms import middle
from promptzoo.errors import ZooError
from promptzoo.metrics import rank, retrieval_map
from promptzoo.tasks.desk import Desk, contents, packed, unpacked
from promptzoo.tasks.downstream import Downstream, Layer, layer_of
from promptzoo.tasks.eye import Eye, sized

Wanted = tuple[Path, Box | None]


class Waiting(NamedTuple):
    """A picture whose turn comes with others of its size."""

    place: int
    key: str
    view: Image.Image
    truncated: bool


class Retrieve(Downstream):
    """Pictures of a database ranked by the cosine of their features with a query's.

    LORE's Table 4; the protocol of Radenović et al. 2018, arXiv:1803.11285, as DINO scores it.  `resize`: `eval` is the
    backbone's own view, `crop224` the same without a margin, `thumbnail` the whole picture, its longer side as long as
    the backbone's pictures, and `thumbnail_crop` that one cut.  `scales`: features of the resized view are summed.
    `layer`: the raw tokens behind one, from 0, in place of those after the final norm; `all` is a table of all.
    `space`: `pooled` as the tower gives it, `width` before its projection, `patches` the mean of the patches.
    Figures are shares; mP@k is the precision at k.
    """

    source = Revisited
    score = "medium"

    def __init__(
        self,
        *,
        resize: Literal["eval", "crop224", "thumbnail", "thumbnail_crop"] = "eval",
        crop_queries: bool = False,
        scales: tuple[float, ...] = (1.0,),
        space: Literal["pooled", "width", "patches"] = "pooled",
        layer: Layer = None,
        at: tuple[int, ...] = (1, 5, 10),
        batch: int = 32,
    ) -> None:
        if not scales or min(scales) <= 0 or not at or min(at) < 1 or batch < 1:
            raise ZooError("task.scales should be above 0, and task.at and task.batch whole numbers, 1 or more")
        self.resize, self.crop_queries, self.scales, self.at = resize, crop_queries, scales, at
        self.space, self.layer, self.batch = space, layer_of(layer), batch
        self.cut_off = 0

    def measure(self, eye: Eye, source: Revisited, desk: Desk) -> dict[str, Any]:
        """mAP and mP@k of three questions, over the queries that have something to find."""
        self.cut_off = 0
        wanted: list[Wanted] = [(one.path, one.box if self.crop_queries else None) for one in source.queries]
        layers = self.layers(eye)
        found = self.features(eye, [*wanted, *((path, None) for path in source.database)], desk)
        return self.beside(layers, [self.figures(one, source) for one in found])

    def counts(self, source: Revisited) -> dict[str, int | str]:
        """Pictures, queries, and how many of those have something to find."""
        asked = {
            "easy": sum(bool(one.easy) for one in source.queries),
            "medium": sum(bool(one.easy or one.hard) for one in source.queries),
            "hard": sum(bool(one.hard) for one in source.queries),
        }
        found = {f"queries with something to find, {name}": count for name, count in asked.items()}
        return {"set": source.name, "pictures": len(source.database), "queries": len(source.queries), **found}

    def figures(self, features: Tensor, source: Revisited) -> dict[str, Any]:
        """What the features of the queries, then of the database, n o, come to."""
        queries, database = features[: len(source.queries)], features[len(source.queries) :]
        lists = ([getattr(one, key) for one in source.queries] for key in ("easy", "hard", "junk"))
        told = retrieval_map(rank(queries, database), *lists, at=self.at)
        return {
            **{name: one.map for name, one in told.items()},
            "precision": {name: {f"mP@{k}": share for k, share in one.precision.items()} for name, one in told.items()},
            "asked": {name: int((~one.ap.isnan()).sum()) for name, one in told.items()},
            "queries": len(queries),
            "pictures": len(database),
            "truncated": self.cut_off,
            "ap": {name: one.ap.tolist() for name, one in told.items()},
        }

    def features(self, eye: Eye, wanted: Sequence[Wanted], desk: Desk) -> list[Tensor]:
        """The feature of each picture, n o, for each layer; views of one size go through the tower together."""
        desk.steps.begin(len(wanted), "pictures")
        found: dict[int, list[Tensor]] = {}
        waiting: dict[tuple[int, int], list[Waiting]] = {}
        for place, (path, box) in enumerate(wanted):
            key = contents(path, more=box)
            if (kept := desk.kept(key)) is not None:
                found[place] = [unpacked(one) for one in kept[0]]
                self.cut_off += kept[1]
                desk.steps.step()
                continue
            view, truncated = self.view(path, box, eye)
            self.cut_off += truncated
            group = waiting.setdefault(view.size, [])
            group.append(Waiting(place, key, view, truncated))
            if len(group) == self.batch:
                found |= self.looked(eye, waiting.pop(view.size), desk)
        for group in waiting.values():
            found |= self.looked(eye, group, desk)
        return [torch.stack(one) for one in zip(*(found[place] for place in range(len(wanted))), strict=True)]

    def looked(self, eye: Eye, group: Sequence[Waiting], desk: Desk) -> dict[int, list[Tensor]]:
        """The features of views of one size, by their places."""
        image, layers = eye.colours([one.view for one in group]), self.layers(eye)
        views = [scaled(image, scale) for scale in self.scales]
        with self.ways_out("use task.resize=eval and task.scales=[1.0] to keep the size of the run"):
            looks = [eye.pooled(one, layers, self.space) for one in views]
        summed = [torch.stack(one).sum(0).float().cpu() for one in zip(*looks, strict=True)]
        found = {one.place: [feature[i] for feature in summed] for i, one in enumerate(group)}
        for one in group:
            answer = [[packed(feature) for feature in found[one.place]], one.truncated]
            desk.keep(one.key, answer, [sized(view) for view in views])
            desk.steps.step()
        return found

    def view(self, path: Path, box: Box | None, eye: Eye) -> Stored:
        """What the tower sees of a picture."""
        image, truncated = stored(path, truncated=True)
        if box is not None:
            if box[0] >= image.width or box[1] >= image.height or min(box[2:]) <= 0:
                said = f"{path}: the box {', '.join(f'{one:g}' for one in box)} lies outside the picture"
                raise ZooError(f"{said} of {image.width} x {image.height}")
            image = image.crop(box)
        if self.resize.startswith("thumbnail"):
            image.thumbnail(eye.size[::-1], Image.Resampling.LANCZOS)
        if self.resize == "thumbnail":
            return Stored(image, truncated)
        preprocess = eye.preprocess if self.resize == "eval" else eye.preprocess.replace(crop_pct=1.0)
        return Stored(middle(image, preprocess), truncated)


def scaled(image: Tensor, scale: float) -> Tensor:
    """Bilinearly, without antialiasing; rounded down to pixels."""
    if scale == 1:
        return image
    return F.interpolate(image, scale_factor=scale, mode="bilinear", align_corners=False)
