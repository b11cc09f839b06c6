"""The second golden folder: figures, and the three tasks on whole sets, through a bare DeiT-Tiny in float32."""

import runpy
import tempfile
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from conformance_cases import figures
from conformance_cases.checks import Check, told
from promptzoo.data.masks import read_masks, write_mask
from promptzoo.data.sources.davis import Davis, Video
from promptzoo.data.sources.revisited import Revisited
from promptzoo.data.sources.spair import SPair
from promptzoo.figures.columns import Column
from promptzoo.tasks import segment_video
from promptzoo.tasks.correspond import Correspond
from promptzoo.tasks.desk import Desk
from promptzoo.tasks.eye import Eye
from promptzoo.tasks.propagation import Propagation
from promptzoo.tasks.retrieve import Retrieve
from promptzoo.tasks.segment_video import SegmentVideo
from promptzoo.training.eyes import eye_of_bare

CONTROLS = "negative_controls_davis_240_blackswan_first25"
NAMES = ("pairs", "categories_of_pairs", "categories_of_points", "points")
STORED = ("mean_of_pairs", "mean_of_categories_of_pairs", "mean_of_categories_of_points", "all_points")


Run = Callable[[], list[Check]]


def takes(folder: Path) -> bool:
    """Whether a golden folder is that of the tasks."""
    return "cases" not in told(folder / "manifest.json")


def cases(folder: Path) -> dict[str, Run]:
    """Every case of the folder, by name."""
    assets = folder.parent / "assets"
    weights = assets / "weights" / "deit_tiny_patch16_224.fp16.safetensors"

    @cache
    def eye() -> Eye:
        return eye_of_bare("timm/deit_tiny_patch16_224", weights=str(weights)).eye

    @cache
    def bare() -> Column:
        return figures.bare(weights)

    made: dict[str, Run] = {}
    for name, how in RETRIEVALS.items():
        made[f"retrieval_{name}"] = lambda name=name, how=how: retrieval(folder, assets, eye(), name, how)
    for name, how in PAIRS.items():
        made[f"spair_{name}"] = lambda name=name, how=how: spair(folder, eye(), name, how)
    for file in sorted((folder / "davis").glob("*.json")):
        made[file.stem] = lambda file=file: davis(file, assets, eye())
    for label in told(folder / "manifest.json")[CONTROLS]:
        made[f"control_{label.replace(' ', '_')}"] = lambda label=label: control(folder, assets, eye(), label)
    for name in told(folder / "figures.json")["cases"]:
        made[f"figures_{name.partition('/')[0]}"] = lambda name=name: figures.maps(folder, assets, bare(), name)
    return made


# ---------------------------------------------------------------------- retrieval

RETRIEVALS: dict[str, dict[str, Any]] = {
    "eval": {},
    "eval_crop": {"crop_queries": True},
    "crop224": {"resize": "crop224"},
    "thumbnail": {"resize": "thumbnail"},
    "thumbnail_crop": {"resize": "thumbnail_crop"},
    "eval_multi_scale": {"scales": (1.0, 2**-0.5, 0.5)},
    "eval_mean_of_patches": {"space": "patches"},
}


def retrieval(folder: Path, assets: Path, eye: Eye, name: str, how: dict[str, Any]) -> list[Check]:
    with tempfile.TemporaryDirectory() as place:
        runpy.run_path(str(folder / "retrieval_builder.py"))["build"](assets, place)
        figures = Retrieve(**how).measure(eye, Revisited(place), Desk())
    expected, found, tolerance = {}, {}, {}
    for question in ("easy", "medium", "hard"):
        case, precision = told(folder / "retrieval.json")["cases"][name][question], figures["precision"][question]
        expected |= {question: case["map"], **named(question, precision, case["mp_at_1_5_10"])}
        found |= {question: figures[question], **named(question, precision, precision.values())}
        tolerance |= {question: 0.003, **named(question, precision, [0.01] * len(precision))}
    return [Check(found, expected, tolerance)]


