"""What `promptzoo show` prints: the card of a word, a class or a recipe."""

from rich.console import Console

from promptzoo.errors import ZooError
from promptzoo.pages.cards.screen import print_card
from promptzoo.pages.cards.shipped import written
from promptzoo.pages.console import console
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import OURS, Entry, load_registry, shipped_lists, shipped_recipes


def words() -> set[str]:
    """Everything that `show` can be asked for by a word."""
    return {*shipped_recipes(), *shipped_lists(), *(word for _, word, _ in load_registry().entries())}


def show_page(name: str) -> None:
    """All about one word, class or recipe; a word that is a recipe too is shown by the name of its class."""
    registry, out = load_registry(), console()
    found = [one for one in registry.entries() if name in (one[1], one[2].path.partition(":")[2])]
    if not found and name not in words():
        classes = [entry.path.partition(":")[2] for _, _, entry in registry.entries()]
        said, way = f"nothing is called '{name}'", "promptzoo list shows all names"
        raise ZooError(said, given=name, possible=[*sorted(words()), *classes], remedy=way)
    if name in shipped_recipes():
        print_card(recipe_card(name), out)
        for kind, _, entry in found:
            out.print(f"\n[dim]The {kind} of this name: promptzoo show {entry.path.partition(':')[2]}[/]")
        return
    for kind, word, entry in found:
        print_card(word_card(kind, word, entry), out)
    if name in shipped_lists():
        print_list(name, out)


def word_card(kind: str, word: str, entry: Entry) -> str:
    """As it was written, which needs no import; or made now, of a word that another package brought."""
    card = written(kind, word) if entry.by == OURS else ""
    if not card:
        from promptzoo.pages.cards.word import word_card

        card = word_card(kind, word, entry, load_registry())
    return card


def recipe_card(name: str) -> str:
    """As it was written; or made now, without costs, of a recipe that has changed since."""
    card = written("recipe", name)
    if not card:
        from promptzoo.pages.cards.recipe import drawn, recipe_card

        recipe = Recipe.read(name)
        card = recipe_card(recipe, drawn(recipe), {})
    return card


def print_list(name: str, out: Console) -> None:
    file = shipped_lists()[name]
    out.print(f"[bold cyan]{name}[/]  [dim]recipe list, recipes/lists/{file.name}[/]\n")
    out.print(file.read_text(encoding="utf-8"), markup=False, soft_wrap=True)
