"""Values that settings may well have, or that are odd: `value_for`; and bits of text that YAML stumbles over."""

import random
from typing import Any

ODD: list[Any] = [
    None, True, False, 0, -1, 1, 2, 7, 10**6, 10**9, 10**18, 2**31, 2**63, 2**64, 10**40, -(10**9), 0.0, -0.0, 0.5,
    1e-30, 1e300, float("inf"), float("-inf"), float("nan"), "", " ", "~", "null", "yes", "1e3", "x" * 300, "a\0b",
    "..", "/", "/dev/zero", "~nobody/x", "\x1b[2J", "\ud800", "caf\udce9", "é", "e\u0301", "{}", "{0.__class__}",
    "os:name", "nobody_there:Gate", "promptzoo:nothing", "sys:exit", "a:b:c", [], [[]], [1, "a"], {},
    {"a": {"b": []}}, [None] * 50, {"block": "bottleneck", "rank": 2}, {"block": "lin"},
    {"graft": "vpt", "length": 1}, {"loss": "cross_entropy"},
]  # fmt: skip
TEXTS = [
    "!!bool x", "!!int ''", "!!timestamp y", "!!python/name:os.system", "[" * 50, "{" * 50, "&a", "*a", "<<", "---",
    "...", "\t", "\0", "'", '"', "|", ">", "%", "@", "`", "2001-99-99", "9" * 5000, ": :", "- -", "# ",
]  # fmt: skip
GOOD: dict[str, list[Any]] = {  # what a setting may well be, so that many mutants get past the first reading
    "backbone.image_size": [None, 32, [32, 32], 64],
    "backbone.dropout": [0, 0.1, 0.9],
    "backbone.weights": ["random", "shipped"],
    "backbone.options": [{}],
    "data.shots": [None, 1, 2, 1000],
    "data.batch": [1, 2, 3, 4, 1000],
    "data.guess": ["none", "linear_probe", "current"],
    "data.augment": ["none", "crop_flip"],
    "data.workers": [0],
    "data.cache": [True, False],
    "data.cache_views": [None, 1, 3],
    "data.size": [None],
    "data.mean": [None, [0.1, 0.2, 0.3]],
    "data.transform": ["checkpoint", "imagenet", "half", "raw", "coop"],
    "data.std": [None, [1, 1, 1]],
    "data.interpolation": [None, "nearest", "bilinear", "bicubic"],
    "data.crop_pct": [None, 0.1, 1],
    "data.crop_mode": [None, "center", "squash"],
    "data.on_bad_image": ["error", "skip"],
    "data.root": ["d", "d/", "./d"],
    "train.epochs": [0, 1],
    "train.lr": [1e-30, 1e-3, 0.1, 10],
    "train.optimizer": ["sgd", "adamw"],
    "train.momentum": [0, 0.9],
    "train.betas": [[0.9, 0.99]],
    "train.eps": [1e-8],
    "train.weight_decay": [0, 0.1],
    "train.decay_bias": [True, False],
    "train.schedule": ["cosine", "constant"],
    "train.warmup": [0],
    "train.final_lr": [0, 1e-3],
    "train.clip": [None, 1.0],
    "train.precision": ["fp32", "bf16"],
    "train.seed": [0, 1, 2**32, 2**64 - 1],
    "train.save_every": [None, 1],
    "train.logger": ["none", "csv"],
    "train.threads": [None, 1, 2],
    "train.device": ["auto", "cpu"],
    "train.devices": [1],
    "train.strategy": ["auto"],
    "train.stages": [[{}], [{}, {"rewind": True}]],
    "knowledge.text": ["backbone"],
    "knowledge.template": ["a {}", ["a {}", "the {}"]],
    "knowledge.features": ["class_means"],
}


def value_for(word: str, draw: random.Random) -> Any:
    """A value that the setting may well have, or any odd one."""
    good = GOOD.get(word)
    return draw.choice(good) if good and draw.random() < 0.6 else draw.choice(ODD)
