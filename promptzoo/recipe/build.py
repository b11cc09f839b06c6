"""Registry and recipe to a model; all mistakes of a user that show only on a real backbone are raised here."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch

from promptzoo.arguments import typed
from promptzoo.backbones import Backbone
from promptzoo.data.room import room
from promptzoo.doing import doing
from promptzoo.errors import RecipeError, ZooError, located, placing, told
from promptzoo.grafts.shared.at import VERBS, AtSite, Thaw
from promptzoo.model.contract import Rule
from promptzoo.model.frozen import Original, asked
from promptzoo.model.inside import acting
from promptzoo.model.model import Model
from promptzoo.model.ordinary import ordinary
from promptzoo.model.shapes import rehearse
from promptzoo.model.site import bare
from promptzoo.recipe.backbone import numbered
from promptzoo.recipe.featured import demand_behind, featured, stand_in
from promptzoo.recipe.from_recipe import Construct
from promptzoo.recipe.knowledge import knowledge_dim
from promptzoo.recipe.logits import check_logits
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.registry import load_registry
from promptzoo.recipe.towers import open_hollow, open_towers


def open_of(recipe: Recipe, hollow: bool = False, pictures: bool = False) -> Backbone:
    """The backbone of a recipe, adopted and frozen; `hollow` opens its shapes alone, whatever its weights.

    Beside features that are computed already it is hollow too, unless `pictures` are to pass it.
    """
    asked = recipe.backbone
    try:
        if featured(recipe) and not hollow:
            opening = partial(open_towers, weights=asked.weights) if pictures else open_hollow
            opening = partial(opening, size=asked.size, options=asked.options)
            return stand_in(recipe, opening, hollow=not pictures)
        with doing(f"opening the backbone {asked.open}{'' if hollow else f', weights {asked.weights}'}"):
            if hollow:
                backbone = open_hollow(asked.open, size=asked.size, options=asked.options)
            else:
                backbone = open_towers(asked.open, asked.weights, size=asked.size, options=asked.options)
        if asked.dropout:
            backbone.adopted.visual.dropout(asked.dropout)
    except ZooError as error:
        raise located(error, recipe.node.where("backbone")) from error
    return backbone


@typed("recipe", "classes")
@ordinary()
def build(
    recipe: Recipe | str | Path | Mapping[str, Any],
    classes: int | Sequence[str],
    backbone: Backbone | None = None,
    *,
    rehearsed: bool = True,
    knowledge: int | None = None,
) -> Model:
    """Builds the model of a recipe, its trainable parts drawn under the recipe's seed: `build("sa2vp", classes=10)`.

    Args:
        recipe: A `Recipe`, or what one is made from: a name, a path, text, a mapping.
        classes: Their names, or how many.
        backbone: By default the recipe's own.
        rehearsed: Whether to check with one forward pass of shapes that it fits its pictures.
        knowledge: The width of the knowledge, if known without its source.

    Returns a `Model`: pictures b 3 h w, normalised, to logits b c.
    Raises `RecipeError` with the place in the recipe, `ZooError` for a backbone that cannot be opened.
    """
    recipe = recipe if isinstance(recipe, Recipe) else Recipe(recipe)
    classes = numbered(classes)
    construct = Construct(load_registry())
    for kind, node in recipe.beside().items():
        construct.make(node, kind)  # what is needed later is checked now
    backbone = backbone or open_of(recipe)
    adopted = backbone.adopted
    with torch.random.fork_rng(devices=[]), room(f"the recipe {recipe.name}"):
        torch.default_generator.manual_seed(recipe.train.seed)
        model = Model(adopted.visual, adopted.text, classes, adopted.logit_scale)
        model.backbone, model.recipe = backbone, recipe
        where = recipe.node.where
        with placing(where("head")):
            model.head = construct.build(
                recipe.head, "head", dim=adopted.visual.out, classes=len(classes), **_texts(model, backbone)
            )
        grafts = {name: _graft(construct, node, recipe.data.shots) for name, node in recipe.grafts.items()}
        with placing(where("grafts")):
            model.graft(grafts)
        sizes: dict[str, Any] = {"dim": bare(adopted.visual.tokens).out, "classes": len(classes)}
        sizes |= {"out": adopted.visual.out, **_scale(model, "logit_scale")}
        if recipe.knowledge is not None:
            sizes["knowledge_dim"] = knowledge or knowledge_dim(recipe.knowledge, model)
        for name, node in recipe.losses.items():
            if recipe.weights[name]:  # a loss of weight 0 is left out, with what it owns
                if "knowledge_dim" not in sizes and _wants_knowledge(construct, node):
                    said = f"loss '{name}' needs knowledge of each class, but the recipe has no 'knowledge'"
                    way = "add one, such as knowledge: {text: backbone}"
                    raise RecipeError(said, place=where("losses", name), key="knowledge", remedy=way)
                with placing(where("losses", name)):
                    model.losses[name] = construct.build(node, "loss", **sizes)
                model.weights[name] = recipe.weights[name]
        if "thawed" in acting(adopted.visual) and (adopted.text is not None or asked(model.grafts, model.losses)):
            model.original = Original(adopted.visual)
        _check_notes(recipe, model)
        check_logits(recipe, model)
        _check_rule(recipe, construct.build(recipe.rule, "rule"), model)
    if rehearsed:
        with fitting(recipe):
            rehearse(model.eval())
    if backbone.stands_in:
        demand_behind(recipe, model)
    return model.eval()


def _graft(construct: Construct, node: Any, shots: int | None) -> Any:
    """A method of the registry, which may ask for the pictures of a class, or a block at a site."""
    if "graft" in node:
        return construct.build(node, "graft", shots=shots)
    only = node.get("only")
    if "thaw" in node:
        return Thaw(node["at"], node["thaw"], only=only)
    verb = next(verb for verb in VERBS if verb in node)
    return AtSite(node["at"], verb, construct.make(node[verb], "block"), only=only)


def _texts(model: Model, backbone: Backbone) -> dict[str, Any]:
    """What a head may want to know of the text side."""
    bias = backbone.adopted.logit_bias
    known = {"names": model.classes, "text": model.text, "tokenize": backbone.tokenize, **_scale(model, "scale")}
    return known if bias is None else {**known, "bias": float(bias)}


def _scale(model: Model, word: str) -> dict[str, float]:
    """The backbone's frozen logit scale under a word, where it has one."""
    return {} if model.logit_scale is None else {word: float(model.logit_scale.exp())}


