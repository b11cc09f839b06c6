"""What `promptzoo check` and `promptzoo report` print: the tower with who acts where, and what a model costs."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.tree import Tree

from promptzoo.build import build, open_of
from promptzoo.errors import ZooError
from promptzoo.graft import Around, bare
from promptzoo.model import Model
from promptzoo.prepare import open_dataset
from promptzoo.recipe import Recipe
from promptzoo.report import Part, Report, report

PLACEHOLDERS = 10


@dataclass(frozen=True)
class Checked:
    """A recipe built without its weights: the model, what it costs, and what was put in place of what is not here."""

    model: Model
    report: Report
    remarks: tuple[str, ...]


def check(recipe: Recipe) -> Checked:
    """Builds a recipe with random weights where its own would be downloaded, and counts what it costs.

    The class names are those of the pictures where they are here.  Raises `RecipeError`.
    """
    remarks = []
    if recipe.backbone.weights not in ("random", "shipped") and "." not in recipe.backbone.weights:
        remarks.append(f"weights '{recipe.backbone.weights}' are not fetched for this: random ones stand in")
        recipe = Recipe.of(recipe.to_dict(), recipe.source, ["backbone.weights=random"])
    try:
        classes = open_dataset(recipe).classes
    except ZooError as error:
        classes = [f"class {i}" for i in range(PLACEHOLDERS)]
        remarks.append(f"the pictures are not here, {PLACEHOLDERS} classes stand in: {error}")
    model = build(recipe, classes, open_of(recipe))
    return Checked(model, report(model, recipe.name), tuple(remarks))


def check_page(recipe: Recipe, out: Console) -> None:
    """The tower, who acts at which site, and the cost."""
    checked = check(recipe)
    model, cost = checked.model, checked.report
    out.print(f"[bold]{escape(recipe.name)}[/] on {escape(recipe.backbone.open)}: {len(model.classes)} classes")
    out.print(tree(model))
    for line in spent(cost):
        out.print(line)
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
    root.add(line("visual.tokens", "tokens", f"{h} x {w} patches of width {bare(tower.tokens).out}"))
    embed = root.add(line("visual.embed", "embed", f"{tower.prefix} own prefix tokens"))
    for part in ("prefix", "positions", "enter", "norm"):
        embed.add(line(f"visual.embed.{part}", part))
    shape = f"{len(tower.layers)} layers of width {', '.join(map(str, widths))}, {first.heads} heads"
    layers = root.add(line("visual.layers.*", "layers.*", shape))
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
    root.add(line("visual.norm", "norm"))
    root.add(line("visual.pool", "pool", f"feature of width {tower.out}"))
    root.add(line("head", "head", type(bare(model.head)).__name__))
    if model.text is not None:
        root.add(line("text", "text", f"{len(model.text.layers)} layers of width {model.text.widths[0]}"))
    for name, loss in model.losses.items():
        root.add(f"[dim]loss[/] {escape(name)}[dim]  {model.weights[name]:g} x {type(loss).__name__}[/]")
    return root


def actors(model: Model) -> dict[str, list[str]]:
    """Site patterns (`*` for the layer) to the grafts that act there, inside to outside, with their layers."""
    found: dict[str, dict[str, list[int]]] = {}
    for site in model.sites():
        pattern = re.sub(r"\.\d+", ".*", site.path)
        for name in around(site.module):
            found.setdefault(pattern, {}).setdefault(name, []).extend([] if site.layer is None else [site.layer])
    depth = len(model.visual.layers)
    inside_out = list(model.grafts)
    return {
        pattern: [f"{name}{spans(names[name], depth)}" for name in sorted(names, key=inside_out.index)]
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
    yield f"tuned {cost.tuned:,} parameters, {cost.share:.3f} % of the {cost.frozen:,} frozen ones"
    for part in cost.parts:
        own = f", {part.macs / 1e9:.3f} GMACs of its own" if part.macs else ""
        yield f"  {escape(part.name):<20} {part.parameters:>12,}{own}"
    more = 100 * (cost.macs / cost.bare_macs - 1)
    yield f"{cost.macs / 1e9:.2f} GMACs a picture, {more:+.1f} % over the bare backbone's {cost.bare_macs / 1e9:.2f}"


def report_page(recipes: Sequence[Recipe], out: Console, form: str = "table") -> None:
    """One row for each recipe, and one for each of its parts; or the same as JSON."""
    reports = [(recipe, check(recipe)) for recipe in recipes]
    if form == "json":
        rows = [{"backbone": recipe.backbone.open, **checked.report.to_dict()} for recipe, checked in reports]
        print(json.dumps(rows, indent=2))
        return
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("recipe", "backbone", "tuned", "% of frozen", "GMACs", "bare"):
        names = title in ("recipe", "backbone")
        table.add_column(title, justify="left" if names else "right", overflow="fold", no_wrap=not names)
    for recipe, checked in reports:
        cost = checked.report
        numbers = (f"{cost.tuned:,}", f"{cost.share:.3f}", f"{cost.macs / 1e9:.3f}", f"{cost.bare_macs / 1e9:.3f}")
        table.add_row(f"[bold]{escape(recipe.name)}[/]", escape(recipe.backbone.open), *numbers)
        for name, parameters, macs in map(row, opened(checked)):
            table.add_row(f"  [dim]{escape(name)}[/]", "", parameters, "", macs, "", style="dim")
    out.print(table)
    for note in dict.fromkeys(remark for _, checked in reports for remark in checked.remarks):
        out.print(f"[dim]note: {escape(note)}[/]")


def opened(checked: Checked) -> Iterator[Part]:
    """The parts of a model, the blocks of a graft on lines of their own, and the sums that a graft asks for."""
    for part in checked.report.parts:
        yield part
        kind, _, name = part.name.partition(".")
        if kind == "grafts":
            graft = checked.model.grafts[name]
            for word, child in graft.named_children():
                size = sum(p.numel() for p in child.parameters())
                if size:
                    yield Part(f"  {word}", size, 0.0)
            for title, members in getattr(graft, "sums", {}).items():
                size = sum(p.numel() for key, p in checked.model.tuned().items() if counted(key, part.name, members))
                yield Part(f"  = {title}", size, 0.0)


def counted(key: str, graft: str, members: Sequence[str]) -> bool:
    """Whether a parameter belongs to a sum: to a block of the graft, or (with a dot in front) to one of any loss."""
    mine = key.startswith(tuple(f"{graft}.{word}." for word in members if not word.startswith(".")))
    return mine or any(key.startswith("losses.") and f"{word}." in key for word in members if word.startswith("."))


def row(part: Part) -> tuple[str, str, str]:
    """Name, parameters and multiply-accumulates of a part, as the table writes them."""
    return part.name, f"{part.parameters:,}", f"{part.macs / 1e9:.3f}" if part.macs else ""
