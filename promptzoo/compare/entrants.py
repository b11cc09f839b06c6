"""The recipes of a comparison under its overrides and seeds, and what each stands on here."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from promptzoo import lines
from promptzoo.builder import build, open_of
from promptzoo.costs.rows import Refused
from promptzoo.errors import ZooError
from promptzoo.model import Model
from promptzoo.prepare import open_dataset, seen_by
from promptzoo.processes import fabric_of
from promptzoo.recipe import Recipe, find
from promptzoo.settings import APART


@dataclass(frozen=True)
class Entrant:
    """A recipe by its name in the table, and the same recipe under each seed."""

    name: str
    recipe: Recipe
    seeded: dict[int, Recipe]

    @property
    def text(self) -> str:
        """What the recipe says, its seed apart."""
        told = self.recipe.to_dict()
        told["train"] = {word: value for word, value in told.get("train", {}).items() if word != "seed"}
        return lines.write(told)


@dataclass(frozen=True)
class Field:
    """Who takes part, who is refused, and the name of the one that the others are held against."""

    entrants: tuple[Entrant, ...]
    refused: tuple[Refused, ...]
    baseline: str


def read_field(words: Sequence[str], baseline: str, seeds: Sequence[int]) -> Field:
    """Recipes and `key=value` of the command line; the baseline joins them, and is the first where none is named.

    A recipe that cannot be read under these overrides is refused with its sentence.  Raises `ZooError` for no recipe,
    one named twice or unknown, and for an override of the seed.
    """
    overrides = [word for word in words if "=" in word]
    asked = [word for word in words if "=" not in word]
    if not asked:
        raise ZooError("which recipes?  promptzoo list recipes tells those that are shipped; a file is one, too")
    if any(word.partition("=")[0].strip() == "train.seed" for word in overrides):
        raise ZooError("train.seed is what --seeds says: --seeds 3 runs the seeds 1, 2, 3, and --seeds 4,7 those two")
    files = {word: find(word)[0].resolve() for word in asked}
    for i, word in enumerate(asked):
        if files[word] in [files[other] for other in asked[:i]]:
            raise ZooError(f"'{word}' is named twice; a recipe is compared with others")
    if baseline and (file := find(baseline)[0].resolve()) not in files.values():
        asked, files = [*asked, baseline], {**files, baseline: file}
    stems = [Path(find(word)[1]).stem for word in asked]
    names = [word if stems.count(stem) > 1 else stem for word, stem in zip(asked, stems, strict=True)]
    held = names[list(files.values()).index(find(baseline)[0].resolve())] if baseline else names[0]
    entrants, refused = [], []
    for word, name in zip(asked, names, strict=True):
        try:
            entrants.append(read_entrant(word, name, overrides, seeds))
        except ZooError as error:
            refused.append(Refused(name, str(error)))
    return Field(tuple(entrants), tuple(refused), held)


def read_entrant(word: str, name: str, overrides: Sequence[str], seeds: Sequence[int]) -> Entrant:
    recipe = Recipe.read(word, overrides)
    begun = [] if "train" in recipe.node else ["train.epochs=0"]  # a section must be complete before it has a seed
    return Entrant(
        name, recipe, {seed: Recipe.read(word, [*overrides, *begun, f"train.seed={seed}"]) for seed in seeds}
    )


@dataclass(frozen=True)
class Ground:
    """What a recipe stands on: digests of the backbone's weights before anything is grafted, and of all pictures.

    `knowledge` is that of the file of a knowledge table; nothing where there is none.
    """

    frozen: str
    pictures: str
    knowledge: str = ""


def ground(recipe: Recipe, known: dict[str, str]) -> Ground:
    """Opens the pictures and the backbone, and builds the recipe on them once.

    `known` keeps the digests of data sets for the next recipe.  Raises `ZooError` with why it cannot run here.
    """
    fabric_of(recipe.train)
    dataset, backbone = open_dataset(recipe), open_of(recipe)
    seen_by(recipe, backbone)
    towers = Model(backbone.adopted.visual, backbone.adopted.text, dataset.classes)
    frozen = towers.fingerprint()
    build(recipe, dataset.classes, backbone)
    which = lines.write({word: value for word, value in recipe.node["data"].items() if word not in APART["dataset"]})
    if which not in known:
        known[which] = dataset.fingerprint()
    table = recipe.knowledge.table if recipe.knowledge else None
    return Ground(frozen, known[which], hashlib.sha256(table.read_bytes()).hexdigest() if table else "")
