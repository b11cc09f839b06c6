"""What a backbone asks of its pictures: `Preprocess`."""

from dataclasses import dataclass, fields, replace
from math import isfinite
from typing import Any

from promptzoo.errors import ZooError

INTERPOLATIONS = ("bicubic", "bilinear", "nearest")
CROP_MODES = ("center", "squash")
CONVENTIONS: dict[str, dict[str, Any]] = {  # what papers' code does to pictures, whatever the weights were trained on
    "checkpoint": {},  # as the weights ask for it
    "imagenet": {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)},
    "half": {"mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5)},
    "raw": {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)},
    "coop": {
        "mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711),
        "interpolation": "bicubic", "crop_mode": "center", "crop_pct": 1.0,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Preprocess:
    """Size, colours and crop of the pictures that a backbone was trained on.

    `size` is (h, w) in pixels; `mean` and `std` are those of red, green and blue in 0..1.
    The picture is resized to `size / crop_pct`, rounded down: its shorter side with crop mode "center",
    both sides with "squash"; the middle of it is what the backbone sees.
    Raises `ZooError` when a value is none of the possible ones.
    """

    size: tuple[int, int]
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    interpolation: str = "bicubic"
    crop_pct: float = 1.0
    crop_mode: str = "center"

    def __post_init__(self) -> None:
        for name, count in (("size", 2), ("mean", 3), ("std", 3)):
            object.__setattr__(self, name, numbers(name, getattr(self, name), count))
        if min(self.std) <= 0:
            raise wrong("std", self.std, "each of its three numbers should be above 0")
        if min(self.size) < 1:
            raise wrong("size", self.size, "height and width should be at least 1 pixel")
        if not 0 < self.crop_pct <= 1:
            raise wrong("crop_pct", self.crop_pct, "it should be above 0 and at most 1")
        for name, possible in (("interpolation", INTERPOLATIONS), ("crop_mode", CROP_MODES)):
            if (written := getattr(self, name)) not in possible:
                raise wrong(name, written, possible=possible)

    def replace(self, **overrides: Any) -> "Preprocess":
        """The same with some values replaced; an override of None leaves the backbone's own value."""
        known = [field.name for field in fields(self)]
        for name in overrides:
            if name not in known:
                raise ZooError(f"pictures have no '{name}'", key=name, given=name, possible=known)
        return replace(self, **{name: value for name, value in overrides.items() if value is not None})


def numbers(name: str, written: Any, count: int) -> tuple[float, ...]:
    """One number for all places, or one for each; sizes become whole numbers."""
    kind = int if name == "size" else float
    given = [written] * count if isinstance(written, int | float) else written
    try:
        values = tuple(kind(value) for value in given)
    except (TypeError, ValueError, OverflowError):
        values = ()
    if len(values) != count or not all(map(isfinite, values)):
        raise wrong(name, written, f"it should be one number or {count} of them")
    return values


def wrong(key: str, given: object, remedy: str = "", possible: tuple[str, ...] | None = None) -> ZooError:
    """A value that is none of the possible ones."""
    return ZooError(f"'{key}' is {given!r}", key=key, given=given, possible=possible, remedy=remedy)
