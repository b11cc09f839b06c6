"""What `promptzoo train`, `eval` and `predict` print at the end."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from promptzoo.errors import ZooError
from promptzoo.pages.numbers import percent
from promptzoo.pages.table import Table
from promptzoo.recipe.recipe import Recipe
from promptzoo.training.predictor import Prediction
from promptzoo.training.result import Result


def result_page(result: Result, recipe: Recipe, out: Console) -> None:
    """Frozen zero-shot beside the trained model, what was tuned, and where the run is."""
    table = Table(("", "validation %", "test %", "tuned parameters"))
    if result.zero_shot is not None and result.tuned_parameters:
        table.add("frozen zero-shot", "-", percent(result.zero_shot), "0")
    val = (result.val or {}).get("accuracy")
    tuned = f"{result.tuned_parameters:,}"
    table.add(result.recipe, percent(val), percent(result.test["accuracy"]), tuned, depth=0)
    out.print(table.screen())
    chosen = {"val": "the best epoch on validation", "last": "the last epoch (no validation pictures)"}
    which = f", {chosen[result.selection]}: {result.best_epoch} of {result.epochs}" if result.epochs else ""
    out.print(f"{recipe.backbone.open}{which}; {result.seconds:.0f} s, {result.peak_memory / 1024:.1f} GB of memory")
    for remark in result.remarks:
        out.print(f"[dim]note: {escape(remark)}[/]")
    out.print(f"the run is in [bold]{escape(result.out)}[/]", soft_wrap=True)


def figures_page(figures: dict[str, Any], out: Console) -> None:
    """The figures of one split, and those of each class."""
    out.print(f"{figures['split']}: accuracy [bold]{percent(figures['accuracy'])} %[/]")
    for key, value in figures.items():
        if isinstance(value, int | float) and key != "accuracy":
            out.print(f"  {key} {value:g}")
        elif isinstance(value, dict):
            table = Table(["class", *next(iter(value.values()), {})])
            for name, row in value.items():
                table.add(name, *(f"{number:g}" for number in row.values()))
            out.print(table.screen())
    for remark in figures["remarks"]:
        out.print(f"[dim]note: {escape(remark)}[/]")


def predictions_page(files: Sequence[str], found: Sequence[Prediction | ZooError], out: Console) -> None:
    """A line for each picture: its likeliest classes and their probabilities.

    Raises `ZooError` at the end, with the reason for each picture that could not be read.
    """
    for file, prediction in zip(files, found, strict=True):
        if isinstance(prediction, ZooError):
            continue
        named = ", ".join(f"{name} {100 * share:.1f} %" for name, share in prediction.ranking)
        out.print(f"[bold]{escape(file)}[/]  {escape(named)}", soft_wrap=True)
    if broken := [str(one) for one in found if isinstance(one, ZooError)]:
        raise ZooError(f"{len(broken)} of {len(files)} pictures cannot be read", given=len(broken), lines=broken)