def _wants_knowledge(construct: Construct, node: Any) -> bool:
    return "knowledge_dim" in construct.make(node, "loss").parameters


def _check_notes(recipe: Recipe, model: Model) -> None:
    """Every note that is read has a writer; a graft reads only what an earlier one writes."""
    written: dict[str, str] = {}
    for name, graft in model.grafts.items():
        for note in graft.reads:
            _demand_note(recipe, f"graft '{name}'", note, written, ("grafts", name))
        written |= {f"{name}.{word}": name for word in graft.writes}
    for name, loss in model.losses.items():
        for note in loss.reads:
            _demand_note(recipe, f"loss '{name}'", note, written, ("losses", name))


def _check_rule(recipe: Recipe, rule: Rule, model: Model) -> None:
    """Every loss that a rule asks for by name is there."""
    for name in rule.reads:
        if recipe.losses and name not in model.losses:
            weightless = name in recipe.losses
            said = f"the rule needs the loss '{name}'{', whose weight is 0' if weightless else ''}"
            possible = None if weightless else model.losses
            raise RecipeError(said, place=recipe.node.where("rule"), key="rule", given=name, possible=possible)


@contextmanager
def fitting(recipe: Recipe) -> Iterator[None]:
    """Around a model's first forward: what fits no picture of this size gets its place in the recipe."""
    try:
        yield
    except ZooError as error:
        raise located(error, recipe.node.where("grafts" if recipe.grafts else "backbone")) from error
    except Exception as error:
        where = recipe.node.where("grafts" if recipe.grafts else "backbone")
        if isinstance(error, ValueError | RuntimeError) and str(error):
            raise RecipeError(str(error).splitlines()[0], place=where) from error
        raise RecipeError(told(error), place=where) from error


def _demand_note(recipe: Recipe, who: str, note: str, written: dict[str, str], where: tuple[str, ...]) -> None:
    if note in written:
        return
    word = note.rpartition(".")[2]
    writers = [e for e, one in load_registry().grafts.items() if word in one.load().writes]
    would = f" ({' or '.join(writers)} would)" if writers else ""
    raise RecipeError(
        f"{who} reads '{note}', which no graft in this recipe writes{would}",
        place=recipe.node.where(*where),
        key=where[-1],
        given=note,
        possible=written or None,
    )
