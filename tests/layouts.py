"""Tiny sets in the layouts of the tasks, and a small tower that looks at them."""

import json
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import small
from PIL import Image
from torch import Tensor

from promptzoo.data.masks import write_mask
from promptzoo.tasks.eye import Eye
from promptzoo.training.eyes import eye_of_bare

NAMES = ["arch", "bridge", "castle", "dome", "exit", "fort"]


@cache
def eye(kind: str = "vit") -> Eye:
    """A bare tower of a width of 32, for pictures of 32 x 32."""
    backbone = small.BACKBONES[kind]
    words = [f"backbone.image_size={backbone['image_size']}", f"backbone.options={small.flow(backbone['options'])}"]
    return eye_of_bare(backbone["open"], words).eye


def pixels(eye: Eye) -> Tensor:
    """Two pictures of an eye's own size."""
    return eye.colours([Image.new("RGB", eye.size[::-1], colour) for colour in ("red", "green")])


def picture(path: Path, size: tuple[int, int] = (48, 36), seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 255, (4, 5, 3)).astype(np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path, quality=95)
    return path


def revisited(root: Path, name: str = "rtiny", **changes: Any) -> Path:
    """Six pictures and two queries, which are pictures 0 and 3 again; `changes` are entries of the first query."""
    for place, one in enumerate(NAMES):
        picture(root / name / "jpg" / f"{one}.jpg", seed=place // 2)
    for place, one in enumerate(("q0", "q1")):
        picture(root / name / "jpg" / f"{one}.jpg", seed=place)
    first: dict[str, Any] = {"bbx": [4.0, 4.0, 40.0, 30.0], "easy": [0], "hard": np.array([1]), "junk": []}
    second = {"bbx": [0.0, 0.0, 48.0, 36.0], "easy": [2], "hard": np.array([], dtype=int), "junk": [3]}
    truth(root, name, {"imlist": NAMES, "qimlist": ["q0", "q1"], "gnd": [first | changes, second]})
    return root


def truth(root: Path, name: str, told: Any) -> None:
    (root / name / f"gnd_{name}.pkl").write_bytes(pickle.dumps(told, protocol=2))


def spair(root: Path, **changes: Any) -> Path:
    """Two pairs of two categories; `changes` are entries of the first."""
    for category in ("cat", "dog"):
        for place in range(2):
            picture(root / "JPEGImages" / category / f"{place}.jpg", (48, 36 + 12 * place))
    pairs = []
    for number, category in enumerate(("cat", "dog")):
        name = f"{number:06d}-0-1:{category}"
        told = {
            "src_imname": "0.jpg", "trg_imname": "1.jpg", "category": category,
            "src_imsize": [48, 36, 3], "trg_imsize": [48, 48, 3], "trg_bndbox": [4, 4, 44, 44], "mirror": 0,
            "src_kps": [[10, 10], [24, 18], [40, 30]], "trg_kps": [[10, 13], [24, 24], [40, 40]],
        }  # fmt: skip
        file = root / "PairAnnotation" / "test" / f"{name}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(told | (changes if not number else {})))
        pairs.append(name)
    layout = root / "Layout" / "large" / "test.txt"
    layout.parent.mkdir(parents=True, exist_ok=True)
    layout.write_text("\n".join(pairs) + "\n")
    return root


def davis(root: Path, frames: int = 5, objects: int = 2, name: str = "walk", first: int = 0) -> Path:
    """A video of squares that move to the right, on a grey ground; indexed masks, or white ones of 0 `objects`."""
    for frame in range(first, first + frames):
        ids = np.zeros((48, 80), np.uint8)
        for one in range(max(1, objects)):
            ids[8 + 18 * one : 24 + 18 * one, 6 + 4 * (frame - first) + 10 * one :][:, :16] = one + 1
        colours = np.array([[120, 120, 120], [230, 40, 40], [40, 40, 230]], np.uint8)[ids]
        (root / "JPEGImages" / "480p" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(colours).save(root / "JPEGImages" / "480p" / name / f"{frame:05d}.jpg", quality=95)
        mask = root / "Annotations" / "480p" / name / f"{frame:05d}.png"
        mask.parent.mkdir(parents=True, exist_ok=True)
        if objects:
            write_mask(mask, ids)
        else:
            Image.fromarray(ids * 255).save(mask)
    return root


def listed(root: Path, name: str, text: str) -> Path:
    file = root / "ImageSets" / name / "val.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    return root


def draw(folder: Path) -> None:
    """`my_sets` as the README has it."""
    revisited(folder / "revisited")
    spair(folder / "spair")
    davis(folder / "davis")
