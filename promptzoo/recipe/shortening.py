"""An override that shortens training shortens its warm-up in proportion: `shorten`."""

from collections.abc import Iterator
from typing import Any, TypeGuard

from promptzoo.recipe.yaml import Node


def planned(recipe: Node) -> Any:
    """The epochs that the warm-up of a recipe was chosen for: those that stand beside it."""
    train = recipe.get("train")
    return train.get("epochs") if isinstance(train, Node) else None


def shorten(recipe: Node, before: Any) -> Iterator[str]:
    """Shortens the warm-up where training was shortened from `before` epochs, and says so.

    A warm-up that an override names stays, and so does one of stages that have epochs of their own.
    """
    train = recipe.get("train")
    if not isinstance(train, Node) or str(train.where("warmup").source).partition("=")[0].strip() == "train.warmup":
        return
    now, warmup, stages = train.get("epochs"), train.get("warmup"), train.get("stages")
    if not (number(before) and number(now) and number(warmup) and warmup > 0 and 0 <= now < before):
        return
    if isinstance(stages, list) and any(isinstance(stage, dict) and "epochs" in stage for stage in stages):
        return
    shorter = float(f"{warmup * now / before:.4g}")
    train.put("warmup", shorter, train.where("epochs"))
    if now:
        yield f"train.epochs={now}: warm-up shortened to {shorter:g} epochs, in proportion to {warmup:g} of {before:g}"


def number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
