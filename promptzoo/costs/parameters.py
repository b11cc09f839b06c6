"""How many parameters a model has and tunes, and the shares that papers print, each under its name."""

from collections import Counter
from collections.abc import Iterator

from torch import nn

from promptzoo.costs.report import Block, Parameters, Share
from promptzoo.model.model import FROZEN, Model

#: Grafts and losses have names of their own behind the first word of a parameter's name.
NAMED = ("grafts", "losses")


def parameters(model: Model) -> Parameters:
    """The counts of a model."""
    sizes = by_part(model)
    losses = sum(size for name, size in sizes.items() if name.startswith("losses."))
    tuned = sum(sizes.values())
    scale = 0 if model.logit_scale is None else model.logit_scale.numel()
    return Parameters(
        visual=count(model.visual),
        text=0 if model.text is None else count(model.text) + scale,
        tuned=tuned,
        thawed=sum(sizes[name] for name in FROZEN),
        inference=tuned - losses,
        head=sizes["head"],
        checkpoint=sum(t.numel() * t.element_size() for t in model.tuned_state().values()),
    )


def count(module: object) -> int:
    """The parameters of a tower, thawed ones among them; grafts are not registered there."""
    return sum(p.numel() for p in module.parameters())  # type: ignore[attr-defined]


def by_part(model: Model) -> Counter[str]:
    """Tuned parameters of each graft, loss, the head, and what was thawed of a tower."""
    sizes: Counter[str] = Counter()
    for key, parameter in model.tuned().items():
        words = key.split(".")
        sizes[".".join(words[:2]) if words[0] in NAMED else words[0]] += parameter.numel()
    return sizes


def blocks(model: Model, name: str) -> Iterator[Block]:
    """The blocks of a graft that learn, and the sums that it asks for."""
    graft, tuned = model.grafts[name], model.tuned()
    sizes: Counter[str] = Counter()
    for key, parameter in graft.named_parameters():
        sizes[block_of(graft, key.rpartition(".")[0] or key)] += parameter.numel()
    for word, size in sizes.items():
        yield Block(word, size)
    for title, members in graft.sums.items():
        size = sum(p.numel() for key, p in tuned.items() if belongs(key, f"grafts.{name}", members))
        yield Block(f"= {title}", size)


def block_of(graft: nn.Module, path: str) -> str:
    """The block of a graft that a path inside it leads to: its first word, and in a list of modules the next one.

    Numbers are left out, so that the blocks of all layers go together.
    """
    words = [word for word in path.split(".") if not word.isdigit()]
    return " ".join(words[: 2 if isinstance(getattr(graft, words[0], None), nn.ModuleList) else 1]) if words else ""


def belongs(key: str, graft: str, members: tuple[str, ...]) -> bool:
    """Whether a parameter belongs to a sum: to a block of the graft, or (with a dot in front) to one of any loss."""
    mine = key.startswith(tuple(f"{graft}.{word}." for word in members if not word.startswith(".")))
    return mine or any(key.startswith("losses.") and f"{word}." in key for word in members if word.startswith("."))


def shares(model: Model, counts: Parameters) -> tuple[Share, ...]:
    """Tuned parameters in percent, under each convention in use, head in and head out.

    `released-object` divides by what the authors' object holds, where a graft says what that is beside its own.
    """
    towers = counts.visual + counts.text
    own = counts.tuned - counts.thawed  # what a backbone does not have already
    denominators = {"visual": ("the image tower", counts.visual, 0)}
    denominators["visual+tuned"] = ("the image tower and what is tuned", counts.visual, own)
    if counts.text:
        denominators["towers"] = ("image and text tower", towers, 0)
        denominators["towers+tuned"] = ("image and text tower and what is tuned", towers, own)
    held: dict[str, int] = {}
    for graft in model.grafts.values() if counts.text else ():
        held |= graft.also_held(model)
    if held:
        said = ", ".join(f"{name} {size:,}" for name, size in held.items())
        denominators["released-object"] = (f"all towers, what is tuned, {said}", towers + sum(held.values()), own)
    found = []
    for name, (what, base, added) in denominators.items():
        found.append(Share(name, what, counts.tuned, base + added))
        if counts.head:
            less = counts.tuned - counts.head
            found.append(Share(f"{name}, no head", what, less, base + (added and added - counts.head)))
    return tuple(found)