def named(question: str, names: Iterable[str], values: Iterable[float]) -> dict[str, float]:
    return {f"{question} {name}": value for name, value in zip(names, values, strict=True)}


# ---------------------------------------------------------------------- correspondence

PAIRS: dict[str, dict[str, Any]] = {
    "letterbox": {},
    "letterbox_strict": {},  # no point lies on a threshold
    "letterbox_block8": {"layer": 8},
    "letterbox_block11": {"layer": 11},
    "full_size": {"fit": "full"},
    "letterbox_mutual": {"mutual": True},
    "letterbox_floor_rows": {"rows": "floor"},
}


def spair(folder: Path, eye: Eye, name: str, how: dict[str, Any]) -> list[Check]:
    figures = Correspond(**how).measure(eye, SPair(folder / "spair_warps"), Desk())
    checks = []
    for alpha in ("pck@0.1", "pck@0.05", "pck@0.01"):
        case, found = told(folder / "spair.json")["cases"][name][alpha], figures[alpha]
        expected = {ours: case[theirs] for ours, theirs in zip(NAMES, STORED, strict=True)}
        checks.append(Check({one: found[one] for one in NAMES}, expected, dict.fromkeys(NAMES, 0.004)))
        for one in ("pairs", "points"):
            expected = case[f"categories_of_{one}"]
            shares = {category: found["categories"][category][one] for category in expected}
            checks.append(Check(shares, expected, dict.fromkeys(expected, 0.02)))
    return checks


# ---------------------------------------------------------------------- video segmentation


def settings(case: dict[str, Any]) -> dict[str, Any]:
    tiles = case["setting"] == "tiles"
    side = {} if tiles else {"side": case["side"]}
    return {**side, "tiles": tiles, **{key: case[key] for key in ("radius", "previous", "keep", "temperature")}}


def followed(case: dict[str, Any], assets: Path, eye: Eye, out: Path, **other: Any) -> dict[str, Any]:
    """The figures of a sequence's first frames; two objects are made of one where the case has two."""
    source = Davis(assets / "davis", sequences=[case["sequence"]])
    (video,) = source.videos
    masks = dict(list(video.masks.items())[: case["frames"]])
    if len(case["objects"]) > 1:
        masks = halved(masks, out / "halved")
    source.videos = [Video(video.name, video.frames[: case["frames"]], masks)]
    task = SegmentVideo(**{**settings(case), **other})
    answers = Desk(folder=out)
    figures = task.measure(eye, source, answers)
    (by_frame,), _ = task.follow(source.videos[0], eye, answers)
    return {**figures, "by_frame": by_frame}


def halved(masks: dict[str, Path], out: Path) -> dict[str, Path]:
    """The same masks with two objects, left and right of the middle of each mask's box."""
    whole, _ = read_masks(list(masks.values()))
    for name, mask in zip(masks, whole, strict=True):
        columns = np.flatnonzero(mask.any(0))
        middle = (columns[0] + columns[-1] + 1) // 2
        mask[:, middle:] *= 2
        write_mask(out / f"{name}.png", mask)
    return {name: out / f"{name}.png" for name in masks}


