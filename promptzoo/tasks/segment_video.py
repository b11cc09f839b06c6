"""Which pixels of a video belong to an object shown in its first frame: J and F on DAVIS."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from promptzoo.data.annotated import stored
from promptzoo.data.masks import Ids, read_masks, write_mask
from promptzoo.data.sources.davis import Davis, Video
from promptzoo.errors import ZooError
from promptzoo.metrics import boundary_f, course, region_similarity
from promptzoo.tasks.desk import Desk, contents
from promptzoo.tasks.downstream import Downstream
from promptzoo.tasks.eye import Eye, Grid, sized
from promptzoo.tasks.propagation import Propagation, segmented, shrunk
from promptzoo.tasks.tiles import tiled

STRIDE = 64  # the longer side is cut to a multiple of it


class SegmentVideo(Downstream):
    """The first frame's mask is handed from frame to frame by patch features; nothing learns.

    LORE's Table 4; the protocol of Jabri et al. 2020, arXiv:2006.14613, as DINO scores it: frames of a shorter `side`,
    labels from the first frame and the `previous` ones, the `keep` likest patches within `radius` rows and columns.
    `tiles`: frames are seen through windows of the tower's own size, for methods that know no other.
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
        layer: int | None = None,
    ) -> None:
        if min(side, keep) < 1 or min(radius, previous) < 0 or temperature <= 0:
            raise ZooError("task.side and task.keep are 1 or more, radius and previous 0 or more, temperature above 0")
        self.side, self.tiles, self.layer = side, tiles, layer
        self.handing: dict[str, Any] = {
            "radius": radius,
            "previous": previous,
            "keep": keep,
            "temperature": temperature,
        }

    def measure(self, eye: Eye, source: Davis, desk: Desk) -> dict[str, Any]:
        """J, F and their mean over all objects of all sequences; each object's mean, recall and decay."""
        desk.steps.begin(sum(len(video.frames) for video in source.videos), "frames")
        videos, kinds = {}, set[str]()
        for video in source.videos:
            key = contents(*video.frames, *video.masks.values(), more=video.name)
            out = desk.folder and desk.folder / video.name
            answer = desk.kept(key)
            if answer is None or (out and not all((out / f"{one.stem}.png").exists() for one in video.frames)):
                answer = self.follow(video, eye, out, desk)
                desk.keep(key, answer)
            else:
                desk.steps.step(len(video.frames))
            kinds.add(answer["masks"])
            videos[video.name] = {
                name: {
                    figure: course(torch.tensor(values, dtype=torch.double))._asdict() for figure, values in one.items()
                }
                for name, one in answer["objects"].items()
            }
        every = [one for objects in videos.values() for one in objects.values()]
        j, f = (sum(one[figure]["mean"] for one in every) / len(every) for figure in ("J", "F"))
        means = {
            f"{figure.lower()}_{part}": sum(one[figure][part] for one in every) / len(every)
            for figure in ("J", "F")
            for part in ("recall", "decay")
        }
        return {
            "jf": (j + f) / 2, "j": j, "f": f, **means,
            "sequences": len(videos), "objects": len(every),
            "frames": sum(len(video.frames) for video in source.videos),
            "list": source.list, "masks": " and ".join(sorted(kinds)), "videos": videos,
        }  # fmt: skip

    def follow(self, video: Video, eye: Eye, out: Path | None, desk: Desk) -> dict[str, Any]:
        """J and F of each object in each counted frame of a video; masks are written as they are found."""
        truth, objects, kind = self.truth(video)
        counted = [*truth][1:-1]
        found: dict[str, dict[str, list[float]]] = {str(one): {"J": [], "F": []} for one in objects}
        for path, ids in self.handed_on(video, truth, eye):
            if out:
                write_mask(out / f"{path.stem}.png", ids)
            if path.stem in counted:
                for one in objects:
                    both = [torch.from_numpy(mask == one) for mask in (ids, truth[path.stem])]
                    found[str(one)]["J"].append(float(region_similarity(*both)))
                    found[str(one)]["F"].append(float(boundary_f(*both)))
            desk.steps.step()
        return {"objects": found, "masks": kind}

    def truth(self, video: Video) -> tuple[dict[str, Ids], list[int], str]:
        """The masks of a video by the names of their frames, the objects in them, and of which kind they are."""
        masks, kind = read_masks(list(video.masks.values()))
        objects = [int(one) for one in sorted({*torch.from_numpy(masks[0]).unique().tolist()} - {0})]
        if late := {*torch.cat([torch.from_numpy(mask).unique() for mask in masks]).tolist()} - {0, *objects}:
            raise ZooError(f"the sequence {video.name} has an object {min(late)} that its first mask does not show")
        if not objects:
            raise ZooError(f"{next(iter(video.masks.values()))}: the first mask shows no object")
        return dict(zip(video.masks, masks, strict=True)), objects, kind

    def handed_on(self, video: Video, truth: dict[str, Ids], eye: Eye) -> Iterator[tuple[Path, Ids]]:
        """Each frame and its mask: the first is given, the others are found."""
        ids, handed = next(iter(truth.values())), None
        for path in video.frames:
            features, grid, size = self.seen(path, ids, eye)
            if handed is None:
                handed = Propagation(features, shrunk(ids, grid).to(features.device), grid, **self.handing)
            else:
                ids = segmented(handed.next(features), grid, size, ids.shape)
            yield path, ids

    def seen(self, path: Path, mask: Ids, eye: Eye) -> tuple[Tensor, Grid, Grid]:
        """The patch tokens of a frame, n d, their grid, and how many pixels of the scaled frame they cover (h, w)."""
        frame = stored(path).image
        if frame.size != mask.shape[::-1]:
            said, other = (" x ".join(map(str, one)) for one in (frame.size, mask.shape[::-1]))
            raise ZooError(f"{path} is {said}, but the first mask {other}")
        if self.tiles:
            tokens, grid = tiled(eye, frame, self.layer)
            high, wide = eye.cell(self.layer)
            return tokens, grid, (grid[0] * high, grid[1] * wide)
        image = self.scaled(frame, eye)
        with self.ways_out("task.tiles=true looks through windows of the run's own size"):
            features, grid = eye.patches(image, self.layer)
        return features[0], grid, sized(image)

    def scaled(self, frame: Image.Image, eye: Eye) -> Tensor:
        """1 3 h w: the shorter side is `side`, both are cut to what the tower takes; bilinear, not antialiased."""
        short, long = self.side, int(self.side * max(frame.size) / min(frame.size)) // STRIDE * STRIDE
        height, width = (short, long) if frame.width >= frame.height else (long, short)
        high, wide = eye.cell(self.layer)
        size = max(high, height // high * high), max(wide, width // wide * wide)
        return F.interpolate(eye.colours([frame]), size, mode="bilinear", align_corners=False)
