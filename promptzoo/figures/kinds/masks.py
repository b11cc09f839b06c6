"""Frames of a video with the contours of the truth and of what was found."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from promptzoo.data.annotated import stored
from promptzoo.data.masks import read_masks
from promptzoo.data.sources.davis import Davis, Video
from promptzoo.errors import ZooError
from promptzoo.figures.asked import Wish
from promptzoo.figures.kinds.tasks import Viewers, picked
from promptzoo.figures.panels import Array, Found, Overlaid, Panel
from promptzoo.metrics import region_similarity
from promptzoo.option import option
from promptzoo.tasks.desk import Desk
from promptzoo.tasks.eye import Eye
from promptzoo.tasks.segment_video import SegmentVideo, shown

TASK = "segment_video"
TRUTH, GUESS = 2, 1  # places in the palette


def find(asked: Viewers, wish: Wish) -> Found:
    """A row for each sequence and model, `frames` of it, evenly from the first to the last; J below each."""
    task, source = asked.task, asked.source
    assert isinstance(task, SegmentVideo)
    assert isinstance(source, Davis)
    if wish.frames < 2:
        raise ZooError(f"{option('frames')} takes 2 or more, not {wish.frames}", key="frames", given=wish.frames)
    rows, arrays, told = list[list[Panel]](), dict[str, Array](), list[str]()
    for number in picked(wish.pick, len(source.videos), "sequence"):
        video = source.videos[number]
        masks, _ = read_masks(list(video.masks.values()))
        truth, objects = dict(zip(video.masks, masks, strict=True)), shown(video, masks)
        drawn = spread(len(video.frames), wish.frames)
        for label, eye in asked.eyes:
            row = list[Panel]()
            for place, (path, ids) in enumerate(zip(video.frames, followed(task, video, eye), strict=True)):
                if place in drawn and path.stem in truth:
                    right = truth[path.stem]
                    j = agreement(ids, right, objects)
                    title = f"{label} {video.name}" if not row else ""
                    contours = [
                        (mask == one, colour) for mask, colour in ((right, TRUTH), (ids, GUESS)) for one in objects
                    ]
                    note = (f"{path.stem}", "given" if place == 0 else f"J {j:.2f}")
                    row.append(Overlaid(title, note, np.asarray(stored(path).image), contours=contours))
                    arrays |= {
                        f"{video.name}/{label}/{path.stem}": ids,
                        f"{video.name}/{label}/{path.stem}/J": np.array(j),
                    }
                    told.append(f"{video.name} {path.stem}, {label}: J {j:.3f}")
            rows.append(row)
    return Found(rows, arrays, told, legend=("", "found", "truth"))


def followed(task: SegmentVideo, video: Video, eye: Eye) -> list[Array]:
    """The mask of each frame, as the task writes it."""
    with TemporaryDirectory() as folder:
        task.follow(video, eye, Desk(folder=Path(folder)))
        return read_masks([Path(folder, video.name, f"{path.stem}.png") for path in video.frames])[0]


def spread(count: int, wanted: int) -> set[int]:
    """So many places of a list, evenly from its first to its last."""
    return set(np.linspace(0, count - 1, min(wanted, count)).round().astype(int).tolist())


def agreement(found: Array, truth: Array, objects: Sequence[int]) -> float:
    """J, the mean over objects."""
    both: list[tuple[Any, Any]] = [(torch.from_numpy(found == one), torch.from_numpy(truth == one)) for one in objects]
    return float(np.mean([float(region_similarity(*one)) for one in both]))
