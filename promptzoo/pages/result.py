"""What `promptzoo train` and `eval` print at the end."""

from typing import Any

from rich.console import Console
from rich.markup import escape

from promptzoo.pages.numbers import percent
from promptzoo.pages.table import Table
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.result import Result


def result_page(result: Result, recipe: Recipe, out: Console) -> None:
    """Frozen zero-shot beside the trained model, what was tuned, and where the run is."""
    table = Table(("", "validation %", "test %", "tuned parameters"))
    if result.zero_shot is not None and result.tuned_parameters:
        table.add("frozen zero-shot", "-", percent(result.zero_shot), "0")
    val = (result.val or {}).get("accuracy")
    tuned = f"{result.tuned_parameters:,}"
    for name, share in result.stages.items():
        table.add(f"after {name}", "-", percent(share), "")
    table.add(result.recipe, percent(val), percent(result.test["accuracy"]), tuned, depth=0)
    out.print(table.screen())
    if (mean := result.test.get("mean_per_class")) is not None:
        out.print(f"mean per-class accuracy {percent(mean)} %, used to select")
    if result.stages:
        gain = 100 * (result.test["accuracy"] - list(result.stages.values())[-1])
        out.print(f"gain of the last stage: {gain:+.1f} points on test")
    chosen = {"val": "the best epoch on validation", "last": "the last epoch", "mean": "the mean of the last epochs"}
    if result.val is None:
        chosen["last"] += " (no validation pictures)"
    which = f", {chosen[result.selection]}: {result.best_epoch} of {result.epochs}" if result.epochs else ""
    out.print(f"{recipe.backbone.open}{which}; {result.seconds:.0f} s, {result.peak_memory / 1024:.1f} GB peak memory")
    for remark in result.remarks:
        out.print(f"[dim]note: {escape(remark)}[/]")
    out.print(f"run saved in [bold]{escape(result.out)}[/]", soft_wrap=True)


TITLES = {
    "mean_per_class": "mean per-class accuracy",
    "top5": "top-5",
    "loss": "NLL",
    "calibration_error": "calibration error",
}  # of figures, in this order
MOST = 40  # classes of a table


def figures_page(figures: dict[str, Any], out: Console) -> None:
    """The figures of one split, and those of each class, the worst first where there are many."""
    out.print(f"{figures['split']}: accuracy [bold]{percent(figures['accuracy'])} %[/], {figures['count']:,} pictures")
    for key, title in TITLES.items():
        if key in figures:
            share = f"{percent(figures[key])} %" if key != "loss" else f"{figures[key]:.4f} nats"
            out.print(f"  {title} {share}")
    known = ("split", "accuracy", "count", "remarks", "per_class", "class_accuracy", *TITLES)
    for key, value in figures.items():
        if isinstance(value, int | float) and key not in known:
            out.print(f"  {escape(key)} {value:g}")
    if rows := figures.get("per_class"):
        shares = figures.get("class_accuracy", {})
        names = sorted(rows, key=lambda name: shares.get(name) or 0) if len(rows) > MOST else list(rows)
        table = Table(["class", "%", *next(iter(rows.values()))])
        for name in names[:MOST]:
            table.add(name, percent(shares.get(name)), *(f"{number:g}" for number in rows[name].values()))
        out.print(table.screen())
        if len(names) > MOST:
            out.print(f"[dim]and {len(names) - MOST} more classes with higher accuracy; --format json has all[/]")
    for remark in figures["remarks"]:
        out.print(f"[dim]note: {escape(remark)}[/]")
