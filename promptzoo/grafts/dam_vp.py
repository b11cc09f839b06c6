"""DAM-VP: learned frames of pixels, one for each cluster of similar pictures."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from promptzoo.backbones.notes import Notes
from promptzoo.blocks.frame import PixelFrame, framed
from promptzoo.errors import ZooError
from promptzoo.model.contract import Graft
from promptzoo.model.model import Model
from promptzoo.model.site import Wrap

SIDES = ("up", "down", "left", "right")


class DiversityAwarePrompting(Graft):
    """Adds a learned frame of pixels to each picture, that of the cluster whose mean is nearest to it.

    DAM-VP, Huang et al. 2023, Sec. 3.  `prepare` clusters the frozen features of at most `samples` training pictures:
    clusters are joined while the mean distance of their pictures (Euclidean) is below `threshold`.  Each has a frame
    (`pixel_frame`) of its own, all beginning as the same: that of the file `start`, which tools/meta_frame.py learns
    from other data sets, or a draw.  A picture takes the frame of the cluster whose mean feature is nearest to its own
    frozen feature; that costs a second forward, without gradient, where the feature is not known already.
    How many clusters there are only the pictures tell: until `prepare`, or a checkpoint, there is one frame for all.
    Released with a loop over pictures; here frames are gathered.
    Raises `ValueError` for a frame wider than half a picture; `prepare` raises `ZooError` for a threshold that makes
    more than `most` clusters, and for a file `start` that holds no such frame.
    """

    frozen = True
    prototypes: Tensor

    def __init__(
        self,
        *,
        width: int = 30,
        threshold: float = 10.0,
        samples: int = 1000,
        most: int = 64,
        start: Path | None = None,
    ):
        super().__init__()
        if threshold <= 0 or samples < 1 or most < 1:
            raise ValueError(
                f"threshold must be above 0, samples and most 1 or more, got {threshold}, {samples} and {most}"
            )
        self.width, self.threshold, self.samples, self.most, self.start = width, threshold, samples, most, start

    def attach(self, model: Model, name: str) -> None:
        """Acts on the picture, before it is cut into patches."""
        self.name = name
        self.frames = Frames(PixelFrame(model.visual.input, width=self.width))
        self.register_buffer("prototypes", torch.zeros(1, model.visual.out))
        model.at("visual.tokens")[0].around(self.prompt, name)

    def prompt(self, tokens: Wrap, image: Tensor, notes: Notes) -> Tensor:
        """b c H W -> b n d."""
        patches: Tensor = tokens(self.frames(image, self.nearest(notes["frozen"])), notes)
        return patches

    def distances(self, feature: Tensor) -> Tensor:
        """b o -> b k, to each prototype."""
        apart = feature.to(self.prototypes.dtype).unsqueeze(1) - self.prototypes
        found: Tensor = torch.linalg.vector_norm(apart, dim=-1)
        return found

    def nearest(self, feature: Tensor) -> Tensor:
        """b o -> b, the place of the nearest prototype."""
        return self.distances(feature).argmin(1)

    # ------------------------------------------------------------------ how many there are

    def prepare(self, model: Model, data: Any) -> dict[str, Any]:
        """Clusters the training pictures.  What it says goes into the run's data.json."""
        if self.start is not None:
            self.frames.begin(self.start)
        count, device = len(data.train.labels), self.prototypes.device
        some = torch.randperm(count)[: self.samples].sort().values.tolist()
        features = data.train.gather(lambda image: model.frozen_features(image.to(device)), only=some)
        labels = self.clusters(features)
        self.spread(means(features, labels))
        return {"prompters": len(self.prototypes), "clustered": len(some), "sizes": torch.bincount(labels).tolist()}

    def clusters(self, features: Tensor) -> Tensor:
        """n o -> n, the cluster of each picture, in the order of their first pictures."""
        if len(features) < 2:
            return torch.zeros(len(features), dtype=torch.long)
        from sklearn.cluster import AgglomerativeClustering

        tree = AgglomerativeClustering(None, linkage="average", distance_threshold=self.threshold)
        found = torch.from_numpy(tree.fit_predict(features.double().cpu().numpy()))
        if (count := int(tree.n_clusters_)) > self.most:
            enough = 1.001 * sorted(tree.distances_)[len(features) - self.most - 1]  # still more when rounded
            raise ZooError(
                f"'{self.name}' makes {count} clusters of {len(features)} pictures at threshold {self.threshold:g}, "
                f"but most is {self.most}",
                key="threshold",
                given=self.threshold,
                remedy=f"grafts.{self.name}.threshold={enough:.4g} is enough",
            )
        first = torch.stack([(found == label).nonzero()[0, 0] for label in range(count)])
        return first.argsort().argsort()[found]

    def spread(self, prototypes: Tensor) -> None:
        """A frame for each prototype (k o), all copies of the first."""
        self.frames.copy(len(prototypes))
        self.prototypes = prototypes.to(self.prototypes)

    def resize(self, state: dict[str, Tensor]) -> None:
        """As many frames as a checkpoint has."""
        count = len(state.get("prototypes", self.prototypes))
        if count != len(self.prototypes):
            self.spread(self.prototypes[:1].repeat(count, 1))


class Frames(nn.Module):
    """Frames of one size; each picture takes one of them.  The parameters stay the same objects, however many."""

    def __init__(self, frame: PixelFrame):
        super().__init__()
        for side in SIDES:
            setattr(self, side, nn.Parameter(getattr(frame, side).detach()[None]))

    def forward(self, x: Tensor, which: Tensor) -> Tensor:
        """b c H W, b -> b c H W."""
        return x + framed(*(getattr(self, side).index_select(0, which) for side in SIDES)).to(x.dtype)

    def copy(self, count: int) -> None:
        """So many frames, all as the first is."""
        for side in SIDES:
            parameter = getattr(self, side)
            parameter.data = parameter.data[:1].repeat(count, 1, 1, 1)

    def begin(self, file: Path) -> None:
        """The first frame as in a file.  Raises `ZooError` when it cannot be read, or holds a frame of another size."""
        try:
            found = load_file(file)
        except (OSError, SafetensorError) as error:
            why = f"which cannot be read as a .safetensors file: {error}"
            raise ZooError(f"start is {file}, {why}", key="start", given=str(file)) from error
        shapes = {side: tuple(getattr(self, side).shape[1:]) for side in SIDES}
        if (there := {name: tuple(tensor.shape) for name, tensor in found.items()}) != shapes:
            why, way = f"which contains {said(there)}", f"a frame here needs {said(shapes)}"
            raise ZooError(f"start is {file}, {why}", key="start", given=str(file), remedy=way)
        for side in SIDES:
            getattr(self, side).data[0] = found[side].to(getattr(self, side))


def said(shapes: dict[str, tuple[int, ...]]) -> str:
    """`up 3 x 30 x 224, ...`, or nothing."""
    return ", ".join(f"{name} {' x '.join(map(str, shape))}" for name, shape in sorted(shapes.items())) or "nothing"


def means(features: Tensor, labels: Tensor) -> Tensor:
    """n o, n -> k o: the mean feature of each cluster."""
    return torch.stack([features[labels == label].mean(0) for label in range(int(labels.max()) + 1)])
