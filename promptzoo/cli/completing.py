"""What a shell may complete: recipes and lists, words of settings and of a recipe's page, and their values."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, get_args, get_origin

import typer

SHELVES = {
    "block": "blocks", "graft": "grafts", "head": "heads", "loss": "losses", "rule": "rules", "task": "tasks",
    "logger": "loggers",
}  # fmt: skip


def words(context: typer.Context, parameter: typer.CallbackParam, incomplete: str) -> list[str]:
    """The rest of a word: the recipe first, its overrides behind it.

    bash cuts a word at `=`, and takes the value alone; what stands right before it is a key without its value.
    """
    before: list[str] = [str(word) for word in context.params.get(str(parameter.name)) or ()]
    cut = before[-1:] == ["="]
    if cut or (not incomplete and len(before) > 1 and f"{before[-1]}=" in keys(before[0])):
        *before, key = before[:-1] if cut else before
        return items(values(before, key, incomplete))
    key, sign, value = incomplete.partition("=")
    if sign:
        return items(f"{key}={one}" for one in values(before, key, value))
    if before:
        return items(one for one in keys(before[0]) if one.startswith(incomplete))
    return items(one for one in recipes(str(context.info_name)) if one.startswith(incomplete))


def items(found: Iterable[str]) -> list[str]:
    """In order, each once; where there is none the shell completes files."""
    return sorted(set(found))


def recipes(command: str) -> list[str]:
    from promptzoo.recipe.registry import shipped_lists, shipped_recipes

    return [*shipped_recipes(), *(shipped_lists() if command in ("report", "compare", "sweep") else ())]


def page(recipe: str) -> dict[str, Any]:
    """What a shipped recipe, or one of a file, says; nothing of one that cannot be read."""
    from promptzoo.errors import ZooError
    from promptzoo.paths import regular
    from promptzoo.recipe import yaml
    from promptzoo.recipe.registry import shipped_recipes

    try:
        told = yaml.quick(regular(shipped_recipes().get(recipe, recipe)).read_text(encoding="utf-8"), recipe)
    except (OSError, ValueError, ZooError):
        return {}
    return told if isinstance(told, dict) else {}


def keys(recipe: str) -> Iterator[str]:
    """Every override's key: the settings, and the words of the recipe's own nodes."""
    from promptzoo.recipe.near_words import SECTIONS

    for section, cls in SECTIONS.items():
        yield from (f"{section}.{word}=" for word in cls.model_fields)
    yield from ("data.root=", *inside(page(recipe), ""))


def inside(node: dict[str, Any], way: str) -> Iterator[str]:
    for key, value in node.items():
        if isinstance(value, dict):
            yield from inside(value, f"{way}{key}.")
        elif way:
            yield f"{way}{key}="


def values(before: list[str], key: str, begun: str) -> list[str]:
    """The values of a key that begin so: the words of a literal, of a shelf of the registry, and the page's own."""
    *_, section, word = ["", *key.split(".")]
    return [one for one in possible(before[0] if before else "", key, section, word) if one.startswith(begun)]


def possible(recipe: str, key: str, section: str, word: str) -> Iterator[str]:
    from promptzoo.recipe.near_words import SECTIONS
    from promptzoo.recipe.presets import load_presets
    from promptzoo.recipe.registry import load_registry

    if word in SHELVES:
        yield from getattr(load_registry(), SHELVES[word])
    elif key == "data.dataset":
        yield from (*load_registry().datasets, *load_presets())
    elif key == "backbone.open":
        yield from ("promptzoo/zoo_tiny", "timm/vit_base_patch16_224", "open_clip/ViT-B-16-quickgelu")
    elif key == "backbone.weights":
        yield from ("shipped", "random")
    elif section in SECTIONS and word in SECTIONS[section].model_fields:
        yield from literals(SECTIONS[section].model_fields[word].annotation)
    here: Any = page(recipe)
    for one in key.split("."):
        here = here.get(one) if isinstance(here, dict) else None
    if isinstance(here, int | float | str) and not isinstance(here, bool):
        yield str(here)


def literals(annotation: Any) -> Iterator[str]:
    if annotation is bool:
        yield from ("true", "false")
    elif get_origin(annotation) is Literal:
        yield from map(str, get_args(annotation))
    else:
        for one in get_args(annotation):
            yield from literals(one)
