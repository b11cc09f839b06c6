"""Which pixels of a video belong to an object shown in its first frame: J and F on DAVIS."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from promptzoo.data.annotated import stored
from promptzoo.data.masks import Ids, read_masks, write_mask
from promptzoo.data.sources.davis import Davis, Video
from promptzoo.errors import ZooError
from promptzoo.metrics import boundary_f, course, region_similarity
from promptzoo.tasks.desk import Desk, contents, packed, unpacked
from promptzoo.tasks.downstream import Downstream, Layer, layer_of
from promptzoo.tasks.eye import Eye, Grid, sized
from promptzoo.tasks.propagation import Propagation, segmented, shrunk
from promptzoo.tasks.tiles import coarsest, tiled

Objects = dict[str, dict[str, list[float]]]  # J and F of each object in each counted frame
STRIDE = 64  # the longer side is cut to a multiple of it


class SegmentVideo(Downstream):
    """The first frame's mask is propagated from frame to frame by patch features; nothing is trained.

    LORE's Table 4; the protocol of Jabri et al. 2020, arXiv:2006.14613, as DINO scores it: frames of a shorter `side`,
    labels from the first frame and the `previous` ones, the `keep` likest patches within `radius` rows and columns.
    `tiles`: frames are seen through windows of the tower's own size, for methods that know no other.
    `layer`: the raw tokens behind one, from 0, in place of those after the final norm; `all` is a table of all.
    `space`: of CLIP, `pooled` takes patches through the projection.
    Figures are shares: J and F of each object over the frames between the first and the last mask, then over objects.
    """

    source = Davis
    score = "jf"
    pictures = "davis"

    def __init__(
        self,
        *,
        side: int = 480,
        tiles: bool = False,
        radius: int = 12,
        previous: int = 7,
        keep: int = 5,
        temperature: float = 0.1,
        layer: Layer = None,
        space: Literal["width", "pooled"] = "width",
    ) -> None:
        if min(side, keep) < 1 or min(radius, previous) < 0 or temperature <= 0:
            raise ZooError("task.side and keep should be 1 or more, radius and previous 0 or more, temperature above 0")
        self.side, self.tiles, self.layer, self.space = side, tiles, layer_of(layer), space
        self.handing: dict[str, Any] = {
            "radius": radius,
            "previous": previous,
            "keep": keep,
            "temperature": temperature,
        }

    def measure(self, eye: Eye, source: Davis, desk: Desk) -> dict[str, Any]:
        """J, F and their mean over all objects of all sequences; each object's mean, recall and decay."""
        desk.steps.begin(sum(len(video.frames) for video in source.videos), "frames")
        layers, kinds, videos = self.layers(eye), set[str](), dict[str, list[Objects]]()
        for video in source.videos:
            videos[video.name], kind = self.follow(video, eye, desk)
            kinds.add(kind)
        told = {
            "sequences": len(videos), "frames": sum(len(video.frames) for video in source.videos),
            "list": source.list, "masks": " and ".join(sorted(kinds)),
        }  # fmt: skip
        every = [{name: found[place] for name, found in videos.items()} for place in range(len(layers))]
        return self.beside(layers, [{**figures(one), **told} for one in every])

    def counts(self, source: Davis) -> dict[str, int | str]:
        """Sequences, frames, masks and objects; every mask is read."""
        objects, kinds = 0, set[str]()
        for video in source.videos:
            masks, kind = read_masks(list(video.masks.values()))
            objects += len(shown(video, masks))
            kinds.add(kind)
        return {
            "list": source.list,
            "sequences": len(source.videos),
            "frames": sum(len(video.frames) for video in source.videos),
            "masks": sum(len(video.masks) for video in source.videos),
            "objects": objects,
            "masks are": " and ".join(sorted(kinds)),
        }

    def follow(self, video: Video, eye: Eye, desk: Desk) -> tuple[list[Objects], str]:
        """J and F of each object in each counted frame, for each layer, and which kind the masks are of.

        The soft labels of a frame are kept as soon as it is done, and its mask, by the first layer, is written.
        """
        masks, kind = read_masks(list(video.masks.values()))
        truth, objects, layers = dict(zip(video.masks, masks, strict=True)), shown(video, masks), self.layers(eye)
        digest = contents(*video.frames, *video.masks.values(), more=video.name)
        keys = [f"{digest} {path.stem}" for path in video.frames]
        answers = [desk.kept(key) for key in keys]
        files = [desk.folder and desk.folder / video.name / f"{path.stem}.png" for path in video.frames]
        fresh = [not answer or bool(file and not file.exists()) for answer, file in zip(answers, files, strict=True)]
        start = fresh.index(True) if any(fresh) else len(keys)
        desk.steps.step(start)
        handed = self.resumed(video, masks[0], answers[:start], eye) if start < len(keys) else []
        for place in range(start, len(keys)):
            path, soft, ids, sizes = video.frames[place], list[Tensor](), [masks[0]] * len(layers), list[Grid]()
            if place:
                looks, size = self.seen(path, masks[0], eye)
                sizes = [eye.size if self.tiles else size]
                soft = [one.next(features) for one, (features, _) in zip(handed, looks, strict=True)]
                ids = [segmented(one, at.grid, size, masks[0].shape) for one, at in zip(soft, handed, strict=True)]
            if file := files[place]:
                write_mask(file, ids[0])
            counts = path.stem in [*truth][1:-1]
            told = [fits(one, truth[path.stem], objects) for one in ids] if counts else []
            answers[place] = [[packed(one) for one in soft], told]
            desk.keep(keys[place], answers[place], sizes)
            desk.steps.step()
        every = [told for _, told in answers if told]
        return [
            {name: {f: [told[layer][name][f] for told in every] for f in ("J", "F")} for name in every[0][layer]}
            for layer in range(len(layers))
        ], kind

    def resumed(self, video: Video, mask: Ids, answers: Sequence[Any], eye: Eye) -> list[Propagation]:
        """The propagation of each layer behind the frames that have answers; those that still count are seen again."""
        looks, _ = self.seen(video.frames[0], mask, eye)
        handed = [
            Propagation(features, shrunk(mask, grid).to(features.device), grid, **self.handing)
            for features, grid in looks
        ]
        for place in range(max(1, len(answers) - self.handing["previous"]), len(answers)):
            looks, _ = self.seen(video.frames[place], mask, eye)
            for one, (features, _), labels in zip(handed, looks, answers[place][0], strict=True):
                one.remember(features, unpacked(labels).view(len(features), -1))
        return handed

    def seen(self, path: Path, mask: Ids, eye: Eye) -> tuple[list[tuple[Tensor, Grid]], Grid]:
        """The patch tokens of a frame, n d, and their grid, for each layer; the pixels (h, w) that they cover."""
        frame, layers = stored(path).image, self.layers(eye)
        if frame.size != mask.shape[::-1]:
            said, other = (" x ".join(map(str, one)) for one in (frame.size, mask.shape[::-1]))
            raise ZooError(f"{path} is {said}, but the first mask {other}")
        if self.tiles:
            return tiled(eye, frame, layers, self.space)
        image = self.scaled(frame, eye, layers)
        with self.ways_out("use task.tiles=true for windows of the run's own size"):
            looks = eye.patches(image, layers, self.space)
        return [(features[0], grid) for features, grid in looks], sized(image)

    def scaled(self, frame: Image.Image, eye: Eye, layers: Sequence[int | None]) -> Tensor:
        """1 3 h w: the shorter side is `side`, both are cut to what the tower takes; bilinear, not antialiased."""
        short, long = self.side, int(self.side * max(frame.size) / min(frame.size)) // STRIDE * STRIDE
        height, width = (short, long) if frame.width >= frame.height else (long, short)
        high, wide = coarsest(eye, layers)
        size = max(high, height // high * high), max(wide, width // wide * wide)
        return F.interpolate(eye.colours([frame]), size, mode="bilinear", align_corners=False)


def shown(video: Video, masks: Sequence[Ids]) -> list[int]:
    """The objects of the first mask.  Raises `ZooError` where it has none, and for one that comes later."""
    objects = [int(one) for one in np.unique(masks[0]) if one]
    if late := {int(one) for mask in masks for one in np.unique(mask)} - {0, *objects}:
        raise ZooError(f"the sequence {video.name} has an object {min(late)} that its first mask does not show")
    if not objects:
        raise ZooError(f"{next(iter(video.masks.values()))}: the first mask shows no object")
    return objects


def fits(ids: Ids, truth: Ids, objects: Sequence[int]) -> dict[str, dict[str, float]]:
    """J and F of each object."""
    told = {}
    for one in objects:
        both = [torch.from_numpy(mask == one) for mask in (ids, truth)]
        told[str(one)] = {"J": float(region_similarity(*both)), "F": float(boundary_f(*both))}
    return told


def figures(videos: dict[str, Objects]) -> dict[str, Any]:
    """Means over all objects of all sequences, and the course of each."""
    courses = {
        name: {
            one: {figure: course(torch.tensor(values, dtype=torch.double))._asdict() for figure, values in told.items()}
            for one, told in objects.items()
        }
        for name, objects in videos.items()
    }
    every = [one for objects in courses.values() for one in objects.values()]
    means = {
        figure + part: sum(one[figure.upper()][mean] for one in every) / len(every)
        for part, mean in (("", "mean"), ("_recall", "recall"), ("_decay", "decay"))
        for figure in ("j", "f")
    }
    return {"jf": (means["j"] + means["f"]) / 2, **means, "objects": len(every), "videos": courses}
