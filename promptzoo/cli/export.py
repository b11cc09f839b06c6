"""`promptzoo export`."""

from pathlib import Path
from typing import Annotated

import typer

from promptzoo.cli.finished import RUN
from promptzoo.cli.loading import loading
from promptzoo.cli.trust import TRUST
from promptzoo.cli.weights import WEIGHTS


def export(
    path: Annotated[Path, RUN],
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="With --to run: the recipe of a peft folder.", show_default=False),
    ] = None,
    to: Annotated[str, typer.Option("--to", metavar="WHAT", help="onnx, pt2, timm, open_clip, peft, or run.")] = "onnx",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="PATH", help="The file or folder; by default inside RUN.")
    ] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="With onnx: round matrices to eight bits, and print both accuracies.")
    ] = False,
    classes: Annotated[
        str, typer.Option("--classes", metavar="A,B,C", help="With --to run: the class names.", show_default=False)
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Overwrite what is there.")] = False,
    weights: Annotated[str | None, WEIGHTS] = None,
    trust_code: Annotated[bool, TRUST] = False,
) -> None:
    """Export a run for onnxruntime, torch.export, timm, open_clip or peft; or import a peft folder as a run."""
    with loading():
        from promptzoo.pages.console import console
        from promptzoo.pages.exported import run

    run(path, to, out, console(), words=words or [], classes=classes, int8=int8, weights=weights, force=force,
        trust_code=trust_code)  # fmt: skip
