"""Recipe or model to `Report`: built from shapes alone, traced, and counted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral
from pathlib import Path
from typing import Any

import torch

from promptzoo.arguments import typed
from promptzoo.costs.operations import Trace, trace
from promptzoo.costs.parameters import blocks, by_part, parameters, shares
from promptzoo.costs.report import Block, Counted, Operations, Part, Report, Text
from promptzoo.costs.training import training
from promptzoo.errors import ZooError
from promptzoo.model.heads import fixed
from promptzoo.model.look import evaluating
from promptzoo.model.model import Model
from promptzoo.model.ordinary import ordinary
from promptzoo.model.texts import through
from promptzoo.recipe.backbone import numbered
from promptzoo.recipe.build import fitting
from promptzoo.recipe.pictures import open_dataset
from promptzoo.recipe.recipe import Recipe
from promptzoo.recipe.shapes import shapes_of

PLACEHOLDERS = 10  # classes that stand in for those of pictures that are not here
BATCH = 32  # pictures of a training step, where no recipe says

#: Traces of a picture by what predicts it, so that a bare backbone and a recipe without a graft are traced once.
Memo = dict[str, Trace]


@typed("subject", "classes")
@ordinary()
def report(
    subject: Model | Recipe | str | Path | Mapping[str, Any], classes: int | Sequence[str] | None = None
) -> Report:
    """Counts what a recipe or a model costs; needs no weights and no pictures.

    Args:
        subject: A `Recipe`, or what one is made from (a name, a path, text, a mapping), or a `Model`.
        classes: Their names, or how many; by default those of the recipe's pictures.

    Returns a `Report`: parameters, operations of one picture (`macs`, multiply-accumulates), and the parts.
    Raises `RecipeError` for what cannot be built.
    """
    if isinstance(subject, Model):
        return of_model(subject)
    subject = subject if isinstance(subject, Recipe) else Recipe(subject)
    names, remarks = class_names(subject, classes)
    return replace(of_recipe(subject, names, {}), remarks=remarks)


def of_recipe(recipe: Recipe, classes: Sequence[str], memo: Memo) -> Report:
    """The cost of a recipe; what was traced for one before is taken from the memo, which the next one may use."""
    model = shapes_of(recipe, classes)
    with fitting(recipe):
        return of_model(model, recipe, memo)


def tuned_share(recipe: Recipe, classes: int | None) -> Counted:
    """The parameters alone, without a trace."""
    names, _ = class_names(recipe, classes)
    model = shapes_of(recipe, names)
    counts = parameters(model)
    return Counted(len(names), counts.tuned, shares(model, counts))


def class_names(recipe: Recipe, classes: int | Sequence[str] | None = None) -> tuple[list[str], tuple[str, ...]]:
    """The class names of a recipe's pictures, or what stands in for them, and a remark that says so."""
    if classes is not None:
        names = numbered(classes)
        return [f"class {name}" for name in names] if isinstance(classes, Integral) else names, ()
    try:
        return list(open_dataset(recipe).classes), ()
    except ZooError as error:
        names = [f"class {i}" for i in range(PLACEHOLDERS)]
        return names, (f"the pictures are missing; counting with {PLACEHOLDERS} classes: {error}",)


def of_model(model: Model, recipe: Recipe | None = None, memo: Memo | None = None, *, steps: bool = True) -> Report:
    """Traces one picture through the model and through the bare backbone, and counts a training step on shapes.

    Without its recipe a model's marginal costs are unknown where another graft depends on one; without `steps` no
    training step is counted.
    """
    memo = {} if memo is None else memo
    with evaluating(model):
        whole, plain = of_picture(model), without_grafts(model, recipe, memo)
    counts, bare = parameters(model), plain.owned()["visual"]
    if recipe is not None:
        memo[predicting(recipe, model)] = whole
    batch = BATCH if recipe is None else recipe.data.batch
    return Report(
        name="model" if recipe is None else recipe.name,
        backbone="" if recipe is None else recipe.backbone.open,
        classes=len(model.classes),
        parameters=counts,
        shares=shares(model, counts),
        inference=whole.total,
        bare=bare,
        training=training(model, batch, bare.products) if steps else None,
        text=of_text(model),
        parts=tuple(parts(model, whole, plain, recipe, memo)),
        layers=whole.layers(),
        sites=whole.sites(),
        uncounted=whole.uncounted,
        recipe="" if recipe is None else recipe.to_yaml(),
    )


