"""Sets of the field by one word: `data.dataset=dtd data.root=DATA`, from `data/presets.yaml`."""

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from promptzoo.recipe import yaml
from promptzoo.recipe.yaml import Node, placed

FILE = Path(__file__).parents[1] / "data" / "presets.yaml"


class Preset(BaseModel):
    """One set: its source with arguments, where it lies below a root, and what is known of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: str  # a word of the registry
    root: tuple[str, ...] = Field(min_length=1)  # the first that is there
    about: str
    classes: int
    pictures: tuple[int, int, int] | None = None  # train, val, test, where that is sure
    template: str | None = None
    transform: str | None = None
    names: list[str] = []  # of the classes, for lists that carry none
    arguments: dict[str, Any] = Field(default={}, alias="with")

    def below(self, root: str) -> str:
        """Where the set lies: a folder below the root, or the root itself where that is the set's."""
        base = Path(root).expanduser()
        there = [one for one in self.root if (base / one).is_dir()]
        if not there and base.name in {Path(one).name for one in self.root}:
            return root
        return str(base / (there or self.root)[0])


@cache
def load_presets() -> dict[str, Preset]:
    """Every preset by its word."""
    page = yaml.quick(FILE.read_text(encoding="utf-8"), str(FILE))
    names = page["names"]
    return {
        word: Preset.model_validate({**one, "names": names[one["names"]] if "names" in one else []})
        for word, one in page["presets"].items()
    }


def filled(node: Node) -> Node:
    """A recipe's data with what its preset says, as far as the recipe says nothing else."""
    preset = load_presets().get(str(node.get("dataset")))
    if preset is None:
        return node
    place = node.where("dataset")
    said = {**preset.arguments, **({"names": preset.names} if preset.names else {})}
    made = Node({**node}, node.place, {**node.places})
    made.put("dataset", preset.dataset, place)
    for key, value in said.items():
        if key not in node:
            made.put(key, placed(value, place), place)
    if isinstance(root := node.get("root"), str):
        made.put("root", preset.below(root), node.where("root"))
    return made
