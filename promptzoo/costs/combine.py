"""Every combination: backbones, sets of methods, and the blocks in a method's slots, as recipes to be counted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

from promptzoo.errors import ZooError
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry, shipped_recipes

HEAD, TEXT = {"head": "linear"}, "text"  # the second where a method needs it: one that compares with class texts
KNOWLEDGE = {"features": "class_means"}
PICTURES = {"dataset": "folder", "root": "pictures", "shots": 16}
TRAIN = {"epochs": 1, "lr": 1e-3}
WORDS = ("backbones", "grafts", "blocks")
OVERRIDES = ("backbone.", "head=", "head.", "data.")  # what words behind --combine may change in every combination


@dataclass(frozen=True)
class Combination:
    """A combination: its recipe, or the sentence that refuses it; `methods` are the recipes that were put together."""

    name: str
    methods: str
    recipe: Recipe | None
    sentence: str = ""


@dataclass(frozen=True)
class Wishes:
    """What `--combine` was asked: `backbones=A,B grafts=lore,sa2vp blocks=lore.local,...` (or `all`), and overrides."""

    backbones: tuple[str, ...]
    grafts: tuple[str, ...]
    blocks: tuple[str, ...]
    up_to: int
    overrides: tuple[str, ...] = ()

    @classmethod
    def read(cls, words: Iterable[str], up_to: int) -> "Wishes":
        """The words behind `--combine`.  Raises `ZooError` for a word, a method or a slot that is not there."""
        given: dict[str, tuple[str, ...]] = {}
        overrides = tuple(word for word in words if word.startswith(OVERRIDES))
        for word in (word for word in words if word not in overrides):
            key, sign, value = word.partition("=")
            if not sign or key not in WORDS:
                said = f"--combine takes {', '.join(f'{w}=A,B' for w in WORDS)}, not '{word}'"
                raise ZooError(said, key=word, given=key, possible=WORDS)
            given[key] = tuple(part.strip() for part in value.split(",") if part.strip())
        if not given.get("backbones"):
            raise ZooError("--combine needs backbones, such as backbones=timm/vit_base_patch16_224,open_clip/ViT-B-16")
        methods = with_grafts()
        grafts = given.get("grafts", ("all",))
        single = tuple(name for name, recipe in methods.items() if len(recipe.grafts) == 1)
        grafts = single if grafts == ("all",) else grafts
        for name in grafts:
            if name not in methods:
                raise ZooError(f"no recipe '{name}' with grafts", key="grafts", given=name, possible=methods)
        blocks = given.get("blocks", ())
        slots = [slot for name in grafts for slot in slots_of(methods[name])]
        for slot in blocks if blocks != ("all",) else ():
            if slot not in slots:
                raise ZooError(f"none of these methods has a slot '{slot}'", key="blocks", given=slot, possible=slots)
        if up_to < 1:
            raise ZooError(f"--up-to takes 1 or more methods in a set, not {up_to}")
        slots = list(dict.fromkeys(slots)) if blocks == ("all",) else list(blocks)
        return cls(given["backbones"], grafts, tuple(slots), up_to, overrides)

    def combinations(self) -> Iterator[Combination]:
        """Every backbone with every set of methods, and every choice of blocks in the slots that were named."""
        methods = with_grafts()
        for backbone, size in product(self.backbones, range(1, self.up_to + 1)):
            for names in combinations(self.grafts, size):
                yield from mixed(backbone, {name: methods[name] for name in names}, self.blocks, self.overrides)


def with_grafts() -> dict[str, Recipe]:
    """The shipped recipes that graft something, by name; `all` are those of one method."""
    read = {name: Recipe.read(name) for name in shipped_recipes()}
    return {name: recipe for name, recipe in read.items() if recipe.grafts}


def mixed(
    backbone: str, methods: dict[str, Recipe], slots: Sequence[str], overrides: Sequence[str] = ()
) -> Iterator[Combination]:
    """One set of methods on a backbone, once for each choice of blocks."""
    name = " + ".join(methods)
    owners: dict[str, str] = {}
    for method, recipe in methods.items():
        for graft in recipe.grafts:
            if graft in owners:
                said = (
                    f"{owners[graft]} and {method} both have a graft called '{graft}': they are two forms of one method"
                )
                yield Combination(name, name, None, said)
                return
            owners[graft] = method
    told = [recipe.to_dict() for recipe in methods.values()]
    losses: dict[str, Any] = {"task": {"loss": "cross_entropy"}}
    for one in told:
        losses |= {key: loss for key, loss in one.get("losses", {}).items() if set(loss) - {"loss", "weight"}}
    node = {
        "backbone": {"open": backbone},
        "grafts": {key: graft for one in told for key, graft in one["grafts"].items()},
        "head": next((one["head"] for one in told if one["head"]["head"] == TEXT), HEAD),
        "losses": losses,
        "rule": next((one["rule"] for one in told if "rule" in one), {"rule": "sum"}),
        "knowledge": KNOWLEDGE,
        "data": PICTURES,
        "train": TRAIN,
    }
    here = {slot: choices(slot, methods) for slot in slots}
    here = {slot: words for slot, words in here.items() if words}
    for chosen in product(*here.values()):
        words = [f"{place(slot, methods)}.block={word}" for slot, word in zip(here, chosen, strict=True)]
        said = ", ".join(f"{slot.partition('.')[2]} {word}" for slot, word in zip(here, chosen, strict=True))
        full = f"{name} ({said})" if said else name
        try:
            yield Combination(full, name, Recipe.of(node, full, [*overrides, *words]))
        except ZooError as error:
            yield Combination(full, name, None, str(error))


def slots_of(recipe: Recipe) -> list[str]:
    """`GRAFT.SLOT` for every block of a method's graft and of its losses that others could replace."""
    registry, found = load_registry(), []
    for graft, node in (
        *recipe.grafts.items(),
        *((next(iter(recipe.grafts)), loss) for loss in recipe.losses.values()),
    ):
        found += [
            f"{graft}.{key}"
            for key, value in node.items()
            if isinstance(value, dict) and "block" in value and registry.fitting(key)
        ]
    return found


def choices(slot: str, methods: dict[str, Recipe]) -> list[str]:
    """The blocks that fit a slot; none where no method of the set has it."""
    return (
        load_registry().fitting(slot.partition(".")[2])
        if any(slot in slots_of(one) for one in methods.values())
        else []
    )


def place(slot: str, methods: dict[str, Recipe]) -> str:
    """Where a slot stands in the recipe: in the graft, or in the loss that owns the block."""
    graft, _, key = slot.partition(".")
    for recipe in methods.values():
        if graft in recipe.grafts:
            if key in recipe.grafts[graft]:
                return f"grafts.{slot}"
            return next(f"losses.{name}.{key}" for name, loss in recipe.losses.items() if key in loss)
    raise AssertionError(slot)
