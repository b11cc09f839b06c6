"""What `promptzoo check` prints: the tower with who acts where, and what a model costs."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from promptzoo.backbones.tower import Tower
from promptzoo.costs.counting import class_names, of_model
from promptzoo.costs.report import Report
from promptzoo.model.inside import acting
from promptzoo.model.model import FROZEN, Model
from promptzoo.model.site import Around, bare
from promptzoo.pages.numbers import giga
from promptzoo.recipe.build import build, open_of
from promptzoo.recipe.pictures import open_data
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.nearness import nearness
from promptzoo.training.prepare import prepare_parts


@dataclass(frozen=True)
class Checked:
    """A recipe built without its weights: the model, what it costs, and what was put in place of what is not here.

    `cosine` is that of its features to the frozen model's before training, where pictures were asked for.
    """

    model: Model
    report: Report
    remarks: tuple[str, ...]
    cosine: float | None = None


def check(recipe: Recipe, pictures: int = 0) -> Checked:
    """Builds a recipe, from shapes alone where its weights are no file here, and counts what it costs.

    The class names are those of the pictures where they are here.  With `pictures`, weights and pictures are opened as
    for a training, and so many training pictures tell where it starts.  Raises `ZooError`.
    """
    if pictures:
        backbone = open_of(recipe)
        data = open_data(recipe, backbone)
        model = build(recipe, data.classes, backbone)
        prepare_parts(
            {name: graft for name, graft in model.grafts.items() if name in acting(model.visual)}, recipe, model, data
        )
        cosine = nearness(model, data.train, pictures)
        return Checked(model, of_model(model, recipe, steps=False), tuple(recipe.remarks), cosine)
    asked, remarks = recipe.backbone.weights, list[str]()
    here = asked == "shipped" or Path(asked).suffix != ""
    if not here:
        remarks.append(f"weights '{asked}' are not downloaded for this check, which needs only shapes")
    classes, more = class_names(recipe)
    model = build(recipe, classes, open_of(recipe, hollow=not here))
    return Checked(
        model,
        of_model(model, recipe, steps=False),
        (*recipe.remarks, *(remarks if asked != "random" else ()), *model.backbone.remarks, *more),
    )


def check_page(recipe: Recipe, out: Console, pictures: int = 0) -> None:
    """The tower, who acts at which site, the cost, and where it starts, on so many training pictures."""
    checked = check(recipe, pictures)
    model, cost = checked.model, checked.report
    out.print(f"[bold]{escape(recipe.name)}[/] on {escape(recipe.backbone.open)}: {len(model.classes)} classes")
    out.print(tree(model))
    for line in spent(cost):
        out.print(line)
    if checked.cosine is not None:
        out.print(
            f"at the start, cosine {checked.cosine:.3f} to the frozen feature, mean of {pictures} training pictures"
        )
    for remark in checked.remarks:
        out.print(f"[dim]note: {escape(remark)}[/]")


def tree(model: Model) -> Tree:
    """The visual tower as a tree of its parts; behind each, the grafts that act there, inside to outside."""
    tower, acting = model.visual, actors(model)

    def line(site: str, label: str, about: str = "") -> str:
        grafts = "  [bold green]◀ " + ", ".join(map(escape, acting[site])) + "[/]" if site in acting else ""
        return f"{label}[dim]{f'  {about}' if about else ''}[/]{grafts}"

    h, w = tower.grid or (0, 0)
    first = bare(tower.layers[0])
    widths = list(dict.fromkeys(tower.widths))
    root = Tree(line("visual", "visual", f"picture {' x '.join(map(str, tower.input))}"))
    what = "patches" if tower.heads else "places"
    root.add(line("visual.tokens", "tokens", f"{h} x {w} {what} of width {bare(tower.tokens).out}"))
    embed = root.add(line("visual.embed", "embed", f"{tower.prefix} prefix tokens of its own"))
    for part in ("prefix", "positions", "enter", "norm") if tower.heads else ():
        embed.add(line(f"visual.embed.{part}", part))
    shape = f"{len(tower.layers)} layers of width {', '.join(map(str, widths))}"
    shape += f", {first.heads} heads" if tower.heads else "of feature maps"
    layers = root.add(line("visual.layers.*", "layers.*", shape))
    inside(layers, tower, line, acting)
    root.add(line("visual.norm", "norm"))
    root.add(line("visual.pool", "pool", f"feature of width {tower.out}"))
    root.add(line("head", "head", type(bare(model.head)).__name__))
    if model.text is not None:
        text = root.add(line("text", "text", f"{len(model.text.layers)} layers of width {model.text.widths[0]}"))
        for site in (site for site in acting if site.startswith("text.")):
            text.add(line(site, site.removeprefix("text.")))
    for name, loss in model.losses.items():
        root.add(f"[dim]loss[/] {escape(name)}[dim]  {model.weights[name]:g} x {type(loss).__name__}[/]")
    return root


def inside(layers: Tree, tower: Tower, line: Callable[..., str], acting: Iterable[str]) -> None:
    """The parts of a layer as branches of the tree; of a layer of maps, what is in them where something acts."""
    if not tower.heads:
        for part in ("residual", "shortcut", "act"):
            site = f"visual.layers.*.{part}"
            below = layers.add(line(site, part))
            for deep in (one for one in acting if one.startswith(f"{site}.")):
                below.add(line(deep, deep.removeprefix(f"{site}.")))
        return
    if any(bare(layer).dim != bare(layer).width for layer in tower.layers):
        layers.add(line("visual.layers.*.merge", "merge"))
    layers.add(line("visual.layers.*.enter", "enter"))
    branch = layers.add(line("visual.layers.*.attention", "attention"))
    inner = branch.add(line("visual.layers.*.attention.attn", "attn"))
    for part in ("qkv", "mix", "proj"):
        inner.add(line(f"visual.layers.*.attention.attn.{part}", part))
    feed = layers.add(line("visual.layers.*.feedforward", "feedforward"))
    perceptron = feed.add(line("visual.layers.*.feedforward.mlp", "mlp"))
    for part in ("fc1", "fc2"):
        perceptron.add(line(f"visual.layers.*.feedforward.mlp.{part}", part))


def actors(model: Model) -> dict[str, list[str]]:
    """Site patterns (`*` for the layer) to the grafts that act there, inside to outside, with their layers."""
    found: dict[str, dict[str, list[int]]] = {}
    for site in model.sites():
        pattern = re.sub(r"\.\d+", ".*", site.path)
        for name in around(site.module):
            found.setdefault(pattern, {}).setdefault(name, []).extend([] if site.layer is None else [site.layer])
    depth = {name: len(tower.layers) for name in FROZEN if (tower := getattr(model, name)) is not None}
    inside_out = list(model.grafts)
    return {
        pattern: [
            f"{name}{spans(names[name], depth.get(pattern.partition('.')[0], 0))}"
            for name in sorted(names, key=inside_out.index)
        ]
        for pattern, names in found.items()
    }


def around(module: Any) -> Iterator[str]:
    """The names of what is grafted around a module, outside to inside."""
    while isinstance(module, Around):
        yield module.name
        module = module.step


def spans(layers: Sequence[int], depth: int) -> str:
    """The layers in brackets, runs as `1-11`; nothing when it is all of them, or none."""
    kept = sorted(set(layers))
    if not kept or len(kept) == depth:
        return ""
    runs: list[list[int]] = []
    for layer in kept:
        if runs and layer == runs[-1][-1] + 1:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    return " in " + ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def spent(cost: Report) -> Iterator[str]:
    """The cost of one model in lines."""
    counts = cost.parameters
    share = f"{cost.shares[0].percent:.3f} % of {cost.shares[0].what}'s {cost.shares[0].denominator:,}"
    yield f"{counts.tuned:,} tuned parameters, {share}"
    if counts.inference < counts.tuned:
        yield f"  {counts.inference:,} of them needed to predict"
    for part in cost.parts:
        own = f", {giga(part.own.macs)} own GMACs" if part.own.macs else ""
        more = "" if part.marginal is None else f", {giga(part.marginal)} added in all"
        name = part.name if part.kind == part.name else f"{part.kind} {part.name}"
        yield f"  {escape(name):<20} {part.tuned:>12,}{own}{more}"
    more = f"{100 * (cost.inference.macs / cost.bare.macs - 1):+.1f} %"
    yield f"{giga(cost.inference.macs)} GMACs per picture, {more} over the bare backbone's {giga(cost.bare.macs)}"
