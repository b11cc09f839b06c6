"""Known differences from papers and released code, and their bugs that are not repeated, as the registry says them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from promptzoo.pages.cards.markdown import bullets, code, link, sections
from promptzoo.recipe import yaml
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import Entry, Method, Registry, load_registry

Part = tuple[str, str, Entry]  # kind, word, entry
MODELLED = ("graft", "block", "head", "loss", "rule")  # the kinds of which a method is made

INTRO = """\
# Known differences

What a paper says, what its authors' code computes, and what promptzoo does are not always the same. Where paper and
code differ there are two blocks or two recipes, the plain name as released and `_paper` as written, or an argument;
the header of each recipe says which it is. Below, method by method: where promptzoo does neither, and which bugs of
the original code it does not repeat. Tests would find such bugs here:

* every tuned tensor gets a gradient, or is listed with the reason why it cannot
  (`test_every_trainable_tensor_receives_a_gradient_within_two_steps`,
  `test_every_parameter_gets_a_gradient_within_three_steps`);
* pictures of a batch never mix (`test_rows_never_mix_in_evaluation_mode`,
  `test_rows_mix_in_training_only_where_the_block_says_so`).

Written from `registry.yaml` by tools/cards.py, checked by tests/pages/test_cards.py."""


def parts(recipe: Recipe, registry: Registry) -> list[Part]:
    """The words of a recipe's model, in the order of its page."""
    found: dict[tuple[str, str], Entry] = {}
    for node in yaml.nodes(recipe.node):
        for kind in MODELLED:
            word = node.get(kind)
            if isinstance(word, str) and (entry := registry.shelf(kind).get(word)):
                found.setdefault((kind, word), entry)
    return [(kind, word, entry) for (kind, word), entry in found.items()]


def of_recipe(name: str, recipe: Recipe, registry: Registry) -> str:
    """The two lists of one recipe; a mixture refers to its methods."""
    methods = registry.methods_of(name)
    if len(methods) > 1:
        single = [link(word, f"{method.recipes[0]}.md") for word, method in methods.items()]
        return f"See its methods: {' and '.join(single)}."
    return lists(methods, parts(recipe, registry), "###")


def lists(methods: Mapping[str, Method], used: Iterable[Part], level: str) -> str:
    """What differs, and under a heading what is repaired, of methods and their parts."""
    known = list(used)
    differs, repaired = ([*gathered(methods, known, field)] for field in ("differs", "repaired"))
    return sections(
        bullets(differs) if differs else "None known.",
        f"{level} Bugs of the original code, not repeated here" if repaired else "",
        bullets(repaired),
    )


def gathered(methods: Mapping[str, Method], used: Iterable[Part], field: str) -> Iterator[str]:
    """The sentences, those of a part with its word in front."""
    for _, word, entry in used:
        yield from (f"{code(word)}: {sentence}" for sentence in getattr(entry, field))
    for method in methods.values():
        yield from getattr(method, field)


def page() -> str:
    """docs/differences.md: every method with the parts of its recipes."""
    registry, told = load_registry(), [INTRO]
    for word, method in registry.methods.items():
        used: dict[Any, Part] = {}
        own = [name for name in method.recipes if len(registry.methods_of(name)) == 1]
        for name in own:
            used |= {part[:2]: part for part in parts(Recipe.read(name), registry)}
        cards = ", ".join(link(name, f"methods/{name}.md") for name in own)
        told += [f"## {word}", f"{method.about}. {method.paper}. Recipes: {cards}."]
        told.append(lists({word: method}, used.values(), "###"))
    return sections(*told)