def of_picture(model: Model) -> Trace:
    """One picture to logits."""
    like = next(model.visual.parameters())
    image = torch.zeros(1, *model.visual.input, dtype=like.dtype, device=like.device)
    with fixed(model):
        return trace(model, lambda x: model(x).logits, image)


def of_text(model: Model) -> Text | None:
    """What one class costs in the text tower; each is encoded once for all, unless its text depends on the picture."""
    text = model.text
    if text is None:
        return None
    device = next(text.parameters()).device
    ids, picture = torch.zeros(1, *text.input, dtype=torch.long, device=device), torch.zeros(1, text.out, device=device)
    per_class = trace(model, lambda one: through(text, one, one.new_zeros(1), picture), ids).total.macs
    return Text(per_class, len(model.classes), cached=not text.of_picture)


def without_grafts(model: Model, recipe: Recipe | None, memo: Memo) -> Trace:
    """Backbone and head without any graft."""
    key = "" if recipe is None else predicting(without(recipe, *recipe.grafts), model)
    if key in memo:
        return memo[key]
    with model.ungrafted():
        plain = of_picture(model)
    return memo.setdefault(key, plain) if key else plain


def parts(model: Model, whole: Trace, plain: Trace, recipe: Recipe | None, memo: Memo) -> list[Part]:
    """Grafts with their blocks, losses, the head, and what was thawed."""
    sizes, owned, found = by_part(model), whole.owned(), []
    for name in model.grafts:
        own, own_blocks = owned.get(f"grafts.{name}", Operations()), whole.blocks(name, model.grafts[name])
        listed = {block.name: block for block in blocks(model, name)}
        listed |= {word: Block(word, 0, cost) for word, cost in own_blocks.items() if word not in listed and cost.macs}
        opened = (Block(one.name, one.tuned, own_blocks.get(one.name, Operations())) for one in listed.values())
        rest = rest_of(model, name, whole, plain, recipe, memo)
        marginal = None if rest is None else whole.total.macs - rest
        found.append(Part("graft", name, sizes[f"grafts.{name}"], own, marginal, tuple(opened)))
    found += [Part("loss", name, sizes[f"losses.{name}"]) for name in model.losses if sizes[f"losses.{name}"]]
    found.append(Part("head", "head", sizes["head"], owned.get("head", Operations()), None))
    found += [Part("thawed", name, sizes[name]) for name in ("visual", "text") if sizes[name]]
    return found


def rest_of(model: Model, name: str, whole: Trace, plain: Trace, recipe: Recipe | None, memo: Memo) -> float | None:
    """Multiply-accumulates of a picture without one graft.

    A block that acts at its site alone changes nothing elsewhere, and one that stands alone leaves the bare backbone
    and the head.  For others the recipe without is built and traced: None where there is no recipe, or where another
    graft needs this one.
    """
    if model.grafts[name].acts_alone:
        return whole.total.macs - whole.owned().get(f"grafts.{name}", Operations()).macs
    if len(model.grafts) == 1:
        return plain.total.macs
    if recipe is None or needed(model, name):
        return None
    rest = without(recipe, name)
    key = predicting(rest, model)
    if key not in memo:
        memo[key] = of_picture(shapes_of(rest, model.classes))
    return memo[key].total.macs


def needed(model: Model, name: str) -> bool:
    """Whether another graft reads what this one writes."""
    return any(note.startswith(f"{name}.") for graft in model.grafts.values() for note in graft.reads)


PREDICTS = ("backbone", "grafts", "head")  # the sections of a recipe that a prediction's cost depends on


def without(recipe: Recipe, *names: str) -> Recipe:
    """The recipe as it predicts without some of its grafts."""
    told = recipe.to_dict()
    told["grafts"] = {name: graft for name, graft in told.get("grafts", {}).items() if name not in names}
    return Recipe.of({key: told[key] for key in (*PREDICTS, "data") if key in told}, recipe.source)


def predicting(recipe: Recipe, model: Model) -> str:
    """What the cost of a prediction depends on, as a key."""
    told = recipe.to_dict()
    return repr((len(model.classes), [told.get(key) or None for key in PREDICTS]))
