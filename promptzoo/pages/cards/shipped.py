"""Where the written cards lie, and what is in them."""

from pathlib import Path

from promptzoo.errors import ZooError
from promptzoo.recipe.registry import KINDS, OURS, beside, load_registry, shipped_recipes

RECIPES = "methods"  # the folder of the recipes' cards; a word's card lies in that of its shelf


def place(kind: str, word: str) -> str:
    """The file of a card below docs/: `methods/lore.md`, `blocks/lin.md`."""
    return f"{KINDS.get(kind, RECIPES)}/{word}.md"


def places() -> dict[str, tuple[str, str]]:
    """The files of all cards that are ours, with what each is of: kind, word."""
    words = [(kind, word) for kind, word, entry in load_registry().entries() if entry.by == OURS]
    return {place(*one): one for one in [*(("recipe", name) for name in shipped_recipes()), *words]}


def written(kind: str, word: str) -> str:
    """The card that was written when the zoo was; empty where there is none, or of a recipe that has changed since."""
    try:
        card = beside(f"docs/{place(kind, word)}").read_text(encoding="utf-8")
    except ZooError:
        return ""
    recipe: Path | None = shipped_recipes().get(word) if kind == "recipe" else None
    return card if recipe is None or recipe.read_text(encoding="utf-8").rstrip() in card else ""