def davis(file: Path, assets: Path, eye: Eye) -> list[Check]:
    case, checks = told(file), []
    with tempfile.TemporaryDirectory() as place:
        figures = followed(case, assets, eye, Path(place))
        for name, one in case["objects"].items():
            ours = figures["videos"][case["sequence"]][name]
            for figure, mean, frame in (("J", 0.001, 0.002), ("F", 0.002, 0.006)):
                tolerance = {"mean": mean, "recall": 0.05, "decay": 4 * mean}
                checks.append(Check(ours[figure], one[figure], tolerance))
                expected = dict(enumerate(one[f"{figure}_frames"]))
                found = dict(enumerate(figures["by_frame"][name][figure]))
                checks.append(Check(found, expected, dict.fromkeys(expected, frame)))
        stored = file.parent / "masks" / str(case["setting"]) / case["sequence"]
        whole = stored.is_dir() and len(case["objects"]) == 1 and len(list(stored.glob("*.png"))) == case["frames"]
        if whole:
            pairs = [[np.asarray(Image.open(root / one.name)) for root in (stored, Path(place) / case["sequence"])]
                     for one in sorted(stored.glob("*.png"))]  # fmt: skip
            apart = {str(i): float((one != other).mean()) for i, (one, other) in enumerate(pairs)}
            checks.append(Check(apart, dict.fromkeys(apart, 0.0), dict.fromkeys(apart, 0.001)))
    return checks


# ---------------------------------------------------------------------- what must not be found


class Hard(Propagation):
    """Hands the decision on in place of soft labels."""

    def next(self, features: Tensor) -> Tensor:
        soft = super().next(features)
        self.before[-1] = (features, F.one_hot(soft.argmax(1), soft.shape[1]).float())
        return soft


class Twice(Propagation):
    """Keeps the first frame among the previous ones, too."""

    def __init__(self, features: Tensor, labels: Tensor, grid: tuple[int, int], **how: Any) -> None:
        super().__init__(features, labels, grid, **how)
        self.before.append(self.first)


def cornered(ids: Any, grid: tuple[int, int]) -> Tensor:
    """torch's `nearest`, which takes the corner of a cell."""
    small = F.interpolate(torch.from_numpy(ids)[None, None].float(), grid, mode="nearest")
    return F.one_hot(small.long().flatten(), int(ids.max()) + 1).float()


def unstretched(labels: Tensor, grid: tuple[int, int], size: tuple[int, int], whole: tuple[int, int]) -> Any:
    """The largest channel as it is."""
    maps = F.interpolate(labels.mT.reshape(1, -1, *grid), size, mode="bilinear", align_corners=False)[0]
    ids = Image.fromarray(maps.argmax(0).to(torch.uint8).numpy())
    return np.array(ids.resize(whole[::-1], Image.Resampling.NEAREST))


WRONGS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {  # settings, and what stands in place of what
    "torch nearest for the first labels": ({}, {"shrunk": cornered}),
    "hard labels handed on": ({}, {"Propagation": Hard}),
    "frame 0 twice": ({}, {"Propagation": Twice}),
    "top 4": ({"keep": 4}, {}),
    "top 10": ({"keep": 10}, {}),
    "previous 4": ({"previous": 4}, {}),
    "two objects without min-max": ({}, {"segmented": unstretched}),
}


def control(folder: Path, assets: Path, eye: Eye, label: str) -> list[Check]:
    """A wrong way gives what the golden folder says it gives, and not what is right."""
    several = "_two_objects" if label.startswith("two objects") else ""
    case = told(folder / "davis" / f"davis_240_blackswan{several}_first25.json")
    wrong = told(folder / "manifest.json")[CONTROLS][label]
    settings, instead = WRONGS[label]
    with tempfile.TemporaryDirectory() as place, ExitStack() as patched:
        for name, value in instead.items():
            patched.enter_context(mock.patch.object(segment_video, name, value))
        videos = followed(case, assets, eye, Path(place), **settings)["videos"][case["sequence"]]
    names = [f"{figure} of {one}" for one in videos for figure in ("J", "F")]
    found = dict(zip(names, (one[figure]["mean"] for one in videos.values() for figure in ("J", "F")), strict=True))
    right = dict(zip(names, (case["objects"][one][f]["mean"] for one in videos for f in ("J", "F")), strict=True))
    expected = dict(zip(names, np.ravel(wrong).tolist(), strict=True))
    tolerance = {name: 0.001 if name.startswith("J") else 0.002 for name in names}
    return [Check(found, expected, tolerance), Check(found, right, tolerance, control=True)]
