"""What `promptzoo train` and `eval` print at the end."""

from typing import Any

from rich.console import Console
from rich.markup import escape

from promptzoo.pages.numbers import percent
from promptzoo.pages.table import Table
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.evaluate import ACCURACY, main_figure, task_of
from promptzoo.training.result import Result


def result_page(result: Result, recipe: Recipe, out: Console) -> None:
    """Frozen zero-shot beside the trained model, what was tuned, and where the run is."""
    task = task_of(recipe)
    figure, test = main_figure(task, result.test)
    val, shares = (result.val or {}).get(figure), figure == ACCURACY
    write = percent if shares else plain
    table = Table(
        ("", *(f"{split} {'%' if shares else figure}" for split in ("validation", "test")), "tuned parameters")
    )
    if result.zero_shot is not None and result.tuned_parameters and shares:
        table.add("frozen zero-shot", "-", percent(result.zero_shot), "0")
    tuned = f"{result.tuned_parameters:,}"
    for name, reached in result.stages.items():
        table.add(f"after {name}", "-", write(reached), "")
    table.add(result.recipe, write(val), write(test), tuned, depth=0)
    out.print(table.screen())
    if (mean := result.test.get("mean_per_class")) is not None:
        out.print(f"mean per-class accuracy {percent(mean)} %, used to select")
    if result.stages and shares:
        gain = 100 * (test - list(result.stages.values())[-1])
        out.print(f"gain of the last stage: {gain:+.1f} points on test")
    chosen = {"val": "the best epoch on validation", "last": "the last epoch", "mean": "the mean of the last epochs"}
    if result.val is None:
        chosen["last"] += " (no validation pictures)"
    which = f", {chosen[result.selection]}: {result.best_epoch} of {result.epochs}" if result.epochs else ""
    out.print(f"{recipe.backbone.open}{which}; {result.seconds:.0f} s, {result.peak_memory / 1024:.1f} GB peak memory")
    for remark in result.remarks:
        out.print(f"[dim]note: {escape(remark)}[/]")
    out.print(f"run saved in [bold]{escape(result.out)}[/]", soft_wrap=True)


def plain(value: Any) -> str:
    """A figure that is no share."""
    return f"{value:.4g}" if isinstance(value, int | float) else "-"


TITLES = {
    "mean_per_class": "mean per-class accuracy",
    "top5": "top-5",
    "loss": "NLL",
    "calibration_error": "calibration error",
}  # of figures, in this order
MOST = 40  # classes of a table


def figures_page(figures: dict[str, Any], out: Console) -> None:
    """The figures of one split, and those of each class, the worst first where there are many."""
    reached = f"accuracy [bold]{percent(figures['accuracy'])} %[/]" if "accuracy" in figures else ""
    count = f"{figures['count']:,} pictures" if "count" in figures else ""
    out.print(f"{figures['split']}: {', '.join(filter(None, (reached, count))) or 'its task tells no accuracy'}")
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
